//! Tasks of 2025-11-25.

mod related;

use mcp_filter_config::{CallPart, CallValue, Condition};

use super::driver::*;
use crate::exchange::{CallStep, Exchange};
use crate::step::{BodyStep, Release, RequestStep, ResponseHeadStep};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ABOUT: [&str; 3] = ["tasks/get", "tasks/result", "tasks/cancel"];
const TASK: &str = r#""taskId":"t-1","status":"working","ttl":60000.0"#;

/// Both servers have tasks.
fn gateway() -> Gateway {
    Gateway::with(|config| {
        for server in &mut config.servers {
            server.tasks = true;
        }
    })
}

fn create(tool: &str) -> String {
    call(tool).replace(r#"{"n":1.0}"#, r#"{"n":1.0},"task":{"ttl":60000}"#)
}

fn about(method: &str, id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{ "taskId" : "{id}"}}}}"#)
}

fn result(members: &str) -> String {
    format!(r#"{{ "jsonrpc":"2.0","id":7,"result":{{{members}}}}}"#)
}

/// What goes on of a JSON answer.
fn answer(gateway: &mut Gateway, exchange: &mut Exchange, body: &str) -> String {
    let step = gateway.respond(exchange, 200, &[JSON]);
    assert!(matches!(step, ResponseHeadStep::Continue(..)));
    match gateway.body(exchange, body, true) {
        BodyStep::Replace(bytes) => String::from_utf8(bytes).unwrap(),
        BodyStep::Forward => body.to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Calls a tool of the server with sessions as a task, in the session `up`, and gives the task's id for the client.
fn created(gateway: &mut Gateway, headers: &[(&str, &str)]) -> String {
    let (mut exchange, step) = gateway.post(headers, &create("s_echo"));
    match step {
        RequestStep::Release(_) => {}
        _ => drop(gateway.open(&mut exchange, "up")),
    }
    let sent = result(&format!(r#""task":{{{TASK}}}"#));
    let told = answer(gateway, &mut exchange, &sent);
    let id = task_in(&told);
    assert_eq!(told, sent.replace("t-1", &id));
    id
}

fn task_in(text: &str) -> String {
    let (_, rest) = text.split_once(r#""taskId":""#).expect("a task");
    rest.split_once('"').unwrap().0.to_owned()
}

fn is_unknown(gateway: &mut Gateway, headers: &[(&str, &str)], body: &str) -> bool {
    let answer = gateway.answer(headers, body);
    assert_eq!(answer.status, 200);
    text(&answer.body).contains(r#""id":7,"error":{"code":-32602"#)
}

fn session_of(release: &Release) -> String {
    set(&release.headers, "mcp-session-id").unwrap()
}

#[test]
fn tasks_are_announced_to_clients_of_the_one_revision_that_knows_them() {
    let capabilities = |gateway: &mut Gateway, version| {
        let answer = gateway.answer(&[], &initialize(version, "{}"));
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        body["result"]["capabilities"].clone()
    };
    let expected = serde_json::json!({"cancel": {}, "requests": {"tools": {"call": {}}}});
    assert_eq!(
        capabilities(&mut gateway(), "2025-11-25")["tasks"],
        expected
    );
    for version in ["2025-03-26", "2025-06-18"] {
        assert!(capabilities(&mut gateway(), version).get("tasks").is_none());
    }
    let mut without = Gateway::new();
    assert!(
        capabilities(&mut without, "2025-11-25")
            .get("tasks")
            .is_none()
    );
}

#[test]
fn a_list_of_tasks_is_not_served_and_without_tasks_nothing_about_them_is() {
    let list = r#"{"jsonrpc":"2.0","id":7,"method":"tasks/list"}"#;
    let refused = gateway().answer(&[], list);
    assert!(text(&refused.body).contains(r#""error":{"code":-32601"#));
    for method in ABOUT {
        let refused = Gateway::new().answer(&[], &about(method, "t-1"));
        assert!(text(&refused.body).contains(r#""error":{"code":-32601"#));
    }
}

#[test]
fn a_task_is_named_by_an_id_that_leads_home_with_no_other_byte_changed() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let id = created(&mut gateway, &headers);
    assert!(
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    for method in ABOUT {
        let (mut exchange, step) = gateway.post(&headers, &about(method, &id));
        let release = released(step);
        assert_eq!(replaced(&release), about(method, "t-1"));
        for (name, value) in [
            (":authority", "stateful.mcp.local"),
            ("x-mcp-method", method),
            ("x-mcp-toolname", "echo"),
            ("mcp-session-id", "up"),
        ] {
            assert_eq!(
                set(&release.headers, name).as_deref(),
                Some(value),
                "{name}"
            );
        }
        let sent = result(TASK);
        let told = answer(&mut gateway, &mut exchange, &sent);
        let expected = if method == "tasks/result" {
            sent
        } else {
            sent.replace("t-1", &id)
        };
        assert_eq!(told, expected, "a tool's own result may have such a member");
    }
}

#[test]
fn a_task_of_a_server_without_sessions_is_found_too() {
    let mut gateway = gateway();
    let session = gateway.session();
    for headers in [&[PAT][..], &[PAT, ("mcp-session-id", session.as_str())]] {
        let (mut exchange, step) = gateway.post(headers, &create("github_get_me"));
        released(step);
        let sent = result(&format!(r#""task":{{{TASK}}}"#));
        let id = task_in(&answer(&mut gateway, &mut exchange, &sent));
        assert_ne!(id, "t-1");
        let (mut exchange, step) = gateway.post(headers, &about("tasks/get", &id));
        let release = released(step);
        assert_eq!(replaced(&release), about("tasks/get", "t-1"));
        assert_eq!(
            set(&release.headers, ":authority").as_deref(),
            Some("github.mcp.local")
        );
        assert_eq!(
            task_in(&answer(&mut gateway, &mut exchange, &result(TASK))),
            id
        );
    }
}

#[test]
fn a_task_is_nobody_elses() {
    let mut gateway = gateway();
    let session = gateway.session();
    let id = created(&mut gateway, &[("mcp-session-id", &session)]);
    let other = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    for method in ABOUT {
        assert!(is_unknown(
            &mut gateway,
            &[("mcp-session-id", &other)],
            &about(method, &id)
        ));
        assert!(is_unknown(&mut gateway, &[], &about(method, &id)));
        let changed = format!(
            "{}{}",
            if id.starts_with('A') { "B" } else { "A" },
            &id[1..]
        );
        for odd in ["t-1", "", &changed, &id[1..]] {
            assert!(is_unknown(&mut gateway, &headers, &about(method, odd)));
        }
        for odd in ["7", "null", "{}"] {
            let odd = about(method, "t").replace("\"t\"", odd);
            assert!(is_unknown(&mut gateway, &headers, &odd));
        }
        let without = about(method, "t").replace("taskId", "task");
        assert!(is_unknown(&mut gateway, &headers, &without));
    }
    gateway.claims = token("https://issuer", "grace");
    let (mut exchange, _) = gateway.post(&[PAT], &create("github_get_me"));
    let sent = result(&format!(r#""task":{{{TASK}}}"#));
    let hers = task_in(&answer(&mut gateway, &mut exchange, &sent));
    released(gateway.post(&[PAT], &about("tasks/get", &hers)).1);
    gateway.claims = token("https://issuer", "ada");
    assert!(is_unknown(&mut gateway, &[PAT], &about("tasks/get", &hers)));
}

#[test]
fn a_task_is_found_in_its_session_at_the_server_though_that_was_forgotten() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let id = created(&mut gateway, &headers);
    gateway.slots = crate::slots::MemorySlots::default();
    let (_, step) = gateway.post(&headers, &about("tasks/get", &id));
    assert_eq!(session_of(&released(step)), "up");
}

#[test]
fn another_credential_does_not_meet_the_session_of_the_task() {
    let mut gateway = Gateway::with(|config| {
        let server = &mut config.servers[0];
        (server.tasks, server.issues_sessions) = (true, true);
    });
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str()), PAT];
    let (mut exchange, _) = gateway.post(&headers, &create("github_get_me"));
    gateway.open(&mut exchange, "up");
    let sent = result(&format!(r#""task":{{{TASK}}}"#));
    let id = task_in(&answer(&mut gateway, &mut exchange, &sent));
    let (_, step) = gateway.post(&headers, &about("tasks/get", &id));
    assert_eq!(session_of(&released(step)), "up");
    let other = [headers[0], ("x-github-pat", "other")];
    let (mut exchange, _) = gateway.post(&other, &about("tasks/get", &id));
    assert_eq!(
        session_of(&gateway.open(&mut exchange, "another")),
        "another"
    );
}

#[test]
fn a_server_that_has_lost_the_session_is_asked_in_a_new_one() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let id = created(&mut gateway, &headers);
    let (mut exchange, step) = gateway.post(&headers, &about("tasks/get", &id));
    released(step);
    gateway.respond(&mut exchange, 404, &[]);
    let opening = only(exchange.take_calls());
    let again = gateway.replay(&mut exchange, &opening);
    assert_eq!(text(&again.body), about("tasks/get", "t-1"));
    let step = gateway.end_call(&mut exchange, &again, answered(200, &[JSON], &result(TASK)));
    let CallStep::Response(ResponseHeadStep::Respond(response)) = step else {
        panic!("{step:?}")
    };
    assert_eq!(text(&response.body), result(TASK).replace("t-1", &id));
}

#[test]
fn callers_that_share_a_session_share_no_request_ids_about_tasks_either() {
    let mut gateway = gateway();
    gateway.claims = token("https://issuer", "grace");
    let server_id = |body: &str| {
        let (_, rest) = body.split_once("\"id\":").unwrap();
        rest.split_once(',').unwrap().0.to_owned()
    };
    let under = |id: &str, result: &str| result.replace("\"id\":7", &format!("\"id\":{id}"));
    let ask = |gateway: &mut Gateway, body: &str| {
        let length = body.len().to_string();
        gateway.post(&[("content-length", length.as_str())], body)
    };
    let (mut exchange, step) = ask(&mut gateway, &create("s_echo"));
    let sent = server_id(&settled(step));
    gateway.open(&mut exchange, "up");
    let created = result(&format!(r#""task":{{{TASK}}}"#));
    let told = answer(&mut gateway, &mut exchange, &under(&sent, &created));
    let id = task_in(&told);
    assert_eq!(told, created.replace("t-1", &id));

    let (mut exchange, step) = ask(&mut gateway, &about("tasks/get", &id));
    let release = released(step);
    assert_eq!(session_of(&release), "up");
    let sent = server_id(replaced(&release));
    assert_ne!(sent, "7");
    let told = answer(&mut gateway, &mut exchange, &under(&sent, &result(TASK)));
    assert_eq!(told, result(TASK).replace("t-1", &id));
}

#[test]
fn who_may_not_call_a_tool_may_not_ask_for_its_tasks() {
    for (part, value) in [
        (CallPart::Tool, "echo"),
        (CallPart::Method, "tools/call"),
        (CallPart::Method, "tasks/get"),
    ] {
        let mut gateway = gateway();
        let session = gateway.session();
        let headers = [("mcp-session-id", session.as_str())];
        let id = created(&mut gateway, &headers);
        let mut denying = Gateway::with(|config| {
            config.servers[1].tasks = true;
            config.servers[1].policies = vec![0];
            let is_denied = Condition::CallEquals(CallValue {
                part,
                value: value.to_owned(),
            });
            config.policies[0].rules[0].requires = Condition::Not(Box::new(is_denied));
            config.policies[0].set_headers.clear();
        });
        let refused = denying.answer(&headers, &about("tasks/get", &id));
        assert_eq!(refused.status, 400, "{value}");
    }
}

#[test]
fn a_task_of_a_tool_that_a_virtual_server_has_not_is_unknown_there() {
    let mut gateway = Gateway::with(|config| {
        for server in &mut config.servers {
            server.tasks = true;
        }
    });
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str()), PAT];
    let (mut exchange, _) = gateway.post(&headers, &create("github_get_me"));
    let sent = result(&format!(r#""task":{{{TASK}}}"#));
    let of_github = task_in(&answer(&mut gateway, &mut exchange, &sent));
    let of_few = created(&mut gateway, &headers);
    let few = [headers[0], PAT, ("x-mcp-virtualserver", "mcp-test/few")];
    assert!(is_unknown(
        &mut gateway,
        &few,
        &about("tasks/get", &of_github)
    ));
    released(gateway.post(&few, &about("tasks/get", &of_few)).1);
}

#[test]
fn what_a_server_without_tasks_answers_is_its_own_affair() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let (mut exchange, _) = gateway.post(&[("mcp-session-id", &session)], &create("s_echo"));
    gateway.open(&mut exchange, "up");
    let sent = result(&format!(r#""task":{{{TASK}}},"taskId":"x","taskId":"y""#));
    assert_eq!(answer(&mut gateway, &mut exchange, &sent), sent);
}

#[test]
fn a_large_request_about_a_task_is_no_other_one_for_its_size() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let id = created(&mut gateway, &headers);
    let head = format!(r#"{{"method":"tasks/get","params":{{"taskId":"{id}","x":""#);
    let first = format!("{head}{}", "x".repeat(70_000));
    let headers = [headers[0], ("content-length", "80000")];
    let (mut exchange, step) = gateway.post_pieces(&headers, &[first.as_bytes(), b"never fed"]);
    assert_eq!(replaced(&released(step)), first.replace(&id, "t-1"));
    let rest = br#"","taskId":"t-2"},"jsonrpc":"2.0","id":3}"#.to_vec();
    let step = exchange.on_released_body(rest, true);
    assert!(matches!(step, BodyStep::Respond(response) if response.status == 400));
}
