//! Progress to the last word of it, and a call that its client gives up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use harness::scenario::{Named, Scenario, Step};
use harness::sessions::MARK;
use harness::upstream::{Received, Upstream};
use harness::wait::until;
use serde_json::{Value, json};

use crate::client::Client;
use crate::shared::chain;

crate::for_every_programmed_client! {
    async fn a_call_that_its_client_gives_up_ends_at_the_server(role, client) {
        let chain = chain(role).await;
        let mark = mark();
        let scenario = scenario(client, &mark);
        let seen = client.run(&chain.gateway.url(), &scenario).await;
        assert_eq!(seen.revision, client.revision());
        let progress = &seen.outcomes[0];
        assert!(progress["result"].to_string().contains("scripted"), "{progress}");
        let told: Vec<_> = progress["progress"].as_array().expect("progress").iter().map(word).collect();
        let expected: Vec<_> = (1..=5).map(|step| (f64::from(step), 5.0, format!("step {step}"))).collect();
        assert_eq!(told, expected);
        let given_up = &seen.outcomes[1];
        assert_eq!(given_up["gaveUp"], true, "{given_up}");
        assert_eq!(given_up["progress"].as_array().map(Vec::len), Some(1), "{given_up}");
        chain.scripted.until_hanging_from(&mark, 0).await;
        let call = call(&chain.scripted, &mark, "progress_then_hang");
        until("the server is told that the call is cancelled", Duration::from_secs(30), || async {
            chain.scripted.received().iter().any(|one| cancels(one, &call)).then_some(())
        })
        .await;
        // The connection is as good as before.
        let last = &seen.outcomes[2];
        assert!(last["result"].to_string().contains("scripted"), "{last}");
    }
}

fn scenario(client: Client, mark: &str) -> Scenario {
    let named = |name: &str| Named::new(format!("scripted_{name}"), json!({"of": "scripted"}));
    let mut steps = vec![
        Step::Call(named("progress")),
        Step::GiveUp(named("progress_then_hang")),
        Step::Call(named("progress")),
    ];
    steps.retain(|step| client.can(step));
    Scenario {
        headers: json!({MARK: mark}),
        era: client.era,
        steps,
    }
}

/// A mark of this test alone, beside those of the harness's own clients.
fn mark() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("client-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn word(progress: &Value) -> (f64, f64, String) {
    let number = |name: &str| progress[name].as_f64().expect("a number");
    let message = progress["message"].as_str().unwrap_or_default().to_owned();
    (number("progress"), number("total"), message)
}

/// The only call of a tool that carries this mark.
fn call(server: &Upstream, mark: &str, tool: &str) -> Value {
    let received = server.received_from(mark);
    let calls = received
        .iter()
        .filter(|one| one.rpc_method() == "tools/call");
    let mut calls: Vec<Value> = calls
        .map(|one| serde_json::from_str(one.text()).unwrap())
        .collect();
    calls.retain(|call| call["params"]["name"] == tool);
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls.remove(0)
}

/// Whether it says that `call` is not wanted any more.
fn cancels(one: &Received, call: &Value) -> bool {
    if one.rpc_method() != "notifications/cancelled" {
        return false;
    }
    let notification: Value = serde_json::from_str(one.text()).unwrap();
    notification["params"]["requestId"] == call["id"]
}
