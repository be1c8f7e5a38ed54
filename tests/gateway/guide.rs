//! The newer guide on Istio: what it applies is what makes the gateway serve.

use std::collections::BTreeSet;
use std::time::Duration;

use harness::github::{login, token};
use harness::wait::until;
use serde_json::{Value, json};

use crate::managed::Managed;
use crate::manifests::own;

/// What the guide allows from the registration to its tools.
const TOOLS: Duration = Duration::from_secs(30);

/// Longer takes nothing that follows from an object.
const CONSEQUENCE: Duration = Duration::from_secs(60);

/// What the guide applies, in its order. The ServiceEntry and the DestinationRule name a host of the internet; one on this
/// machine stands for it.
const PART_1: [&str; 3] = [
    "part-1/step-3-http-route.yaml",
    "part-1/step-4-secret.yaml",
    "part-1/step-5-registration.yaml",
];

tests! {
    async fn what_the_guide_applies_serves_githubs_tools_through_istio_and_what_it_deletes_takes_them_away() {
        let mut managed = Managed::start().await;
        for name in PART_1 {
            managed.apply(name).await;
        }
        let ready = managed.until_ready("github", "True", "Ready").await;
        until_listed(&managed, TOOLS).await;
        let [direct, listed] = managed.tools().await;
        assert_eq!(ready["status"]["discoveredTools"], direct.len());
        let unprefixed = listed.iter().map(|tool| tool.replacen("\"name\":\"github_", "\"name\":\"", 1));
        assert_eq!(unprefixed.collect::<BTreeSet<_>>(), direct.iter().cloned().collect(), "byte for byte");
        assert_columns(&managed, direct.len()).await;
        assert_part_1s_call_fails_at_the_server(&managed).await;

        managed.kubernetes.define(&own("auth-policy.yaml", &[])).await;
        managed.apply("part-2/step-9-route-policy.yaml").await;
        until_users_act_as_themselves(&managed).await;

        managed.kill_control().await;
        assert_eq!(managed.client().list("tools/list", "tools").await, listed, "without control");
        assert_eq!(call(&managed, 'b').await, Some(login(&token('b'))));
        managed.run("kubectl delete mcpserverregistration github -n mcp-test").await;
        managed.start_control().await;
        until("the tools are gone", CONSEQUENCE, || async {
            managed.client().list("tools/list", "tools").await.is_empty().then_some(())
        }).await;
    }
}

async fn until_listed(managed: &Managed, time: Duration) {
    until("the gateway lists tools", time, || async {
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
        let client = managed.client();
        let answer = client
            .post(ping)
            .try_open(client.address, client.protocol)
            .await
            .ok()?;
        if answer.status != 200 {
            return None;
        }
        let listed = client.list("tools/list", "tools").await;
        (!listed.is_empty()).then_some(())
    })
    .await;
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

async fn until_users_act_as_themselves(managed: &Managed) {
    until("the policy holds", CONSEQUENCE, || async {
        (call(managed, 'a').await? == login(&token('a'))).then_some(())
    })
    .await;
    assert_eq!(call(managed, 'b').await, Some(login(&token('b'))));
    let reply = managed.client().call("github_get_me", json!({})).await;
    assert_eq!(reply.status, 400, "{}", reply.shown());
    assert_eq!(
        reply.message()["message"],
        "Missing required x-github-pat header"
    );
}

/// Who the server says that the owner of a token is.
async fn call(managed: &Managed, letter: char) -> Option<String> {
    let client = managed.client().header("x-github-pat", token(letter));
    let reply = client.call("github_get_me", json!({})).await;
    let text = reply.message()["result"]["content"][0]["text"].clone();
    let me: Value = serde_json::from_str(text.as_str()?).ok()?;
    me["login"].as_str().map(str::to_owned)
}
