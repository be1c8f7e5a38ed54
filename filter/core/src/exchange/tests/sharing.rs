//! Callers with a verified token and without a session share sessions at servers.

mod ids;

use super::driver::*;
use crate::claims::Claims;
use crate::exchange::{CallStep, Exchange};
use crate::step::*;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const RESULT: &str = r#""result":{"id":7,"n":1.0}}"#;

fn gateway() -> Gateway {
    let mut gateway = Gateway::new();
    gateway.claims = token("https://issuer", "grace");
    gateway
}

/// A request that announces its length.
fn ask(gateway: &mut Gateway, body: &str) -> (Exchange, RequestStep) {
    gateway.post(&[("content-length", &body.len().to_string())], body)
}

fn result(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},{RESULT}"#)
}

fn error(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32602,"message":"m"}}}}"#)
}

/// Whether the request opens a session of its own and ends it.
fn has_its_own(gateway: &mut Gateway, (mut exchange, step): (Exchange, RequestStep)) -> bool {
    assert!(holds(&step));
    gateway.open(&mut exchange, "own");
    exchange.on_done();
    let end = only(exchange.take_calls());
    header(&end.headers, ":method").as_deref() == Some("DELETE")
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
    let (mut exchange, step) = ask(gateway, &call("s_echo"));
    let body = settled(step);
    let release = gateway.open(&mut exchange, "up");
    assert_eq!(session_of(&release), "up");
    (exchange, server_id(&body))
}

