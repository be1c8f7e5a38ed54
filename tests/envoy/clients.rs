//! Clients that nobody here wrote list and call through the gateway, unchanged.

use harness::clients::{Sdk, Visit, claude_mcp_list};
use harness::github::{login, token};
use harness::sessions::Client;
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::json;

use crate::shared::{Joined, Used, joined};

in_both_roles! {
    async fn the_typescript_sdk_lists_and_calls(role) {
        visits(&joined(role).await, Sdk::TypeScript).await;
    }

    async fn the_typescript_client_package_lists_and_calls(role) {
        visits(&joined(role).await, Sdk::TypeScriptClient).await;
    }

    async fn the_python_sdk_lists_and_calls(role) {
        visits(&joined(role).await, Sdk::Python).await;
    }

    async fn rmcp_lists_and_calls(role) {
        let shared = joined(role).await;
        let header = ("x-github-pat".parse().unwrap(), token('r').parse().unwrap());
        let config = StreamableHttpClientTransportConfig::with_uri(shared.gateway.url())
            .custom_headers([header].into());
        let client = ().serve(StreamableHttpClientTransport::from_config(config)).await.expect("a handshake");
        let tools = client.list_all_tools().await.expect("tools");
        let names: Vec<_> = tools.iter().map(|tool| tool.name.to_string()).collect();
        assert_eq!(names, listed(&shared).await);
        // github-mcp-server wants the member, although the protocol does not.
        let call = CallToolRequestParams::new("github_get_me").with_arguments(serde_json::Map::new());
        let called = client.call_tool(call).await.expect("an answer");
        let called = serde_json::to_string(&called).unwrap();
        assert!(called.contains(&login(&token('r'))), "{called}");
        client.cancel().await.expect("an orderly end");
    }

    async fn claude_code_connects(role) {
        let shared = joined(role).await;
        let header = format!("x-github-pat: {}", token('c'));
        let said = claude_mcp_list(&shared.gateway.url(), &[&header]).await;
        assert!(said.contains("Connected"), "{said}");
    }
}

/// Lists all tools, answers a question of server-everything, and gets the login of a token from github-mcp-server.
async fn visits(shared: &Used<Joined>, sdk: Sdk) {
    let url = shared.gateway.url();
    let visit = Visit {
        headers: json!({}),
        tool: "everything_trigger-elicitation-request",
        arguments: json!({}),
    };
    let visited = sdk.visit(&url, &visit).await;
    assert_eq!(visited.tools, listed(shared).await);
    assert_eq!(visited.asked, ["elicitation/create"]);
    assert!(visited.result.to_string().contains("Ada"), "{visited:?}");

    let pat = token('s');
    let visit = Visit {
        headers: json!({"x-github-pat": pat}),
        tool: "github_get_me",
        arguments: json!({}),
    };
    let visited = sdk.visit(&url, &visit).await;
    assert!(
        visited.result.to_string().contains(&login(&pat)),
        "{visited:?}"
    );
}

async fn listed(shared: &Used<Joined>) -> Vec<String> {
    let client =
        Client::connected(shared.gateway.address(), harness::caller::Protocol::Http1).await;
    let tools = client.list("tools/list", "tools").await;
    let name = |tool: &String| {
        serde_json::from_str::<serde_json::Value>(tool).unwrap()["name"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    tools.iter().map(name).collect()
}
