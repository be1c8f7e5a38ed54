//! Answers that come as event streams.

use crate::asking::{error, hasty_error, initialize_result, offer, ordinary, tools, tools_server};
use crate::fake_server::{FakeServer, Reply};

const LIST: &str = r#"{"tools":[{"name":"a","inputSchema":{"type":"object"}}]}"#;

#[tokio::test]
async fn comments_other_events_and_split_lines_are_understood() {
    let server = tools_server(|asked| {
        let message = asked.result(LIST).replace("\"tools\"", "\ndata: \"tools\"");
        Reply::Events(format!(
            ": keep-alive\n\nid: 1\nretry: 10\ndata:\n\nevent: other\ndata: {{}}\n\n\
             data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{}}}}\n\n\
             event: message\ndata: {message}\n\n"
        ))
    });
    assert_eq!(offer(&server.await).await.tools.len(), 1);
}

#[tokio::test]
async fn a_stream_that_stays_open_after_the_response_is_not_waited_for() {
    let server =
        tools_server(|asked| Reply::OpenEvents(format!("data: {}\n\n", asked.result(LIST)))).await;
    assert_eq!(offer(&server).await.tools.len(), 1);
}

#[tokio::test]
async fn a_stream_of_initialize_that_stays_open_is_a_fault() {
    let server = FakeServer::start(|asked| {
        let result = initialize_result("2025-11-25", r#"{"tools":{}}"#);
        Reply::OpenEvents(format!("data: {}\n\n", asked.result(&result)))
    });
    let error = hasty_error(&server.await).await;
    assert!(
        error.to_string().contains("does not end the event stream"),
        "{error}"
    );
}

#[tokio::test]
async fn requests_of_the_server_are_answered() {
    let server = tools_server(|asked| {
        Reply::Events(format!(
            "data: {{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}}\n\n\
             data: {{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"elicitation/create\"}}\n\n\
             data: {}\n\n",
            asked.result(LIST)
        ))
    })
    .await;
    assert_eq!(offer(&server).await.tools.len(), 1);
    let answers: Vec<_> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.what() == "response")
        .collect();
    assert_eq!(
        answers[0].message,
        serde_json::json!({"jsonrpc":"2.0","id":"p","result":{}})
    );
    assert_eq!(answers[1].message["id"], 9);
    assert_eq!(answers[1].message["error"]["code"], -32601);
    assert_eq!(answers[1].header("mcp-session-id"), Some("session-1"));
}

#[tokio::test]
async fn a_stream_that_ends_without_a_response_is_a_fault() {
    let server = tools_server(|_| Reply::Events(": bye\n\n".into())).await;
    assert!(
        error(&server)
            .await
            .to_string()
            .contains("ended without a response")
    );
}

#[tokio::test]
async fn a_batch_of_the_oldest_revision_is_understood() {
    let server = FakeServer::start(|asked| match asked.what() {
        "initialize" => {
            Reply::Json(asked.result(&initialize_result("2025-03-26", r#"{"tools":{}}"#)))
        }
        "tools/list" => Reply::Json(format!("[{}]", asked.result(LIST))),
        _ => ordinary(asked, &|asked| tools(asked, &[])),
    });
    assert_eq!(offer(&server.await).await.tools.len(), 1);
}
