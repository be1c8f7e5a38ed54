//! Batches of 2025-03-26 with requests for servers.

use super::*;
use crate::step::{BodyEdit, LocalResponse};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

fn batch(members: &[&str]) -> String {
    format!("[{}]", members.join(","))
}

fn refused(gateway: &mut Gateway, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let LocalResponse { status, body, .. } = gateway.answer(headers, body);
    (status, String::from_utf8(body).unwrap())
}

#[test]
fn a_batch_with_a_request_for_a_server_goes_there_whole() {
    let mut gateway = with_streams();
    let response = gateway.answer(&[], &initialize("2025-03-26", "{}"));
    let session = header(&response.headers, "mcp-session-id").unwrap();
    let headers = [PAT, ("mcp-session-id", session.as_str())];
    for members in [[PING, &call("s_echo")], [&call("none"), PING]] {
        for headers in [&headers[..], &headers[..1]] {
            let release = released(gateway.post(headers, &batch(&members)).1);
            assert_eq!(release.body, BodyEdit::Keep);
            for (name, value) in [
                (":authority", "streams.mcp.local"),
                (streams::METHOD, "batch"),
                (streams::ERA, streams::SESSIONS),
            ] {
                assert_eq!(set(&release.headers, name).as_deref(), Some(value));
            }
        }
    }
}

#[test]
fn a_batch_without_one_is_answered_as_without_mcp_streams() {
    let answer = with_streams().answer(&[], &batch(&[PING]));
    assert_eq!(
        text(&answer.body),
        r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#
    );
}

#[test]
fn what_refuses_a_whole_batch_does_so_before() {
    let mut gateway = with_streams();
    let initialize = initialize("2025-03-26", "{}");
    let with_handshake = batch(&[&call("s_echo"), &initialize]);
    let (status, body) = refused(&mut gateway, &[], &with_handshake);
    assert_eq!(status, 400, "{body}");
    assert!(!body.contains(r#""id""#), "{body}");
    let unknown = [("mcp-session-id", "unknown")];
    let (status, body) = refused(&mut gateway, &unknown, &batch(&[&call("s_echo")]));
    assert_eq!(status, 404, "{body}");
    // Nor is it the answer to one of the messages.
    assert!(!body.contains(r#""id":7"#), "{body}");
    let newer = gateway.session();
    let newer = [("mcp-session-id", newer.as_str())];
    let (status, body) = refused(&mut gateway, &newer, &batch(&[&call("s_echo")]));
    assert_eq!(status, 400, "{body}");
}

#[test]
fn mcp_streams_itself_sends_no_batches_back() {
    let mut gateway = with_streams();
    let ticket = ticket(&mut gateway);
    let headers = [
        (streams::TICKET, ticket.as_str()),
        (streams::PURPOSE, streams::CALL),
    ];
    let (status, body) = refused(&mut gateway, &headers, &batch(&[&call("s_echo")]));
    assert_eq!(status, 200);
    assert!(body.contains("-32600"), "{body}");
}

#[test]
fn no_batch_is_a_message_of_another() {
    let mut gateway = with_streams();
    let ticket = ticket(&mut gateway);
    let headers = [
        (streams::TICKET, ticket.as_str()),
        (streams::PURPOSE, streams::MEMBER),
    ];
    let (status, body) = refused(&mut gateway, &headers, &batch(&[PING]));
    assert_eq!(status, 400);
    assert!(body.contains("-32600"), "{body}");
}
