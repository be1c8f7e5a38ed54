//! What servers do wrong, and what is told about it.

use std::time::{Duration, Instant};

use crate::asking::{
    error, follow, hasty_error, next, ordinary, subject, timing, tools_server, welcome,
};
use crate::fake_server::{FakeServer, Reply};
use mcp_control::discovery::Outcome;

const HTML: &str = "<html><title>Sign in</title>";

#[tokio::test]
async fn an_answer_that_is_not_mcp_tells_status_type_and_first_words() {
    type Case = (fn() -> Reply, &'static str, &'static str);
    let cases: [Case; 10] = [
        (
            || Reply::Status(200, "text/html; charset=utf-8", HTML.into()),
            "ProtocolError",
            "200 text/html, not MCP (<html><title>Sign in</title>)",
        ),
        (
            || Reply::Status(302, "", String::new()),
            "ProtocolError",
            "302 without Content-Type, not MCP (an empty body)",
        ),
        (
            || Reply::Status(202, "", String::new()),
            "ProtocolError",
            "202 without Content-Type",
        ),
        (
            || Reply::Status(204, "", String::new()),
            "ProtocolError",
            "204 without Content-Type",
        ),
        (
            || Reply::Status(500, "text/plain", "oops".into()),
            "ProtocolError",
            "500 text/plain, not MCP (oops)",
        ),
        (
            || Reply::Status(401, "", String::new()),
            "UpstreamRefused",
            "401: check the Secret",
        ),
        (
            || Reply::Status(403, "", String::new()),
            "UpstreamRefused",
            "403: check the Secret",
        ),
        (
            || Reply::Status(503, "text/plain", "no healthy upstream".into()),
            "UpstreamUnreachable",
            "503 from the gateway, which has no connection to the server (no healthy upstream)",
        ),
        (
            || Reply::Json("nonsense".into()),
            "ProtocolError",
            "not JSON-RPC",
        ),
        (
            || Reply::Cut("application/json", r#"{"jsonrpc":"2.0","#.into()),
            "ProtocolError",
            "was cut",
        ),
    ];
    for (reply, reason, words) in cases {
        let server = tools_server(move |_| reply()).await;
        let error = error(&server).await;
        assert_eq!(error.reason().as_str(), reason, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().contains("tools/list"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_wants_a_credential_and_gets_none_is_told_so() {
    let server = FakeServer::start(|_| Reply::Status(401, "", String::new())).await;
    let mut subject = subject();
    subject.credential = None;
    let mut discovery = follow(server.address, subject, timing());
    let Outcome::Failed(error) = next(&mut discovery).await else {
        panic!()
    };
    assert!(
        error
            .to_string()
            .contains("name a Secret with it in credentialRef"),
        "{error}"
    );
    assert_eq!(
        server.asked()[0].header("x-mcp-upstream-authorization"),
        None
    );
}

#[tokio::test]
async fn a_hung_server_is_left_in_time_and_the_step_is_named() {
    for step in ["initialize", "notifications/initialized", "tools/list"] {
        let server = FakeServer::start(move |asked| match asked.what() {
            what if what == step => Reply::Hang,
            _ => ordinary(asked, &|_| Reply::Hang),
        });
        let (server, begin) = (server.await, Instant::now());
        let error = hasty_error(&server).await;
        assert_eq!(error.reason().as_str(), "UpstreamUnreachable");
        assert!(
            error
                .to_string()
                .starts_with(&format!("no answer to {step} within 2 s")),
            "{error}"
        );
        assert!(
            begin.elapsed() < Duration::from_secs(6),
            "{:?}",
            begin.elapsed()
        );
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_left_in_time() {
    let server = tools_server(|_| Reply::OpenEvents(": wait\n\n".into())).await;
    assert!(
        hasty_error(&server)
            .await
            .to_string()
            .starts_with("no answer to tools/list within 2 s")
    );
}

#[tokio::test]
async fn messages_never_repeat_the_credential() {
    for body in [
        "bad token secret-token",
        "{\"error\":\"Bearer secret-token\"}",
    ] {
        let server =
            FakeServer::start(move |_| Reply::Status(500, "text/plain", body.into())).await;
        let error = error(&server).await.to_string();
        assert!(
            !error.contains("secret-token") && error.contains("***"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_response_to_another_request_is_a_fault() {
    let server =
        tools_server(|_| Reply::Json(r#"{"jsonrpc":"2.0","id":"2","result":{}}"#.into())).await;
    assert!(
        error(&server)
            .await
            .to_string()
            .contains("answers with the id \"2\"")
    );
}

#[tokio::test]
async fn an_error_of_the_server_is_quoted() {
    let server =
        tools_server(|asked| Reply::Json(asked.error(r#"{"code":-32000,"message":"busy"}"#))).await;
    assert!(
        error(&server)
            .await
            .to_string()
            .contains("error -32000: busy")
    );
}

#[tokio::test]
async fn a_result_without_its_list_is_a_fault() {
    for result in ["{}", r#"{"tools":{}}"#, "[]", r#"{"tools":[],"tools":[]}"#] {
        let server = tools_server(move |asked| Reply::Json(asked.result(result))).await;
        assert_eq!(
            error(&server).await.reason().as_str(),
            "ProtocolError",
            "{result}"
        );
    }
}

#[tokio::test]
async fn a_session_that_is_lost_at_once_is_a_fault() {
    let server = tools_server(|_| Reply::Status(404, "", String::new())).await;
    assert!(
        error(&server)
            .await
            .to_string()
            .contains("as if it had never opened the session")
    );
}

#[tokio::test]
async fn a_failed_pass_ends_its_session() {
    let server = FakeServer::start(|asked| match asked.what() {
        "initialize" => welcome(asked, r#"{"tools":{}}"#),
        "tools/list" => Reply::Status(500, "", String::new()),
        _ => Reply::Status(202, "", String::new()),
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for("DELETE", 1).await;
}
