//! Definitions keep the bytes in which the server wrote them.

use crate::asking::{first, offer, tools, tools_server, welcome};
use crate::fake_server::{FakeServer, Reply};

/// Odd, but no parser refuses them.
const NASTY: &[&str] = &[
    r#"{"name":"numbers","inputSchema":{"type":"object"},"x":[1e5,1.0,-0,123456789012345678901234567890,0.10,1E+2]}"#,
    r#"{"inputSchema" : { "type":"object", "properties":{} } ,	"name" : "white space" }"#,
    r#"{"z":1,"a":2,"name":"order","m":3,"inputSchema":{"required":[],"type":"object"},"b":{}}"#,
    r#"{"name":"escapes\u0041\/","description":"\ud83d\ude00 \u00e9 \/ \"","inputSchema":{"type":"object"}}"#,
    "{\"name\":\"raw \u{1f600} \u{e9}\",\"inputSchema\":{\"type\":\"object\"},\"_meta\":{\"\u{e9}\":null}}",
    r#"{"name":"unknown members","inputSchema":{"type":"object","$defs":{"a":{"a":1,"a":2}},"x-mcp-header":"Y"},"later":null,"later2":[[[]]]}"#,
    r#"{"name":"brackets \"]}[{ in text","inputSchema":{"type":"object"},"description":"},{\"name\":\"not me\"}"}"#,
    r#"{"name":"annotated","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"mine":{}},"icons":[{"src":"data:,"}]}"#,
];

fn page(items: &[&str]) -> String {
    format!("{{ \"tools\" :\n[ {} ]\t}}", items.join(" ,\r\n "))
}

#[tokio::test]
async fn bytes_out_are_bytes_in_from_json() {
    let server = tools_server(|asked| Reply::Json(asked.result(&page(NASTY)))).await;
    let offer = offer(&server).await;
    let json: Vec<&str> = offer.tools.iter().map(|tool| tool.json.as_str()).collect();
    assert_eq!(json, NASTY);
    assert_eq!(offer.left_out, Vec::<String>::new());
}

#[tokio::test]
async fn bytes_out_are_bytes_in_from_events() {
    let server = tools_server(|asked| {
        let message = asked.result(&page(NASTY)).replace(['\n', '\r'], " ");
        Reply::Events(format!(
            ": hi\r\nevent: message\r\nid: 1\r\ndata: {message}\r\n\r\n"
        ))
    });
    let offer = offer(&server.await).await;
    let json: Vec<&str> = offer.tools.iter().map(|tool| tool.json.as_str()).collect();
    assert_eq!(json, NASTY);
}

#[tokio::test]
async fn names_are_decoded() {
    let server = tools_server(|asked| Reply::Json(asked.result(&page(NASTY)))).await;
    let offer = offer(&server).await;
    assert_eq!(offer.tools[3].key, "escapesA/");
}