/// A later one: it finds the session.
fn later(gateway: &mut Gateway, id: &str) -> (Exchange, String) {
    let (mut exchange, step) = ask(gateway, &with_id(&call("s_echo"), id));
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
fn another_identity_and_a_session_of_the_same_one_have_their_own() {
    let mut gateway = gateway();
    first(&mut gateway);
    let session = gateway.session();
    let (exchange, step) = gateway.post(&[("mcp-session-id", &session)], &call("s_echo"));
    assert_eq!(settled(step), call("echo"), "its ids are its own");
    drop(exchange);
    gateway.claims = token("https://issuer", "mallory");
    let (mut exchange, step) = ask(&mut gateway, &call("s_echo"));
    settled(step);
    assert_eq!(session_of(&gateway.open(&mut exchange, "other")), "other");
}

#[test]
fn who_is_nobody_in_particular_shares_nothing() {
    let mut gateway = gateway();
    first(&mut gateway);
    gateway.claims = Claims::NONE;
    let (mut exchange, step) = ask(&mut gateway, &call("s_echo"));
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
    assert_eq!(gateway.claims_asked, 0);
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
    let again = gateway.replay(&mut exchange, &opening);
    assert_eq!(text(&again.body), with_id(&call("echo"), &sent));
    let step = gateway.end_call(
        &mut exchange,
        &again,
        answered(200, &[JSON], &result(&sent)),
    );
    let CallStep::Response(ResponseHeadStep::Respond(response)) = step else {
        panic!("{step:?}")
    };
    assert_eq!(text(&response.body), result("8"));

    let (mut exchange, step) = ask(&mut gateway, &call("s_echo"));
    assert_eq!(session_of(&released(step)), "new");
    exchange.on_done();
    assert!(exchange.take_calls().is_empty());
}

#[test]
fn a_session_that_another_request_has_repaired_is_not_opened_again() {
    let mut gateway = gateway();
    first(&mut gateway);
    let mut both = [later(&mut gateway, "8").0, later(&mut gateway, "9").0];
    gateway.respond(&mut both[0], 404, &[]);
    let opening = only(both[0].take_calls());
    gateway.replay(&mut both[0], &opening);
    gateway.respond(&mut both[1], 404, &[]);
    let again = only(both[1].take_calls());
    assert!(
        text(&again.body).contains("tools/call"),
        "{}",
        text(&again.body)
    );
    assert_eq!(
        header(&again.headers, "mcp-session-id").as_deref(),
        Some("new")
    );
}

#[test]
fn of_two_that_open_the_session_one_gives_its_own_back() {
    let mut gateway = gateway();
    let (mut one, _) = ask(&mut gateway, &call("s_echo"));
    let (mut two, _) = ask(&mut gateway, &call("s_echo"));
    gateway.open(&mut one, "one");
    let opening = only(two.take_calls());
    gateway.end_call(&mut two, &opening, initialized("two"));
    let ready = only(two.take_calls());
    let CallStep::Request(step) = gateway.end_call(&mut two, &ready, answered(202, &[], "")) else {
        panic!()
    };
    assert_eq!(session_of(&released(step)), "one");
    let end = only(two.take_calls());
    assert_eq!(
        header(&end.headers, "mcp-session-id").as_deref(),
        Some("two")
    );
    for mut exchange in [one, two] {
        exchange.on_done();
        assert!(exchange.take_calls().is_empty());
    }
}

#[test]
fn a_session_that_cannot_be_remembered_ends_with_its_request() {
    let mut gateway = gateway();
    let (mut exchange, step) = ask(&mut gateway, &call("s_echo"));
    let sent = server_id(&settled(step));
    gateway.open(&mut exchange, &"u".repeat(2000));
    let step = answer(&mut gateway, &mut exchange, &result(&sent));
    assert_eq!(step, BodyStep::Replace(result("7").into_bytes()));
    exchange.on_done();
    assert_eq!(exchange.take_calls().len(), 1);
}

#[test]
fn what_could_not_be_sent_again_has_a_session_of_its_own() {
    let of_size = |size: usize| {
        let padding = size - call("s_echo").len() - 2 + "1.0".len();
        call("s_echo").replace("1.0", &format!("\"{}\"", "x".repeat(padding)))
    };
    let mut gateway = gateway();
    first(&mut gateway);
    // The id becomes longer by 23 bytes: 64 KiB are what can be sent again.
    let (_, step) = ask(&mut gateway, &of_size(65_536 - 24));
    assert_eq!(session_of(&released(step)), "up");
    let request = ask(&mut gateway, &of_size(65_536 - 23));
    assert!(has_its_own(&mut gateway, request));
    let large = of_size(70_000);
    let request = ask(&mut gateway, &large);
    assert!(has_its_own(&mut gateway, request));
    let length = large.len().to_string();
    let (begun, rest) = large.as_bytes().split_at(69_000);
    let request = gateway.post_pieces(&[("content-length", &length)], &[begun, rest]);
    assert!(has_its_own(&mut gateway, request));
    // Its size is not known until its end.
    let request = gateway.post(&[], &call("s_echo"));
    assert!(has_its_own(&mut gateway, request));
}

#[test]
fn who_wants_word_of_progress_has_a_session_of_its_own() {
    let mut gateway = gateway();
    first(&mut gateway);
    let wanting = call("s_echo").replace("\"name\"", "\"_meta\":{\"progressToken\":1},\"name\"");
    let request = ask(&mut gateway, &wanting);
    assert!(has_its_own(&mut gateway, request));
}

#[test]
fn who_names_no_subject_shares_nothing() {
    let mut gateway = gateway();
    gateway.claims = claims(&json!({"iss": "https://issuer"}));
    for _ in 0..2 {
        let request = ask(&mut gateway, &call("s_echo"));
        assert!(has_its_own(&mut gateway, request));
    }
}

#[test]
fn sessions_of_identities_push_none_of_a_client_out() {
    let mut gateway = Gateway::with(|config| config.limits.session_slots = 16);
    gateway.claims = token("https://issuer", "grace");
    let session = gateway.session();
    let headers = [("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("s_echo"));
    gateway.open(&mut exchange, "of the client");
    for number in 0..100 {
        gateway.now_ms += 1;
        gateway.claims = token("https://issuer", &number.to_string());
        let (mut exchange, _) = ask(&mut gateway, &call("s_echo"));
        gateway.open(&mut exchange, "another");
    }
    gateway.claims = token("https://issuer", "grace");
    let (_, step) = gateway.post(&headers, &call("s_echo"));
    assert_eq!(session_of(&released(step)), "of the client");
}

#[test]
fn a_server_is_told_of_a_request_that_is_given_up() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    gateway.now_ms += 301_000;
    let step = gateway.lend(|context| exchange.on_tick(context));
    let TickStep::Respond(response) = step else {
        panic!("{step:?}")
    };
    assert!(text(&response.body).contains(r#""id":8,"error""#));
    let told = only(exchange.take_calls());
    assert_eq!(
        header(&told.headers, "mcp-session-id").as_deref(),
        Some("up")
    );
    let cancelled = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{sent}}}}}"#
    );
    assert_eq!(text(&told.body), cancelled);
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
