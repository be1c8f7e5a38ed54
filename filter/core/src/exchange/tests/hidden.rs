//! Lists of callers who may not call everything.

use serde_json::{Value, json};

use super::driver::*;
use crate::claims::{Claims, UnreadableClaim};
use crate::step::RequestStep;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const EVERYTHING: [&str; 5] = [
    "github_get_me",
    "s_echo",
    "s_greet",
    "file:///a",
    "item://{id}",
];

/// Both servers have one policy, with one rule of this condition.
fn gateway(requires: &Value) -> Gateway {
    Gateway::with(|config| {
        let policy = json!({
            "name": "test/some",
            "rules": [{"requires": requires, "denial": {"status": 403}}],
        });
        config.policies = vec![serde_json::from_value(policy).unwrap()];
        for server in &mut config.servers {
            server.policies = vec![0];
        }
    })
}

/// The names on all lists.
fn listed(gateway: &mut Gateway, headers: &[(&str, &str)]) -> Vec<String> {
    let mut names = Vec::new();
    for (method, member, key) in [
        ("tools/list", "tools", "name"),
        ("prompts/list", "prompts", "name"),
        ("resources/list", "resources", "uri"),
        (
            "resources/templates/list",
            "resourceTemplates",
            "uriTemplate",
        ),
    ] {
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        let answer = gateway.answer(headers, &request);
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let list = answer["result"][member].as_array().unwrap();
        names.extend(list.iter().map(|one| one[key].as_str().unwrap().to_owned()));
    }
    names
}