#[tokio::test]
async fn what_typed_clients_cannot_read_is_left_out_by_name_and_the_rest_stays() {
    let deep = format!(
        r#"{{"name":"deep","inputSchema":{{"type":"object"}},"x":{}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let server = tools_server(move |asked| {
        tools(
            asked,
            &[
                r#"{"name":"good","inputSchema":{"type":"object"}}"#,
                "7",
                r#"{"inputSchema":{"type":"object"}}"#,
                r#"{"name":"a","name":"b","inputSchema":{"type":"object"}}"#,
                r#"{"name":"good","inputSchema":{"type":"object"},"x":1}"#,
                r#"{"name":"","inputSchema":{"type":"object"}}"#,
                r#"{"name":"a\u0000b","inputSchema":{"type":"object"}}"#,
                r#"{"name":"no schema"}"#,
                r#"{"name":"wrong schema","inputSchema":{"type":"array"}}"#,
                r#"{"name":"wrong text","description":5,"inputSchema":{"type":"object"}}"#,
                r#"{"name":"surrogate","description":"\ud800","inputSchema":{"type":"object"}}"#,
                r#"{"name":"huge","x":1e999,"inputSchema":{"type":"object"}}"#,
                &deep,
                r#"{"name":"last","inputSchema":{"type":"object"}}"#,
            ],
        )
    });
    let offer = offer(&server.await).await;
    let kept: Vec<&str> = offer.tools.iter().map(|tool| tool.key.as_str()).collect();
    assert_eq!(kept, ["good", "last"]);
    assert_eq!(
        offer.left_out,
        [
            "tools[1]: it is not an object",
            "tools[2]: no name",
            "tools[3] \"b\": name stands twice",
            "tools[4] \"good\": an earlier item has the same key",
            "tools[5] \"\": name is empty",
            "tools[6] \"a\\0b\": name has control characters",
            "tools[7] \"no schema\": no inputSchema",
            "tools[8] \"wrong schema\": inputSchema.type is not object",
            "tools[9] \"wrong text\": description is not a string",
            "tools[10] \"surrogate\": unexpected end of hex escape",
            "tools[11] \"huge\": number out of range",
            "tools[12] \"deep\": it is nested deeper than 100 levels",
        ]
    );
}

#[tokio::test]
async fn all_four_lists_are_read_where_they_are_announced() {
    let server = FakeServer::start(|asked| {
        Reply::Json(asked.result(match asked.what() {
            "initialize" => {
                return welcome(
                    asked,
                    r#"{"prompts":{},"resources":{},"tools":{},"completions":{},"logging":{},"tasks":{"cancel":{},"requests":{"tools":{"call":{}}}}}"#,
                );
            }
            "tools/list" => r#"{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}"#,
            "prompts/list" => r#"{"prompts":[{"name":"p","arguments":[{"name":"a"}]}]}"#,
            "resources/list" => {
                r#"{"resources":[{"uri":"file:///a","name":"a"},{"uri":"relative","name":"b"}]}"#
            }
            "resources/templates/list" => {
                r#"{"resourceTemplates":[{"uriTemplate":"x://{id}","name":"x"}]}"#
            }
            _ => return Reply::Status(202, "", String::new()),
        }))
    });
    let offer = offer(&server.await).await;
    assert!(offer.completions && offer.logging && offer.tasks && offer.issues_sessions);
    let keys = [
        &offer.tools,
        &offer.prompts,
        &offer.resources,
        &offer.resource_templates,
    ]
    .map(|list| {
        list.iter()
            .map(|item| item.key.clone())
            .collect::<Vec<_>>()
            .join(",")
    });
    assert_eq!(keys, ["t", "p", "file:///a", "x://{id}"]);
    assert_eq!(
        offer.left_out,
        [r#"resources[1] "relative": uri is not a URI"#]
    );
}

#[tokio::test]
async fn a_list_that_was_not_announced_is_not_asked_for() {
    let server = tools_server(|asked| tools(asked, &[])).await;
    first(&server).await;
    server.wait_for("DELETE", 1).await;
    assert_eq!(
        server.order(),
        [
            "initialize",
            "notifications/initialized",
            "tools/list",
            "server/discover",
            "DELETE"
        ]
    );
}

#[tokio::test]
async fn an_announced_list_that_the_server_does_not_know_is_empty_and_named() {
    let server = FakeServer::start(|asked| match asked.what() {
        "initialize" => welcome(asked, r#"{"prompts":{},"resources":{}}"#),
        "resources/list" => Reply::Json(asked.result(r#"{"resources":[]}"#)),
        "notifications/initialized" | "DELETE" => Reply::Status(202, "", String::new()),
        _ => Reply::Json(asked.error(r#"{"code":-32601,"message":"no"}"#)),
    });
    let offer = offer(&server.await).await;
    assert_eq!(
        offer.left_out,
        ["prompts/list: announced, but answered with -32601 (unknown method)"]
    );
}
