//! Callers with a verified token and without a session share sessions at servers.

use super::driver::*;
use crate::exchange::{CallStep, Exchange};
use crate::identity::Identity;
use crate::step::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const RESULT: &str = r#""result":{"id":7,"n":1.0}}"#;

fn gateway() -> Gateway {
    let mut gateway = Gateway::new();
    gateway.identity = Identity::of_token("https://issuer", "grace");
    gateway
}

/// `body` with an id of the client's.
fn with_id(body: &str, id: &str) -> String {
    body.replacen("\"id\":7", &format!("\"id\":{id}"), 1)
}

/// The id in a request that goes to the server, as it stands there.
fn server_id(body: &str) -> String {
    let after = body.split_once("\"id\":").expect("an id").1;
    after
        .split_once(',')
        .expect("a member behind it")
        .0
        .to_owned()
}

/// The first call of the identity: it opens the session `up`. Gives its id at the server.
fn first(gateway: &mut Gateway) -> (Exchange, String) {
    let (mut exchange, step) = gateway.post(&[], &call("s_echo"));
    let body = settled(step);
    let release = gateway.open(&mut exchange, "up");
    assert_eq!(session_of(&release), "up");
    (exchange, server_id(&body))
}

/// A later one: it finds the session.
fn later(gateway: &mut Gateway, id: &str) -> (Exchange, String) {
    let (mut exchange, step) = gateway.post(&[], &with_id(&call("s_echo"), id));
    assert!(exchange.take_calls().is_empty());
    let release = released(step);
    assert_eq!(session_of(&release), "up");
    let sent = server_id(replaced(&release));
    assert_eq!(replaced(&release), with_id(&call("echo"), &sent));
    (exchange, sent)
}

fn session_of(release: &Release) -> String {
    set(&release.headers, "mcp-session-id").expect("a session at the server")
}

fn answer(gateway: &mut Gateway, exchange: &mut Exchange, body: &str) -> BodyStep {
    gateway.respond(exchange, 200, &[JSON]);
    gateway.body(exchange, body, true)
}

#[test]
fn all_calls_of_an_identity_share_a_session_that_none_of_them_ends() {
    let mut gateway = gateway();
    let (mut exchange, _) = first(&mut gateway);
    exchange.on_done();
    assert!(exchange.take_calls().is_empty());
    let (mut exchange, _) = later(&mut gateway, "8");
    exchange.on_done();
    assert!(exchange.take_calls().is_empty());
}

#[test]
fn requests_that_share_a_session_never_share_an_id() {
    let mut gateway = gateway();
    let (_, one) = first(&mut gateway);
    let (_, two) = later(&mut gateway, "7");
    let (_, three) = later(&mut gateway, "\"7\"");
    assert!(one != two && two != three && one != three);
    for id in [one, two, three] {
        assert_eq!(id.len(), 24, "{id}");
        assert!(id.starts_with('"') && id.ends_with('"'));
    }
}

#[test]
fn the_clients_id_is_back_in_a_json_answer_as_it_was_written() {
    let mut gateway = gateway();
    first(&mut gateway);
    for id in [
        "7",
        "7.0",
        r#""\u0061/""#,
        "-0",
        "123456789012345678901234567890",
    ] {
        let (mut exchange, sent) = later(&mut gateway, id);
        let of_server = format!(r#"{{"jsonrpc":"2.0", "id" : {sent},{RESULT}"#);
        let of_client = format!(r#"{{"jsonrpc":"2.0", "id" : {id},{RESULT}"#);
        let step = answer(&mut gateway, &mut exchange, &of_server);
        assert_eq!(step, BodyStep::Replace(of_client.into_bytes()));
    }
}

#[test]
fn the_clients_id_is_back_in_an_answer_that_comes_in_pieces() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    let of_server = format!(r#"{{"id":{sent},"jsonrpc":"2.0",{RESULT}"#);
    gateway.respond(&mut exchange, 200, &[JSON]);
    for piece in of_server.chars() {
        let step = gateway.body(&mut exchange, &piece.to_string(), false);
        assert_eq!(step, BodyStep::Hold);
    }
    let step = gateway.body(&mut exchange, "", true);
    let of_client = format!(r#"{{"id":8,"jsonrpc":"2.0",{RESULT}"#);
    assert_eq!(step, BodyStep::Replace(of_client.into_bytes()));
}

#[test]
fn the_clients_id_is_back_in_an_answer_too_large_to_be_held() {
    let mut gateway = Gateway::with(|config| config.limits.checked_response_bytes = 64);
    gateway.identity = Identity::of_token("https://issuer", "grace");
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    let large = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"a":"{}"}}}}"#,
            "x".repeat(500)
        )
    };
    let of_server = large(&sent);
    gateway.respond(
        &mut exchange,
        200,
        &[JSON, ("content-length", &of_server.len().to_string())],
    );
    let mut of_client = Vec::new();
    for (at, piece) in of_server.as_bytes().chunks(50).enumerate() {
        let last = (at + 1) * 50 >= of_server.len();
        match exchange.on_response_body(piece.to_vec(), last) {
            BodyStep::Hold => assert!(of_client.is_empty()),
            BodyStep::Replace(bytes) => of_client.extend(bytes),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(text(&of_client), large("8"));
}

#[test]
fn the_clients_id_is_back_in_events() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    let events = |id: &str| {
        let note =
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#;
        format!("data: {note}\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":{id},{RESULT}\n\n")
    };
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    let step = gateway.body(&mut exchange, &events(&sent), true);
    assert_eq!(step, BodyStep::Replace(events("8").into_bytes()));
}

#[test]
fn an_answer_to_the_clients_own_id_is_none() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, _) = later(&mut gateway, "8");
    let foreign = format!(r#"{{"jsonrpc":"2.0","id":8,{RESULT}"#);
    let BodyStep::Replace(body) = answer(&mut gateway, &mut exchange, &foreign) else {
        panic!()
    };
    assert!(
        text(&body).starts_with(r#"{"jsonrpc":"2.0","id":8,"error""#),
        "{}",
        text(&body)
    );

    let (mut exchange, _) = later(&mut gateway, "8");
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    let BodyStep::Replace(body) =
        gateway.body(&mut exchange, &format!("data: {foreign}\n\n"), true)
    else {
        panic!()
    };
    assert!(text(&body).contains(r#""id":8,"error""#), "{}", text(&body));
}

#[test]
fn a_servers_error_has_the_clients_id_too() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    let error = |id: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32602,"message":"m"}}}}"#)
    };
    let step = answer(&mut gateway, &mut exchange, &error(&sent));
    assert_eq!(step, BodyStep::Replace(error("8").into_bytes()));
}

