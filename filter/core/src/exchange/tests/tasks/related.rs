//! Messages that say to which task they belong, in both directions.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const RELATED: &str = r#""_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}"#;

fn related(id: &str) -> String {
    RELATED.replace("t-1", id)
}

/// The stream of `tasks/result`, opened by the server.
fn stream(gateway: &mut Gateway, headers: &[(&str, &str)], id: &str) -> Exchange {
    let (mut exchange, step) = gateway.post(headers, &about("tasks/result", id));
    released(step);
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    exchange
}

fn passed(gateway: &mut Gateway, exchange: &mut Exchange, event: &str, end: bool) -> String {
    match gateway.body(exchange, event, end) {
        BodyStep::Replace(bytes) => String::from_utf8(bytes).unwrap(),
        BodyStep::Forward => event.to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_message_on_a_stream_names_the_task_as_its_owner_knows_it() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let id = created(&mut gateway, &headers);
    let mut exchange = stream(&mut gateway, &headers, &id);
    for event in [
        format!(r#"{{"method":"notifications/message","params":{{{RELATED},"taskId":"own"}}}}"#),
        format!(r#"{{"params":{{"x":1.0,{TASK}}},"method":"notifications/tasks/status"}}"#),
    ] {
        let event = format!("data: {event}\n\n");
        let told = passed(&mut gateway, &mut exchange, &event, false);
        assert_eq!(told, event.replace("t-1", &id));
    }
    let asked = format!(
        "data: {{\"id\":3,\"params\":{{{RELATED},\"taskId\":\"own\"}},\"method\":\"elicitation/create\"}}\n\n"
    );
    let told = passed(&mut gateway, &mut exchange, &asked, false);
    assert!(
        told.contains(&related(&id)) && told.contains("\"own\""),
        "{told}"
    );
    assert!(!told.contains("\"id\":3"), "{told}");
    let last = format!(
        "data: {}\n\n",
        result(&format!(r#"{RELATED},"task":{{{TASK}}},"content":[]"#))
    );
    let told = passed(&mut gateway, &mut exchange, &last, true);
    assert_eq!(told, last.replace(RELATED, &related(&id)));
}

#[test]
fn any_chunking_of_a_stream_gives_the_same_bytes() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let id = created(&mut gateway, &headers);
    let event = format!(
        "data: {}\n\n",
        result(&format!(r#""content":[],{RELATED}"#))
    );
    let mut exchange = stream(&mut gateway, &headers, &id);
    let mut out = String::new();
    for place in 0..event.len() {
        let end = place + 1 == event.len();
        out += &passed(&mut gateway, &mut exchange, &event[place..=place], end);
    }
    assert_eq!(out, event.replace("t-1", &id));
}

#[test]
fn a_json_answer_names_the_task_that_it_belongs_to_in_any_chunking() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let id = created(&mut gateway, &headers);
    let body = result(&format!(r#"{RELATED},"structuredContent":{{"n":1E400}}"#));
    for size in [1, 7, 1000] {
        let (mut exchange, step) = gateway.post(&headers, &about("tasks/result", &id));
        released(step);
        gateway.respond(&mut exchange, 200, &[JSON]);
        let mut out = String::new();
        let pieces: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
        for (place, piece) in pieces.iter().enumerate() {
            let end = place + 1 == pieces.len();
            match exchange.on_response_body(piece.to_vec(), end) {
                BodyStep::Replace(bytes) => out += text(&bytes),
                BodyStep::Hold => assert!(!end),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(out, body.replace("t-1", &id));
    }
}

#[test]
fn one_task_has_one_name_however_its_server_spells_it() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let id = created(&mut gateway, &headers);
    let (mut exchange, step) = gateway.post(&headers, &create("s_echo"));
    released(step);
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    let event = "data: {\"method\":\"notifications/tasks/status\",\"params\":{\"taskId\":\"\\u0074-1\"}}\n\n";
    let told = passed(&mut gateway, &mut exchange, event, false);
    assert_eq!(told, event.replace("\\u0074-1", &id));
}

#[test]
fn a_clients_answer_request_and_notification_name_the_task_as_its_server_does() {
    let mut gateway = gateway();
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let id = created(&mut gateway, &headers);
    let mut exchange = stream(&mut gateway, &headers, &id);
    let asked = "data: {\"id\":3,\"method\":\"ping\"}\n\n";
    let told = passed(&mut gateway, &mut exchange, asked, false);
    let sealed = told.split('"').nth(3).unwrap();

    let answer = |task: &str| {
        format!(
            r#"{{"result":{{{}}},"jsonrpc":"2.0","id":"{sealed}"}}"#,
            related(task)
        )
    };
    let release = released(gateway.post(&headers, &answer(&id)).1);
    assert_eq!(
        replaced(&release),
        answer("t-1").replace(&format!("\"{sealed}\""), "3")
    );
    assert_eq!(gateway.answer(&headers, &answer("t-1")).status, 400);

    let request = |task: &str, tool: &str| {
        call(tool).replace("\"name\"", &format!("{},\"name\"", related(task)))
    };
    let release = released(gateway.post(&headers, &request(&id, "s_echo")).1);
    assert_eq!(replaced(&release), request("t-1", "echo"));
    assert!(is_unknown(
        &mut gateway,
        &headers,
        &request("t-1", "s_echo")
    ));
    let elsewhere = [headers[0], PAT];
    assert!(is_unknown(
        &mut gateway,
        &elsewhere,
        &request(&id, "github_get_me")
    ));

    let note = |task: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{{},"progressToken":1}}}}"#,
            related(task)
        )
    };
    let (mut exchange, _) = gateway.post(&headers, &note(&id));
    assert_eq!(text(&only(exchange.take_calls()).body), note("t-1"));
    let (mut exchange, _) = gateway.post(&headers, &note("t-1"));
    assert!(exchange.take_calls().is_empty());
}

#[test]
fn a_notification_about_a_task_goes_to_no_other_server() {
    let mut gateway = Gateway::with(|config| {
        for server in &mut config.servers {
            (server.tasks, server.issues_sessions) = (server.prefix == "s_", true);
        }
    });
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str()), PAT];
    let id = created(&mut gateway, &headers);
    let (mut exchange, _) = gateway.post(&headers, &call("github_get_me"));
    gateway.open(&mut exchange, "at-github");
    let note = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{{params}}}}}"#)
    };
    let told = |gateway: &mut Gateway, params: &str| {
        let (mut exchange, _) = gateway.post(&headers, &note(params));
        let sessions = exchange.take_calls().into_iter();
        sessions
            .filter_map(|call| header(&call.headers, "mcp-session-id"))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&mut gateway, ""), ["at-github", "up"]);
    assert_eq!(told(&mut gateway, &related(&id)), ["up"]);
    assert_eq!(told(&mut gateway, &related("t-1")), ["at-github"]);
}
