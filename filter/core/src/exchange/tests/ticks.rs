use super::driver::*;
use crate::step::TickStep;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_server_that_is_silent_for_too_long_is_named_in_the_error() {
    let mut gateway = Gateway::new();
    let (mut exchange, _) = gateway.post(&[PAT], &call("github_get_me"));
    assert!(exchange.wants_ticks());
    gateway.now_ms += 299_999;
    assert_eq!(
        gateway.lend(|context| exchange.on_tick(context)),
        TickStep::Wait
    );
    gateway.now_ms += 1;
    let TickStep::Respond(response) = gateway.lend(|context| exchange.on_tick(context)) else {
        panic!()
    };
    assert_eq!(response.status, 200);
    assert!(text(&response.body).contains("test/github did not answer in time"));
    assert!(!exchange.wants_ticks());
}

#[test]
fn a_stream_that_falls_silent_is_cut_and_each_piece_counts() {
    let mut gateway = Gateway::new();
    let (mut exchange, _) = gateway.post(&[PAT], &call("github_get_me"));
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    gateway.now_ms += 200_000;
    gateway.body(&mut exchange, ": alive\n\n", false);
    for silent_ms in [0, 299_999] {
        gateway.now_ms += silent_ms;
        assert_eq!(
            gateway.lend(|context| exchange.on_tick(context)),
            TickStep::Wait
        );
    }
    gateway.now_ms += 1;
    assert_eq!(
        gateway.lend(|context| exchange.on_tick(context)),
        TickStep::Reset
    );
}

#[test]
fn a_cancelled_request_ends_after_the_grace_and_no_other_does() {
    let mut gateway = Gateway::new();
    let session = gateway.session();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    let (mut exchange, _) = gateway.post(&headers, &call("github_get_me"));
    let (mut other, _) = gateway.post(
        &headers,
        &call("github_get_me").replace("\"id\":7", "\"id\":8"),
    );
    gateway.post(
        &headers,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#,
    );
    gateway.now_ms += 4_999;
    assert_eq!(
        gateway.lend(|context| exchange.on_tick(context)),
        TickStep::Wait
    );
    gateway.now_ms += 1;
    assert!(matches!(
        gateway.lend(|context| exchange.on_tick(context)),
        TickStep::Respond(_)
    ));
    assert_eq!(
        gateway.lend(|context| other.on_tick(context)),
        TickStep::Wait
    );
}