#[test]
fn another_identity_and_a_session_of_the_same_one_have_their_own() {
    let mut gateway = gateway();
    first(&mut gateway);
    let session = gateway.session();
    let (exchange, step) = gateway.post(&[("mcp-session-id", &session)], &call("s_echo"));
    assert_eq!(settled(step), call("echo"), "its ids are its own");
    drop(exchange);
    gateway.identity = Identity::of_token("https://issuer", "mallory");
    let (mut exchange, step) = gateway.post(&[], &call("s_echo"));
    settled(step);
    assert_eq!(session_of(&gateway.open(&mut exchange, "other")), "other");
}

#[test]
fn who_is_nobody_in_particular_shares_nothing() {
    let mut gateway = gateway();
    first(&mut gateway);
    gateway.identity = Identity::ANONYMOUS;
    let (mut exchange, step) = gateway.post(&[], &call("s_echo"));
    assert_eq!(settled(step), call("echo"), "the id stays");
    gateway.open(&mut exchange, "own");
    exchange.on_done();
    let end = only(exchange.take_calls());
    assert_eq!(
        header(&end.headers, "mcp-session-id").as_deref(),
        Some("own")
    );
}

#[test]
fn at_a_server_without_sessions_ids_stay_and_nobody_is_asked_for() {
    let mut gateway = gateway();
    let (_, step) = gateway.post(&[PAT], &call("github_get_me"));
    assert_eq!(replaced(&released(step)), call("get_me"));
    assert_eq!(gateway.identity_asked, 0);
}

#[test]
fn a_session_that_the_server_has_lost_is_opened_anew_for_all() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    assert_eq!(
        gateway.respond(&mut exchange, 404, &[]),
        ResponseHeadStep::Hold
    );
    let opening = only(exchange.take_calls());
    gateway.end_call(&mut exchange, &opening, initialized("new"));
    let ready = only(exchange.take_calls());
    gateway.end_call(&mut exchange, &ready, answered(202, &[], ""));
    let again = only(exchange.take_calls());
    assert_eq!(text(&again.body), with_id(&call("echo"), &sent));
    let body = format!(r#"{{"jsonrpc":"2.0","id":{sent},{RESULT}"#);
    let step = gateway.end_call(&mut exchange, &again, answered(200, &[JSON], &body));
    let CallStep::Response(ResponseHeadStep::Respond(response)) = step else {
        panic!("{step:?}")
    };
    assert_eq!(
        text(&response.body),
        format!(r#"{{"jsonrpc":"2.0","id":8,{RESULT}"#)
    );

    let (mut exchange, step) = gateway.post(&[], &call("s_echo"));
    assert_eq!(session_of(&released(step)), "new");
    exchange.on_done();
    assert!(exchange.take_calls().is_empty());
}

#[test]
fn a_body_that_goes_on_before_its_end_shares_where_its_id_has_come() {
    let padding = "x".repeat(70_000);
    let mut gateway = gateway();
    first(&mut gateway);
    let begun = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"s_echo","a":"{padding}"#
    );
    let (mut exchange, step) = gateway.post_pieces(&[], &[begun.as_bytes(), b""]);
    let release = released(step);
    let sent = server_id(replaced(&release));
    assert_eq!((session_of(&release).as_str(), sent.len()), ("up", 24));
    exchange.on_released_body(b"\"}}".to_vec(), true);
    let of_server = format!(r#"{{"jsonrpc":"2.0","id":{sent},{RESULT}"#);
    let of_client = format!(r#"{{"jsonrpc":"2.0","id":7,{RESULT}"#);
    let step = answer(&mut gateway, &mut exchange, &of_server);
    assert_eq!(step, BodyStep::Replace(of_client.into_bytes()));

    let behind = format!(
        r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"name":"s_echo","a":"{padding}"#
    );
    let (mut exchange, step) = gateway.post_pieces(&[], &[behind.as_bytes(), br#""},"id":7}"#]);
    assert!(holds(&step));
    gateway.open(&mut exchange, "own");
    exchange.on_done();
    let end = only(exchange.take_calls());
    assert_eq!(header(&end.headers, ":method").as_deref(), Some("DELETE"));
}

#[test]
fn nothing_is_asked_of_a_client_that_could_not_be_told_from_others() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    let events = format!(
        "data: {{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"roots/list\"}}\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":{sent},{RESULT}\n\n"
    );
    let BodyStep::Replace(body) = gateway.body(&mut exchange, &events, true) else {
        panic!()
    };
    assert_eq!(
        text(&body),
        format!("data: {{\"jsonrpc\":\"2.0\",\"id\":8,{RESULT}\n\n")
    );
}
