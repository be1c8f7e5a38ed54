//! Before GitHub's own server, whose credentials are in a header of the client's.

use harness::clients::claude_mcp_list;
use harness::gateway::Role;
use harness::github::{login, token};
use harness::scenario::{List, Named, Scenario, Step};
use serde_json::{Value, json};

use crate::client::STATELESS;
use crate::shared::chain;

crate::for_every_client! {
    async fn a_client_acts_as_the_owner_of_the_token_that_it_sends(role, client) {
        let chain = chain(role).await;
        let pat = token('s');
        let scenario = Scenario {
            headers: json!({"x-github-pat": pat}),
            era: client.era,
            steps: get_me("github_"),
        };
        let seen = client.run(&chain.gateway.url(), &scenario).await;
        assert_eq!(seen.revision, client.revision());
        assert!(names(&seen.outcomes[0]).contains(&"github_get_me".to_owned()), "{seen:?}");
        assert!(seen.outcomes[1]["result"].to_string().contains(&login(&pat)), "{seen:?}");
    }
}

harness::tests! {
    async fn claude_code_connects_before_a_hold() {
        claude_code_connects(Role::Hold).await;
    }

    async fn claude_code_connects_before_a_pair() {
        claude_code_connects(Role::Pair).await;
    }

    async fn the_clients_speak_the_stateless_revision_with_a_server_that_does() {
        let chain = chain(Role::Hold).await;
        let url = format!("http://{}/mcp", chain.github.address());
        for client in STATELESS {
            let pat = token('s');
            let scenario = Scenario {
                headers: json!({"authorization": format!("Bearer {pat}")}),
                era: client.era,
                steps: get_me(""),
            };
            let seen = client.run(&url, &scenario).await;
            assert_eq!(seen.revision, client.revision(), "{client:?}");
            assert!(names(&seen.outcomes[0]).contains(&"get_me".to_owned()), "{seen:?}");
            assert!(seen.outcomes[1]["result"].to_string().contains(&login(&pat)), "{seen:?}");
        }
    }
}

async fn claude_code_connects(role: Role) {
    let chain = chain(role).await;
    let header = format!("x-github-pat: {}", token('c'));
    let said = claude_mcp_list(&chain.gateway.url(), &[&header]).await;
    assert!(said.contains("Connected"), "{said}");
}

/// Lists all tools, and asks for the owner of the token.
fn get_me(prefix: &str) -> Vec<Step> {
    // The server wants the arguments, although the protocol does not.
    let call = Named::new(format!("{prefix}get_me"), json!({}));
    vec![Step::List(List::Tools), Step::Call(call)]
}

fn names(outcome: &Value) -> Vec<String> {
    let items = outcome["items"]
        .as_array()
        .unwrap_or_else(|| panic!("a list: {outcome}"));
    items
        .iter()
        .filter_map(|item| item["name"].as_str().map(str::to_owned))
        .collect()
}
