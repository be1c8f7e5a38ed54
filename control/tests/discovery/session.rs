//! The handshake, the session id, and control's own marks on each request.

use std::time::{SystemTime, UNIX_EPOCH};

use mcp_filter_core::control_signature::{SignedRequest, SigningKey, verify};

use crate::asking::{SEED, error, first, initialize_result, offer, ordinary, tools, tools_server};
use crate::fake_server::{Asked, FakeServer, Reply};

const JSON: &str = "application/json";

fn sessionless(revision: &'static str) -> impl Fn(&Asked) -> Reply {
    move |asked| match asked.what() {
        "initialize" => Reply::Json(asked.result(&initialize_result(revision, r#"{"tools":{}}"#))),
        _ => ordinary(asked, &|asked| tools(asked, &[])),
    }
}

#[tokio::test]
async fn the_session_id_goes_along_until_the_session_is_ended() {
    let server = tools_server(|asked| tools(asked, &[])).await;
    assert!(offer(&server).await.issues_sessions);
    server.wait_for("DELETE", 1).await;
    let asked = server.asked();
    let in_session = asked
        .iter()
        .filter(|asked| asked.what() != "server/discover");
    let sessions: Vec<_> = in_session
        .map(|asked| asked.header("mcp-session-id"))
        .collect();
    assert_eq!(
        sessions,
        [
            None,
            Some("session-1"),
            Some("session-1"),
            Some("session-1")
        ]
    );
    assert_eq!(asked.last().unwrap().http, "DELETE");
}

#[tokio::test]
async fn a_server_without_sessions_is_not_asked_to_end_one() {
    let server = FakeServer::start(sessionless("2025-11-25")).await;
    assert!(!offer(&server).await.issues_sessions);
    assert_eq!(
        server.order(),
        [
            "initialize",
            "notifications/initialized",
            "tools/list",
            "server/discover"
        ]
    );
}

#[tokio::test]
async fn each_session_revision_is_taken_and_told() {
    for (revision, header) in [
        ("2025-03-26", None),
        ("2025-06-18", Some("2025-06-18")),
        ("2025-11-25", Some("2025-11-25")),
    ] {
        let server = FakeServer::start(sessionless(revision)).await;
        assert_eq!(offer(&server).await.protocol_version, revision);
        let asked = server.asked();
        assert_eq!(asked[0].message["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(asked[0].header("mcp-protocol-version"), None);
        assert_eq!(asked[2].header("mcp-protocol-version"), header);
    }
}

#[tokio::test]
async fn another_revision_is_refused_by_name() {
    let server = FakeServer::start(sessionless("2024-11-05")).await;
    let error = error(&server).await;
    assert_eq!(error.reason().as_str(), "ProtocolError");
    assert!(error.to_string().contains("2024-11-05"), "{error}");
}

#[tokio::test]
async fn a_server_that_only_says_that_it_is_stateless_has_a_reason_of_its_own() {
    let refusal = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
    let stateless: [fn(&Asked, &str) -> Reply; 3] = [
        |asked, refusal| Reply::Status(400, JSON, asked.error(refusal)),
        |asked, refusal| Reply::Json(asked.error(refusal)),
        |asked, _| Reply::Status(404, JSON, asked.error(r#"{"code":-32601,"message":"no"}"#)),
    ];
    for reply in stateless {
        let server = FakeServer::start(move |asked| reply(asked, refusal)).await;
        let error = error(&server).await.to_string();
        assert!(error.contains("does not answer server/discover"), "{error}");
    }
}

#[tokio::test]
async fn an_invalid_session_id_is_refused() {
    let server = FakeServer::start(|asked| Reply::Session("a b", asked.result("{}"))).await;
    assert!(error(&server).await.to_string().contains("Mcp-Session-Id"));
}

#[tokio::test]
async fn every_request_is_signed_and_carries_the_credential_in_a_header_of_its_own() {
    let server = tools_server(|asked| tools(asked, &[])).await;
    first(&server).await;
    server.wait_for("DELETE", 1).await;
    let keys = [SigningKey::from_seed(SEED).public_key()];
    let now_ms = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    let mut nonces = Vec::new();
    for asked in server.asked() {
        assert_eq!(asked.header("host"), Some("github.mcp.local"));
        assert_eq!(asked.header("authorization"), None);
        assert_eq!(asked.header("accept-encoding"), Some("identity"));
        assert_eq!(
            asked.header("x-mcp-upstream-authorization"),
            Some("Bearer secret-token")
        );
        let request = SignedRequest {
            method: asked.http.as_bytes(),
            host: b"github.mcp.local",
            path: b"/mcp",
            credential: Some(b"Bearer secret-token"),
        };
        let signature = asked.header("x-mcp-control").unwrap();
        nonces.push(verify(&keys, &request, now_ms, signature.as_bytes()).expect("not signed"));
    }
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 5, "a signature was used twice");
}
