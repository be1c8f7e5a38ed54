use serde::Serialize;

/// A made-up repository.
#[derive(Debug, Serialize)]
pub(crate) struct Repository {
    pub(crate) full_name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) language: &'static str,
    pub(crate) stargazers_count: u32,
    #[serde(skip)]
    pub(crate) readme: &'static str,
    #[serde(skip)]
    pub(crate) issues: &'static [Issue],
}

/// A made-up issue.
#[derive(Debug, Serialize)]
pub(crate) struct Issue {
    pub(crate) number: u32,
    pub(crate) title: &'static str,
    pub(crate) state: &'static str,
    pub(crate) labels: &'static [&'static str],
}

/// All there are.
pub(crate) const REPOSITORIES: &[Repository] = &[
    Repository {
        full_name: "octo-org/hello-world",
        description: "The first repository of many",
        language: "C",
        stargazers_count: 2970,
        readme: "# Hello, world\n\nSays hello, in any language: 你好, здравствуй, héllo.\n",
        issues: &[
            Issue {
                number: 1,
                title: "Greets only one world",
                state: "open",
                labels: &["bug"],
            },
            Issue {
                number: 2,
                title: "Say goodbye, too",
                state: "closed",
                labels: &["enhancement"],
            },
        ],
    },
    Repository {
        full_name: "octo-org/spoon-knife",
        description: "A repository to fork",
        language: "HTML",
        stargazers_count: 13018,
        readme: "# Spoon-Knife\n\nFork it.\n",
        issues: &[Issue {
            number: 7,
            title: "A fork is missing",
            state: "open",
            labels: &["question"],
        }],
    },
    Repository {
        full_name: "octo-org/linguist",
        description: "Tells which language a file is written in",
        language: "Ruby",
        stargazers_count: 12650,
        readme: "# Linguist\n",
        issues: &[],
    },
];

/// The repository of that owner and name.
pub(crate) fn find(owner: &str, repo: &str) -> Option<&'static Repository> {
    REPOSITORIES
        .iter()
        .find(|repository| repository.full_name.split_once('/') == Some((owner, repo)))
}
