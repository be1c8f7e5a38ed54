//! A stock client and plain HTTP against the stand-in.

#![cfg(test)]

use std::collections::HashMap;

use github_stand_in::Account;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;

async fn serve() -> String {
    // Where others of the workspace have HTTP clients encrypt, none can be made before it is known how.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, github_stand_in::router()).await });
    format!("http://{address}/mcp")
}

async fn connect(url: &str, token: &str) -> RunningService<RoleClient, ()> {
    let authorization = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    let config = StreamableHttpClientTransportConfig::with_uri(url)
        .custom_headers(HashMap::from([(AUTHORIZATION, authorization)]));
    ().serve(StreamableHttpClientTransport::from_config(config))
        .await
        .unwrap()
}

async fn call(
    client: &RunningService<RoleClient, ()>,
    tool: &'static str,
    arguments: Value,
) -> Value {
    let arguments = arguments.as_object().cloned().unwrap();
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    let result = client.call_tool(request).await.unwrap();
    serde_json::from_str(&result.content[0].as_text().unwrap().text).unwrap()
}

#[tokio::test]
async fn a_request_without_a_token_is_answered_401_with_a_challenge() {
    let url = serve().await;
    for authorization in [None, Some("Basic abc"), Some("Bearer "), Some("Bearer")] {
        #[expect(clippy::disallowed_methods, reason = "it is known what encrypts")]
        let mut request = reqwest::Client::new().post(&url).body("{}");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.send().await.unwrap();
        assert_eq!(
            response.status(),
            StatusCode::UNAUTHORIZED,
            "{authorization:?}"
        );
        let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
    }
}

#[tokio::test]
async fn a_client_lists_the_tools() {
    let client = connect(&serve().await, "ghp_alice").await;
    let tools = client.list_all_tools().await.unwrap();
    let mut names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    names.sort_unstable();
    let expected = [
        "create_issue",
        "get_file_contents",
        "get_me",
        "issue_read",
        "list_issues",
        "search_repositories",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn get_me_answers_the_login_of_the_token() {
    let url = serve().await;
    for token in ["ghp_alice", "ghp_bob"] {
        let me = call(&connect(&url, token).await, "get_me", json!({})).await;
        assert_eq!(me["login"], Account::of_token(token).login);
    }
}

#[tokio::test]
async fn issues_are_filtered_by_state() {
    let client = connect(&serve().await, "ghp_alice").await;
    let arguments = json!({ "owner": "octo-org", "repo": "hello-world", "state": "OPEN" });
    let list = call(&client, "list_issues", arguments).await;
    assert_eq!(list["totalCount"], 1);
    assert_eq!(list["issues"][0]["title"], "Greets only one world");
}

#[tokio::test]
async fn a_search_is_paged() {
    let client = connect(&serve().await, "ghp_alice").await;
    let page = call(
        &client,
        "search_repositories",
        json!({ "query": "octo-org", "page": 2, "perPage": 2 }),
    )
    .await;
    assert_eq!(page["total_count"], 3);
    assert_eq!(page["items"][0]["full_name"], "octo-org/linguist");
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}
