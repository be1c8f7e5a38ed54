//! Before npm's server-everything a client sees at the gateway what it sees at the server.

use harness::scenario::{List, Named, Scenario, Seen, Step};
use serde_json::{Value, json};

use crate::client::Client;
use crate::shared::chain;

const PREFIX: &str = "everything_";

crate::for_every_client! {
    async fn a_client_sees_at_the_gateway_what_it_sees_at_the_server(role, client) {
        let chain = chain(role).await;
        let server = format!("http://{}/mcp", chain.everything.address());
        let (direct, joined) = (scenario(client, ""), scenario(client, PREFIX));
        let direct_seen = client.run(&server, &direct).await;
        let joined_seen = client.run(&chain.gateway.url(), &joined).await;
        assert_eq!(joined_seen.revision, client.revision());
        for (place, step) in joined.steps.iter().enumerate() {
            let outcome = |seen: &Seen| comparable(&seen.outcomes[place]);
            let (own, through) = (outcome(&direct_seen), outcome(&joined_seen));
            assert!(own.get("error").is_none(), "{step:?} at the server: {own}");
            match step {
                Step::List(list) => compare_lists(*list, &own, &through, client.revision()),
                _ => assert_eq!(through, own, "{step:?}"),
            }
        }
        if client.is_programmed() {
            check(&joined, &joined_seen);
        }
    }
}

/// What server-everything offers, by names with this prefix.
fn scenario(client: Client, prefix: &str) -> Scenario {
    let named = |name: &str, arguments: Value| Named::new(format!("{prefix}{name}"), arguments);
    let mut steps: Vec<Step> = List::ALL.map(Step::List).to_vec();
    steps.extend([
        Step::Call(named("echo", json!({"message": "h\u{e9}llo"}))),
        Step::Call(named("get-structured-content", json!({"location": "Chicago"}))),
        Step::Call(named("get-tiny-image", json!({}))),
        Step::Call(named("trigger-long-running-operation", json!({"duration": 0.2, "steps": 5}))),
        Step::Prompt(named("simple-prompt", json!({}))),
        Step::Prompt(named("args-prompt", json!({"city": "Paris", "state": "X"}))),
        Step::Read("demo://resource/static/document/architecture.md".to_owned()),
        Step::Complete {
            reference: json!({"type": "ref/prompt", "name": format!("{prefix}completable-prompt")}),
            name: "department",
            value: "S",
        },
        Step::Complete {
            reference: json!({"type": "ref/resource", "uri": "demo://resource/dynamic/text/{resourceId}"}),
            name: "resourceId",
            value: "1",
        },
        Step::Ping,
    ]);
    // It offers these to those alone who can answer, and asks back, for which the newest revision has no way to it.
    if client.can_be_asked() {
        steps.push(Step::Call(named("trigger-elicitation-request", json!({}))));
        let sample = json!({"prompt": "p", "maxTokens": 10});
        steps.push(Step::Call(named("trigger-sampling-request", sample)));
    }
    steps.retain(|step| client.can(step));
    Scenario {
        headers: json!({}),
        era: client.era,
        steps,
    }
}

/// An outcome without what the newest revision alone has, and the clients' own libraries add to older ones.
fn comparable(outcome: &Value) -> Value {
    match outcome {
        Value::Object(members) => {
            let members = members
                .iter()
                .filter(|(name, value)| !is_of_newest(name, value));
            let members = members.map(|(name, value)| (name.clone(), comparable(value)));
            members.collect()
        }
        Value::Array(items) => items.iter().map(comparable).collect(),
        other => other.clone(),
    }
}

/// MCP 2026-07-28, schema, `Result` and `CacheableResult`, and the server's name in `_meta`.
fn is_of_newest(name: &str, value: &Value) -> bool {
    let is_the_servers_name = |value: &Value| {
        let mut members = value.as_object().into_iter().flatten();
        members.all(|(name, _)| name == "io.modelcontextprotocol/serverInfo")
    };
    ["resultType", "ttlMs", "cacheScope"].contains(&name)
        || name == "_meta" && is_the_servers_name(value)
}

/// Everything that the server lists is in the gateway's list, in its order.
fn compare_lists(list: List, own: &Value, through: &Value, revision: &str) {
    let items = |outcome: &Value| outcome["items"].as_array().expect("a list").clone();
    let mut rest = items(through).into_iter();
    for item in items(own) {
        let mut expected = item.clone();
        // Only 2025-11-25 has it, and some libraries take it away from what comes by another revision.
        if revision != "2025-11-25" && !through.to_string().contains(r#""execution""#) {
            expected
                .as_object_mut()
                .expect("a definition")
                .remove("execution");
        }
        if matches!(list, List::Tools | List::Prompts) {
            let name = item["name"].as_str().expect("a name");
            expected["name"] = format!("{PREFIX}{name}").into();
        }
        assert!(
            rest.any(|other| other == expected),
            "{list:?}: no {expected} in {through}"
        );
    }
}

/// What both could have lost.
fn check(scenario: &Scenario, seen: &Seen) {
    let outcomes = scenario.steps.iter().zip(&seen.outcomes);
    let of = |name: &str| {
        let is = |step: &Step| matches!(step, Step::Call(call) if call.name.ends_with(name));
        let mut found = outcomes.clone().filter(|(step, _)| is(step));
        found.next().expect("a step").1
    };
    let progress = of("trigger-long-running-operation")["progress"]
        .as_array()
        .expect("progress");
    let steps: Vec<_> = progress
        .iter()
        .map(|one| (one["progress"].as_f64(), one["total"].as_f64()))
        .collect();
    let expected: Vec<_> = [1.0, 2.0, 3.0, 4.0, 5.0]
        .map(|step| (Some(step), Some(5.0)))
        .to_vec();
    assert_eq!(steps, expected);
    if seen.revision != "2025-11-25" {
        return;
    }
    assert!(
        of("trigger-elicitation-request")["result"]
            .to_string()
            .contains("Ada"),
        "{seen:?}"
    );
    assert!(
        of("trigger-sampling-request")["result"]
            .to_string()
            .contains("sampled"),
        "{seen:?}"
    );
    for method in ["elicitation/create", "sampling/createMessage"] {
        assert!(
            seen.asked.iter().any(|asked| asked == method),
            "{:?}",
            seen.asked
        );
    }
}
