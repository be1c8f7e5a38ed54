//! Tasks of 2026-07-28, its extension `io.modelcontextprotocol/tasks`.

use super::*;
use crate::exchange::Exchange;
use crate::step::{Release, RequestStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ABOUT: [&str; 3] = ["tasks/get", "tasks/update", "tasks/cancel"];
const TASK: &str = r#""status":"working","taskId":"t-\u00e9","ttlMs":60000.0"#;

/// `github` announces the extension.
fn gateway() -> Gateway {
    Gateway::with(|config| {
        let server = config.servers.first_mut().unwrap();
        server.stateless = true;
        server.stateless_tasks = true;
    })
}

fn about(gateway: &mut Gateway, method: &str, pat: &str, id: &str) -> (Exchange, RequestStep) {
    let headers = [
        ("x-github-pat", pat),
        VERSION,
        ("mcp-method", method),
        ("mcp-name", id),
    ];
    gateway.post(&headers, &request(method, &format!(r#""taskId" : "{id}""#)))
}

fn answer(gateway: &mut Gateway, exchange: &mut Exchange, result: &str) -> String {
    let body = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{{result}}}}}"#);
    feed(gateway, exchange, JSON, &[&body])
}

/// Calls a tool, which becomes a task, and gives the task's id for the client.
fn created(gateway: &mut Gateway) -> String {
    let headers = [
        PAT,
        VERSION,
        ("mcp-method", "tools/call"),
        ("mcp-name", "github_get_me"),
    ];
    let (mut exchange, step) = gateway.post(
        &headers,
        &request("tools/call", r#""name":"github_get_me""#),
    );
    released(step);
    let sent = format!(r#""resultType":"task",{TASK}"#);
    let told = answer(gateway, &mut exchange, &sent);
    let (_, rest) = told.split_once(r#""taskId":""#).expect("a task");
    let id = rest.split_once('"').unwrap().0.to_owned();
    assert!(told.contains(&sent.replace(r"t-\u00e9", &id)), "{told}");
    id
}

fn refused(step: RequestStep) -> (u16, String) {
    let RequestStep::Respond(response) = step else {
        panic!("{step:?}")
    };
    (response.status, text(&response.body).to_owned())
}

#[test]
fn a_task_is_named_by_an_id_that_leads_home() {
    let mut gateway = gateway();
    let id = created(&mut gateway);
    assert!(
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    for method in ABOUT {
        let (mut exchange, step) = about(&mut gateway, method, "abc", &id);
        let release: Release = released(step);
        assert_eq!(
            replaced(&release),
            request(method, r#""taskId" : "t-é""#),
            "in one spelling"
        );
        for (name, value) in [
            (":authority", "github.mcp.local"),
            ("mcp-method", method),
            ("mcp-name", "=?base64?dC3DqQ==?="),
            ("x-mcp-toolname", "get_me"),
        ] {
            let told = set(&release.headers, name);
            assert_eq!(told.as_deref(), Some(value), "{name}");
        }
        let sent = format!(r#""resultType":"complete",{TASK},"result":{{"taskId":"x"}}"#);
        let told = answer(&mut gateway, &mut exchange, &sent);
        if method == "tasks/get" {
            assert!(told.contains(&sent.replace(r"t-\u00e9", &id)), "{told}");
        }
    }
}

#[test]
fn a_task_on_an_event_stream_is_named_so_too() {
    let mut gateway = gateway();
    let id = created(&mut gateway);
    let (mut exchange, _) = about(&mut gateway, "tasks/get", "abc", &id);
    let stream = format!(
        "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks\",\"params\":{{{TASK}}}}}\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{{\"resultType\":\"complete\",{TASK}}}}}\n\n"
    );
    let told = feed(&mut gateway, &mut exchange, EVENTS, &[&stream]);
    assert_eq!(told, stream.replace(r"t-\u00e9", &id));
}

#[test]
fn nobody_else_has_a_use_for_the_id() {
    let mut gateway = gateway();
    let id = created(&mut gateway);
    let is_unknown = |gateway: &mut Gateway, pat: &str, id: &str| {
        for method in ABOUT {
            let (status, body) = refused(about(gateway, method, pat, id).1);
            assert_eq!(status, 200);
            assert!(body.contains(r#""id":7,"error":{"code":-32602"#), "{body}");
        }
    };
    // Another credential, the server's own id, one that is damaged.
    is_unknown(&mut gateway, "other", &id);
    is_unknown(&mut gateway, "abc", "t-1");
    is_unknown(&mut gateway, "abc", &id.replacen(|_: char| true, "_", 3));
    // Somebody who has logged in, with the same credential.
    gateway.claims = token("issuer", "ada");
    is_unknown(&mut gateway, "abc", &id);
    let own = created(&mut gateway);
    for pat in ["abc", "renewed"] {
        released(about(&mut gateway, "tasks/get", pat, &own).1);
    }
    gateway.claims = token("issuer", "grace");
    is_unknown(&mut gateway, "abc", &own);
}

#[test]
fn the_header_must_name_the_task_of_the_body() {
    let mut gateway = gateway();
    let id = created(&mut gateway);
    for method in ABOUT {
        let body = request(method, &format!(r#""taskId":"{id}""#));
        for headers in [
            &[PAT, VERSION, ("mcp-method", method)] as &[_],
            &[PAT, VERSION, ("mcp-method", method), ("mcp-name", "t-1")],
        ] {
            let answer = gateway.answer(headers, &body);
            assert_eq!(answer.status, 400);
            assert!(text(&answer.body).contains("-32020"));
        }
    }
}

#[test]
fn each_era_has_its_own_methods_and_without_servers_that_have_tasks_none() {
    let mut gateway = gateway();
    let id = created(&mut gateway);
    for method in ["tasks/result", "tasks/list"] {
        let (status, body) = refused(about(&mut gateway, method, "abc", &id).1);
        assert_eq!(status, 404);
        assert!(body.contains("-32601"), "{body}");
    }
    for method in ABOUT {
        let (status, body) = refused(about(&mut with_both(), method, "abc", &id).1);
        assert_eq!(status, 404);
        assert!(body.contains("-32601"), "{body}");
        let of_sessions = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{"taskId":"{id}"}}}}"#
        );
        let answer = gateway.answer(&[PAT], &of_sessions);
        assert!(text(&answer.body).contains("-32601"));
    }
}

#[test]
fn the_extension_is_announced_where_a_server_has_it() {
    let announced = |gateway: &mut Gateway| {
        let answer = ask(gateway, "server/discover", "");
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        body["result"]["capabilities"]["extensions"].clone()
    };
    let expected = serde_json::json!({"io.modelcontextprotocol/tasks": {}});
    assert_eq!(announced(&mut gateway()), expected);
    assert!(announced(&mut with_both()).is_null());
    let of_sessions = gateway().answer(&[], &initialize("2025-11-25", "{}"));
    assert!(!text(&of_sessions.body).contains("extensions"));
}

#[test]
fn what_a_client_lacks_is_told_by_the_server() {
    let mut gateway = gateway();
    let id = created(&mut gateway);
    let (mut exchange, _) = about(&mut gateway, "tasks/get", "abc", &id);
    let ResponseHeadStep::Weigh(edits) = gateway.respond(&mut exchange, 400, &[JSON]) else {
        panic!("not continued")
    };
    assert_eq!(set(&edits, ":status"), None);
    let answer = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32021,"message":"no","data":{"requiredCapabilities":{}}}}"#;
    let step = gateway.body(&mut exchange, answer, true);
    assert_eq!(step, BodyStep::Replace(answer.into()));
}
