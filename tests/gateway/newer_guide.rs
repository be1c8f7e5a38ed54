//! The newer guide on Istio: what it applies is what makes the gateway serve.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::clients::{Sdk, Visit};
use harness::github::{login, token};
use harness::wait::within;
use serde_json::{Value, json};

use crate::managed::{AT_ONCE, HOST, Managed, login_of, until_login};
use crate::manifests::own;
use crate::platform::SERVER_HOST;

/// What the guide allows from the registration to its tools.
const TOOLS: Duration = Duration::from_secs(30);

/// What the guide applies in its part 1, in its order.
pub(crate) const PART_1: [&str; 5] = [
    "part-1/step-1-service-entry.yaml",
    "part-1/step-2-destination-rule.yaml",
    "part-1/step-3-http-route.yaml",
    "part-1/step-4-secret.yaml",
    "part-1/step-5-registration.yaml",
];

/// The last lines of the guide.
const CLEANUP: [&str; 7] = [
    "kubectl delete mcpserverregistration github -n mcp-test",
    "kubectl delete httproute github-mcp-external -n mcp-test",
    "kubectl delete serviceentry github-mcp-external -n mcp-test",
    "kubectl delete destinationrule github-mcp-external -n mcp-test",
    "kubectl delete secret github-token -n mcp-test",
    "kubectl delete authpolicy mcp-auth-policy -n gateway-system --ignore-not-found",
    "kubectl delete authpolicy github-token-replacement-policy -n mcp-test --ignore-not-found",
];

tests! {
    async fn what_the_guide_applies_serves_githubs_tools_and_what_it_deletes_takes_them_away() {
        let mut managed = Managed::start().await;
        managed.trust().await;
        for name in PART_1 {
            managed.apply(name).await;
            // Of the two guides' objects, the one thing that says where a server is.
            if name.ends_with("service-entry.yaml") {
                managed.lead_here("github-mcp-external").await;
            }
        }
        let (ready, listed) = within("github is Ready and its tools are listed", TOOLS, async {
            let ready = managed.until_ready("github", "True", "Ready").await;
            (ready, managed.until_listed().await)
        }).await;
        let direct = managed.offered().await;
        assert_eq!(ready["status"]["discoveredTools"], direct.len());
        let unprefixed = listed.iter().map(|tool| tool.replacen("\"name\":\"github_", "\"name\":\"", 1));
        assert_eq!(unprefixed.collect::<BTreeSet<_>>(), direct.iter().cloned().collect(), "byte for byte");
        assert_columns(&managed, direct.len()).await;
        assert_part_1s_call_fails_at_the_server(&managed).await;
        assert_reached_by_tls(&managed);

        managed.kubernetes.define(&own("auth-policy.yaml", &[])).await;
        managed.apply("part-2/step-9-route-policy.yaml").await;
        managed.run("kubectl get authpolicy github-token-replacement-policy -n mcp-test").await;
        until_users_act_as_themselves(&managed).await;
        assert_a_client_lists_and_calls(&managed, direct.len()).await;

        managed.kill_control().await;
        assert_eq!(managed.client().list("tools/list", "tools").await, listed, "without control");
        assert_eq!(login_of(&managed, 'b').await, Some(login(&token('b'))));
        // Nobody is there who could let go of anything.
        for line in CLEANUP {
            within(line, AT_ONCE, managed.run(line)).await;
        }
        managed.start_control().await;
        managed.until_none_listed().await;
    }
}

/// What `kubectl get` shows, and the line that the older guide looks for in the log.
async fn assert_columns(managed: &Managed, tools: usize) {
    let table = managed
        .run("kubectl get mcpserverregistrations -n mcp-test")
        .await;
    let mut lines = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let (heads, cells) = (lines.next().unwrap(), lines.next().unwrap());
    let cell = |head: &str| cells[heads.iter().position(|one| *one == head).unwrap()];
    assert_eq!(
        (cell("NAME"), cell("PREFIX"), cell("READY")),
        ("github", "github_", "True")
    );
    assert_eq!(cell("TOOLS"), tools.to_string());
    let told = managed.told();
    let line = format!("Discovered {tools} tools");
    let is_told = |one: &String| one.contains(&line) && one.contains("mcp-test/github");
    assert!(told.iter().any(is_told), "{told:#?}");
}

/// Nobody gives the call a credential yet: GitHub's server refuses it, and the client learns who did.
async fn assert_part_1s_call_fails_at_the_server(managed: &Managed) {
    let reply = managed.client().call("github_get_me", json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.shown());
    let error = reply.message()["error"]["message"].to_string();
    assert!(
        error.contains("mcp-test/github") && error.contains("401"),
        "{error}"
    );
}

/// The server is asked for by its own name, in TLS and in HTTP.
fn assert_reached_by_tls(managed: &Managed) {
    let requests = managed.server.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(request.server_name.as_deref(), Some(SERVER_HOST));
        assert_eq!(request.authority.as_deref(), Some(SERVER_HOST));
    }
}

/// As a user has it connect who has followed the guide to its end.
async fn assert_a_client_lists_and_calls(managed: &Managed, tools: usize) {
    let visit = Visit {
        headers: json!({"x-github-pat": token('c')}),
        tool: "github_get_me",
        arguments: json!({}),
    };
    let url = format!("http://{HOST}:{}/mcp", managed.address().port());
    let seen = Sdk::TypeScript.visit(&url, &visit).await;
    assert_eq!(seen.tools.len(), tools);
    let text = seen.result["content"][0]["text"].as_str().unwrap();
    let me: Value = serde_json::from_str(text).unwrap();
    assert_eq!(me["login"], login(&token('c')));
}

async fn until_users_act_as_themselves(managed: &Managed) {
    until_login(managed, 'a').await;
    assert_eq!(login_of(managed, 'b').await, Some(login(&token('b'))));
    let reply = managed.client().call("github_get_me", json!({})).await;
    assert_eq!(reply.status, 400, "{}", reply.shown());
    assert_eq!(
        reply.message()["message"],
        "Missing required x-github-pat header"
    );
}
