use axum::http::request::Parts;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::Extension;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig};
use rmcp::{ErrorData, ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::account::Account;
use crate::repository::{self, Issue, REPOSITORIES, Repository};

/// The tools, in GitHub's names and shapes.
#[derive(Clone)]
pub(crate) struct GitHub {
    tool_router: ToolRouter<Self>,
}

/// Arguments of `search_repositories`.
#[derive(Deserialize, JsonSchema)]
struct Search {
    /// Words that the name or the description holds
    query: String,
    /// Page number (min 1)
    page: Option<u32>,
    /// Results per page (min 1, max 100)
    #[serde(rename = "perPage")]
    #[schemars(range(min = 1, max = 100))]
    per_page: Option<u32>,
}

/// Which repository.
#[derive(Deserialize, JsonSchema)]
struct Place {
    /// Repository owner
    owner: String,
    /// Repository name
    repo: String,
}

/// Arguments of `list_issues`.
#[derive(Deserialize, JsonSchema)]
struct ListIssues {
    #[serde(flatten)]
    place: Place,
    /// Filter by state
    state: Option<IssueState>,
}

/// The state of an issue.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum IssueState {
    Open,
    Closed,
}

/// Arguments of `issue_read`.
#[derive(Deserialize, JsonSchema)]
struct ReadIssue {
    #[serde(flatten)]
    place: Place,
    /// The number of the issue
    issue_number: u32,
}

/// Arguments of `get_file_contents`.
#[derive(Deserialize, JsonSchema)]
struct ReadFile {
    #[serde(flatten)]
    place: Place,
    /// Path to file
    #[serde(default)]
    path: String,
}

/// Arguments of `create_issue`.
#[derive(Deserialize, JsonSchema)]
struct CreateIssue {
    #[serde(flatten)]
    place: Place,
    /// Issue title
    title: String,
    /// Issue body content
    body: Option<String>,
}

#[tool_router]
impl GitHub {
    pub(crate) fn new() -> Self {
        Self {
            tool_router: Self::tool_router(),
        }
    }

    #[tool(
        description = "Get details of the authenticated GitHub user. Use this when a request is about the user's own profile.",
        annotations(title = "Get my user profile", read_only_hint = true)
    )]
    async fn get_me(&self, Extension(parts): Extension<Parts>) -> Result<String, ErrorData> {
        let account = account(&parts)?;
        let url = format!("https://github.com/{}", account.login);
        text(
            &json!({ "login": account.login, "id": account.id, "profile_url": url, "details": { "name": "Stand-in" } }),
        )
    }

    #[tool(
        description = "Find GitHub repositories by name or description.",
        annotations(title = "Search repositories", read_only_hint = true)
    )]
    async fn search_repositories(
        &self,
        Parameters(search): Parameters<Search>,
    ) -> Result<String, ErrorData> {
        let words = search.query.to_lowercase();
        let found: Vec<&Repository> = REPOSITORIES
            .iter()
            .filter(|repository| holds(repository, &words))
            .collect();
        let size = search.per_page.unwrap_or(30).clamp(1, 100) as usize;
        let first = (search.page.unwrap_or(1).max(1) as usize - 1).saturating_mul(size);
        let items: Vec<_> = found.iter().skip(first).take(size).collect();
        text(&json!({ "total_count": found.len(), "incomplete_results": false, "items": items }))
    }

    #[tool(
        description = "List issues in a GitHub repository.",
        annotations(title = "List issues", read_only_hint = true)
    )]
    async fn list_issues(
        &self,
        Parameters(list): Parameters<ListIssues>,
    ) -> Result<String, ErrorData> {
        let wanted = |issue: &&Issue| match list.state {
            Some(IssueState::Open) => issue.state == "open",
            Some(IssueState::Closed) => issue.state == "closed",
            None => true,
        };
        let issues: Vec<_> = find(&list.place)?.issues.iter().filter(wanted).collect();
        text(&json!({ "issues": issues, "totalCount": issues.len() }))
    }

    #[tool(
        description = "Get information about a specific issue in a GitHub repository.",
        annotations(title = "Get issue details", read_only_hint = true)
    )]
    async fn issue_read(
        &self,
        Parameters(read): Parameters<ReadIssue>,
    ) -> Result<String, ErrorData> {
        let issues = find(&read.place)?.issues;
        let issue = issues
            .iter()
            .find(|issue| issue.number == read.issue_number);
        text(issue.ok_or_else(|| ErrorData::invalid_params("no such issue", None))?)
    }

    #[tool(
        description = "Get the contents of a file from a GitHub repository.",
        annotations(title = "Get file or directory contents", read_only_hint = true)
    )]
    async fn get_file_contents(
        &self,
        Parameters(read): Parameters<ReadFile>,
    ) -> Result<String, ErrorData> {
        let repository = find(&read.place)?;
        match read.path.trim_start_matches('/') {
            "" => text(
                &json!([{ "type": "file", "name": "README.md", "size": repository.readme.len() }]),
            ),
            "README.md" => Ok(repository.readme.to_owned()),
            _ => Err(ErrorData::invalid_params("no such file", None)),
        }
    }

    #[tool(
        description = "Create a new issue in a GitHub repository.",
        annotations(
            title = "Open new issue",
            read_only_hint = false,
            destructive_hint = false
        )
    )]
    async fn create_issue(
        &self,
        Extension(parts): Extension<Parts>,
        Parameters(create): Parameters<CreateIssue>,
    ) -> Result<String, ErrorData> {
        let repository = find(&create.place)?;
        let number = repository
            .issues
            .iter()
            .map(|issue| issue.number)
            .max()
            .unwrap_or(0)
            + 1;
        let author = &account(&parts)?.login;
        text(
            &json!({ "number": number, "title": create.title, "body": create.body, "user": { "login": author } }),
        )
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for GitHub {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new(
                "github-stand-in",
                env!("CARGO_PKG_VERSION"),
            ))
            .with_instructions(
                "Stands in for GitHub's MCP server. All data is made up, and nothing is kept.",
            )
    }
}

fn account(parts: &Parts) -> Result<&Account, ErrorData> {
    parts
        .extensions
        .get()
        .ok_or_else(|| ErrorData::internal_error("the request has no account", None))
}

fn find(place: &Place) -> Result<&'static Repository, ErrorData> {
    repository::find(&place.owner, &place.repo).ok_or_else(|| {
        ErrorData::invalid_params(
            format!("no repository {}/{}", place.owner, place.repo),
            None,
        )
    })
}

fn holds(repository: &Repository, words: &str) -> bool {
    repository.full_name.contains(words) || repository.description.to_lowercase().contains(words)
}

fn text(value: &impl Serialize) -> Result<String, ErrorData> {
    serde_json::to_string(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}
