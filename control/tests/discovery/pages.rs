//! Lists are followed to their end, and endless ones end, too.

use crate::asking::{error, offer, tools_server};
use crate::fake_server::{Asked, Reply};

fn page(asked: &Asked, name: &str, cursor: &str) -> Reply {
    Reply::Json(asked.result(&format!(
        r#"{{"tools":[{{"name":"{name}","inputSchema":{{"type":"object"}}}}]{cursor}}}"#
    )))
}

#[tokio::test]
async fn every_page_is_read_and_an_empty_string_is_a_cursor() {
    let server = tools_server(|asked| match asked.message["params"]["cursor"].as_str() {
        None => page(asked, "a", r#","nextCursor":"""#),
        Some("") => page(asked, "b", r#","nextCursor":"\u00e9\"""#),
        Some("\u{e9}\"") => page(asked, "c", r#","nextCursor":null"#),
        other => panic!("{other:?}"),
    });
    let offer = offer(&server.await).await;
    let names: Vec<&str> = offer.tools.iter().map(|tool| tool.key.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_cursor_that_comes_twice_ends_the_pass() {
    let server = tools_server(|asked| page(asked, "a", r#","nextCursor":"again""#)).await;
    let error = error(&server).await;
    assert_eq!(error.reason().as_str(), "ProtocolError");
    assert!(
        error.to_string().contains("the same nextCursor twice"),
        "{error}"
    );
    assert_eq!(
        server
            .order()
            .iter()
            .filter(|asked| *asked == "tools/list")
            .count(),
        2
    );
}

#[tokio::test]
async fn a_cursor_that_is_no_text_is_refused() {
    let server = tools_server(|asked| page(asked, "a", r#","nextCursor":5"#)).await;
    assert!(
        error(&server)
            .await
            .to_string()
            .contains("no valid nextCursor")
    );
}

#[tokio::test]
async fn a_list_of_more_pages_than_anybody_needs_is_refused() {
    let server = tools_server(|asked| {
        let next = asked.message["id"].as_u64().unwrap();
        page(asked, "a", &format!(r#","nextCursor":"{next}""#))
    });
    let error = error(&server.await).await;
    assert!(
        error.to_string().contains("more than 1000 pages"),
        "{error}"
    );
}

#[tokio::test]
async fn a_body_of_more_bytes_than_anybody_needs_is_refused() {
    let server = tools_server(|_| Reply::Json(" ".repeat(65 << 20))).await;
    let error = error(&server).await;
    assert!(
        error.to_string().contains("more than 67108864 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn pages_that_are_too_large_together_are_refused() {
    let server = tools_server(|asked| {
        let next = asked.message["id"].as_u64().unwrap();
        page(
            asked,
            "a",
            &format!(r#"{},"nextCursor":"{next}""#, " ".repeat(16 << 20)),
        )
    });
    let error = error(&server.await).await;
    assert!(
        error.to_string().contains("more than 67108864 bytes"),
        "{error}"
    );
}