/// Of everything, what can be asked for.
fn callable(gateway: &mut Gateway, headers: &[(&str, &str)]) -> Vec<String> {
    let request = |key: &str| {
        let (method, params) = match key {
            "s_greet" => ("prompts/get", json!({"name": key})),
            "file:///a" => ("resources/read", json!({"uri": key})),
            "item://{id}" => ("resources/read", json!({"uri": "item://1"})),
            _ => ("tools/call", json!({"name": key})),
        };
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    let mut can = |key: &str| {
        !matches!(
            gateway.post(headers, &request(key)).1,
            RequestStep::Respond(_)
        )
    };
    let keys = EVERYTHING.iter().filter(|key| can(key));
    keys.map(|key| (*key).to_owned()).collect()
}

fn token(more: Value) -> Claims {
    let mut all = json!({"iss": "https://issuer", "sub": "ada"});
    all.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    claims(&all)
}

#[track_caller]
fn assert_shown(requires: &Value, claims: &Claims, headers: &[(&str, &str)], expected: &[&str]) {
    let mut gateway = gateway(requires);
    gateway.claims = claims.clone();
    assert_eq!(
        listed(&mut gateway, headers),
        expected,
        "listed for {requires}"
    );
    assert_eq!(
        callable(&mut gateway, headers),
        expected,
        "called for {requires}"
    );
}

#[test]
fn a_claim_that_a_server_wants_shows_all_of_it_or_nothing() {
    let admin = json!({"claimContains": {"path": ["roles"], "value": "admin"}});
    assert_shown(
        &admin,
        &token(json!({"roles": ["admin"]})),
        &[],
        &EVERYTHING,
    );
    for roles in [json!(["user"]), json!([]), json!("admin")] {
        assert_shown(&admin, &token(json!({"roles": roles})), &[], &[]);
    }
    assert_shown(&admin, &Claims::NONE, &[], &[]);
    let unreadable = Claims::one_by_one(&[vec!["roles".to_owned()]], |_| Err(UnreadableClaim));
    assert_shown(&json!({"not": admin}), &unreadable, &[], &[]);
}

#[test]
fn a_header_that_is_missing_hides_nothing_since_a_call_may_have_it() {
    let pat = json!({"headerPresent": "x-github-pat"});
    let mut gateway = gateway(&pat);
    assert_eq!(listed(&mut gateway, &[]), EVERYTHING);
    assert!(callable(&mut gateway, &[]).is_empty());
    let both = json!({"all": [pat, {"claimEquals": {"path": ["team"], "value": "core"}}]});
    assert_shown(&both, &token(json!({"team": "core"})), &[PAT], &EVERYTHING);
    assert_shown(&both, &token(json!({"team": "web"})), &[PAT], &[]);
    let either = json!({"any": [pat, {"claimEquals": {"path": ["team"], "value": "core"}}]});
    let mut with_pat = self::gateway(&either);
    with_pat.claims = token(json!({"team": "web"}));
    assert_eq!(listed(&mut with_pat, &[]), EVERYTHING, "a header would do");
    assert!(callable(&mut with_pat, &[]).is_empty());
    let mut with_team = self::gateway(&both);
    with_team.claims = token(json!({"team": "core"}));
    assert_eq!(listed(&mut with_team, &[]), EVERYTHING);
}

#[test]
fn a_claim_can_list_what_may_be_called() {
    let tools = json!({"claimContainsCall": {"path": ["tools"], "part": "tool"}});
    let echo = token(json!({"tools": ["echo", "s_get_me", "greet"]}));
    assert_shown(&tools, &echo, &[], &["s_echo"]);
    assert_shown(
        &tools,
        &token(json!({"tools": ["get_me", "echo"]})),
        &[],
        &EVERYTHING[..2],
    );
    assert_shown(&tools, &token(json!({"tools": []})), &[], &[]);
    assert_shown(&tools, &token(json!({"tools": "echo"})), &[], &[]);
    assert_shown(&tools, &token(json!({})), &[], &[]);
    let servers = json!({"claimContainsCall": {"path": ["may", "use"], "part": "server"}});
    let stateful = token(json!({"may": {"use": ["test/stateful"]}}));
    assert_shown(&servers, &stateful, &[], &EVERYTHING[1..]);
}

#[test]
fn who_is_kept_out_by_a_list_is_kept_out_and_a_claim_that_is_none_lets_nobody_in() {
    let banned = json!({"not": {"claimContainsCall": {"path": ["banned"], "part": "tool"}}});
    let of = |banned: Value| token(json!({"banned": banned}));
    assert_shown(&banned, &of(json!(["echo"])), &[], &["github_get_me"]);
    assert_shown(&banned, &of(json!(["x"])), &[], &EVERYTHING[..2]);
    for no_list in [json!("echo"), json!({"echo": {"a": "b"}}), json!(true)] {
        assert_shown(&banned, &of(no_list), &[], &[]);
    }
}

#[test]
fn a_template_is_shown_to_whom_some_of_its_resources_are() {
    let one = json!({"callEquals": {"part": "resource", "value": "item://1"}});
    assert_shown(&one, &Claims::NONE, &[], &["item://{id}"]);
    let not_one = json!({"all": [{"callPresent": "resource"}, {"not": one}]});
    let mut gateway = gateway(&not_one);
    assert_eq!(listed(&mut gateway, &[]), ["file:///a", "item://{id}"]);
    let named = json!({"claimContainsCall": {"path": ["uris"], "part": "resource"}});
    for (uris, expected) in [
        (json!(["item://1", "x"]), &["item://{id}"][..]),
        (json!(["file:///a"]), &["file:///a"]),
        (json!(["http://1"]), &[]),
        (json!([]), &[]),
    ] {
        let mut gateway = self::gateway(&named);
        gateway.claims = token(json!({"uris": uris}));
        assert_eq!(listed(&mut gateway, &[]), expected, "{uris}");
    }
}

#[test]
fn tools_prompts_and_resources_are_told_apart_by_name_and_method() {
    let nobody = Claims::NONE;
    let equals = |part: &str, value: &str| json!({"callEquals": {"part": part, "value": value}});
    assert_shown(&equals("tool", "echo"), &nobody, &[], &["s_echo"]);
    assert_shown(&equals("prompt", "greet"), &nobody, &[], &["s_greet"]);
    assert_shown(&equals("tool", "greet"), &nobody, &[], &[]);
    assert_shown(
        &equals("resource", "file:///a"),
        &nobody,
        &[],
        &["file:///a"],
    );
    assert_shown(
        &equals("method", "tools/call"),
        &nobody,
        &[],
        &EVERYTHING[..2],
    );
    assert_shown(
        &equals("server", "test/github"),
        &nobody,
        &[],
        &EVERYTHING[..1],
    );
    assert_shown(
        &json!({"callPresent": "prompt"}),
        &nobody,
        &[],
        &["s_greet"],
    );
    let either = json!({"any": [
        {"not": {"callPresent": "tool"}},
        {"claimContainsCall": {"path": ["tools"], "part": "tool"}},
    ]});
    assert_shown(
        &either,
        &token(json!({"tools": ["get_me"]})),
        &[],
        &["github_get_me", "s_greet", "file:///a", "item://{id}"],
    );
}

#[test]
fn a_header_of_the_client_does_not_say_what_is_called() {
    let echo = json!({"callEquals": {"part": "tool", "value": "echo"}});
    let forged = [
        ("x-mcp-toolname", "echo"),
        ("x-mcp-servername", "test/stateful"),
    ];
    assert_shown(&echo, &Claims::NONE, &forged, &["s_echo"]);
}

#[test]
fn arguments_of_a_hidden_prompt_are_not_completed() {
    let greet = json!({"claimContainsCall": {"path": ["prompts"], "part": "prompt"}});
    let params = json!({
        "ref": {"type": "ref/prompt", "name": "s_greet"},
        "argument": {"name": "a", "value": ""},
    });
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "completion/complete", "params": params,
    });
    for (prompts, is_answered) in [(json!(["greet"]), false), (json!(["x"]), true)] {
        let mut gateway = gateway(&greet);
        gateway.claims = token(json!({"prompts": prompts}));
        let (_, step) = gateway.post(&[], &request.to_string());
        assert_eq!(
            matches!(step, RequestStep::Respond(_)),
            is_answered,
            "{step:?}"
        );
    }
}

#[test]
fn pages_of_a_hidden_list_are_full() {
    let mut gateway = Gateway::with(|config| config.limits.page_items = 1);
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    assert!(text(&gateway.answer(&[], list).body).contains("nextCursor"));
    let echo = json!({
        "name": "test/some",
        "rules": [{
            "requires": {"callEquals": {"part": "tool", "value": "echo"}},
            "denial": {"status": 403},
        }],
    });
    let mut gateway = Gateway::with(|config| {
        config.limits.page_items = 1;
        config.policies[0] = serde_json::from_value(echo).unwrap();
    });
    let page = gateway.answer(&[], list);
    assert!(text(&page.body).ends_with(r#"[{"name":"s_echo","inputSchema":{}}]}}"#));
}
