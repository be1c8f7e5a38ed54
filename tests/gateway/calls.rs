//! What clients list and call through the gateway.

use std::collections::BTreeSet;

use harness::caller::{PROTOCOLS, Protocol};
use harness::github::{login, token};
use harness::sessions::Client;
use serde_json::{Value, json};

use crate::mesh::mesh;
use harness::jwt::good;

tests! {
    async fn tools_of_the_server_are_listed_under_the_prefix_byte_for_byte() {
        let mesh = mesh().await;
        let bearer = format!("Bearer {}", token('l'));
        let direct = Client::new(mesh.github.address(), Protocol::Http1).header("authorization", bearer);
        let direct = direct.list("tools/list", "tools").await;
        assert!(direct.iter().any(|tool| name(tool) == "get_me"));
        let listed = mesh.client(&token('l'), Some(&good())).list("tools/list", "tools").await;
        assert!(listed.iter().all(|tool| name(tool).starts_with("github_")), "{listed:?}");
        let unprefixed = listed.iter().map(|tool| tool.replacen("\"name\":\"github_", "\"name\":\"", 1));
        let (listed, direct): (BTreeSet<_>, BTreeSet<_>) = (unprefixed.collect(), direct.into_iter().collect());
        assert_eq!(listed, direct);
    }

    async fn a_call_reaches_the_server_with_the_clients_own_pat() {
        let mesh = mesh().await;
        for protocol in PROTOCOLS {
            for letter in ['a', 'b'] {
                let client = mesh.client_over(protocol, &token(letter), Some(&good()));
                let reply = client.call("github_get_me", json!({})).await;
                let text = reply.result()["content"][0]["text"].clone();
                let me: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
                assert_eq!(me["login"], login(&token(letter)), "over {protocol:?}");
            }
        }
    }

    async fn a_call_without_pat_is_refused_as_the_policy_says() {
        let mesh = mesh().await;
        let reply = mesh.client("", Some(&good())).call("github_get_me", json!({})).await;
        assert_eq!(reply.status, 400, "{}", reply.shown());
        assert_eq!(reply.message()["message"], "Missing required x-github-pat header");
    }
}

fn name(tool: &str) -> String {
    let tool: Value = serde_json::from_str(tool).unwrap();
    tool["name"].as_str().unwrap().to_owned()
}
