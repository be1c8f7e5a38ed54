//! Requests that go to one server: every byte but the name's prefix arrives as it was sent, and so does the answer.

use harness::caller::Protocol;
use harness::script::{ODD_BYTES, ODD_NAME};
use harness::sessions::Client;
use harness::upstream::Received;
use harness::wire::Wire;
use serde_json::{Value, json};

use crate::shared::scripted;

everywhere! {
    async fn a_call_arrives_as_it_was_sent_but_for_the_name(role, protocol) {
        let shared = scripted(role).await;
        for sent in ODD_CALLS {
            let client = shared.connected(protocol).await;
            let reply = client.send(*sent).await;
            assert_eq!(reply.status, 200, "{sent}: {}", reply.shown());
            assert_only_the_name_changed(sent, &shared.plain.call_from(client.mark()), "plain_");
            let mut id = harness::upstream::member(sent.as_bytes(), "id").unwrap();
            id.insert_str(0, "\"id\":");
            assert!(reply.text().contains(&id), "the id as it was written in {sent}: {}", reply.shown());
        }
    }

    async fn a_call_for_a_server_with_sessions_arrives_as_it_was_sent(role, protocol) {
        let shared = scripted(role).await;
        for sent in ODD_CALLS {
            let sent = sent.replace("plain_", "kept_").replace("\\u0070lain_", "\\u006bept_");
            let client = shared.connected(protocol).await;
            let reply = client.send(sent.as_str()).await;
            assert_eq!(reply.status, 200, "{sent}: {}", reply.shown());
            assert_only_the_name_changed(&sent, &shared.kept.call_from(client.mark()), "kept_");
        }
    }

    async fn large_arguments_arrive_whole_wherever_the_name_stands(role, protocol) {
        let shared = scripted(role).await;
        for size in [64 * 1024, 900 * 1024] {
            let argument = format!(r#"{{"s":"{}","n":1E400}}"#, "a\\u0041é".repeat(size / 9));
            for sent in [
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"plain_echo","arguments":{argument}}}}}"#),
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"arguments":{argument},"name":"plain_echo"}}}}"#),
                format!(r#"{{"params":{{"arguments":{argument},"name":"plain_echo"}},"method":"tools/call","id":1,"jsonrpc":"2.0"}}"#),
            ] {
                let client = shared.connected(protocol).await;
                let reply = client.send(sent.as_str()).await;
                assert_eq!(reply.status, 200, "{} bytes: {}", sent.len(), reply.shown());
                assert!(reply.text().contains(&argument), "{} bytes come back", sent.len());
                assert_only_the_name_changed(&sent, &shared.plain.call_from(client.mark()), "plain_");
            }
        }
    }

    async fn a_name_that_needs_escapes_is_called(role, protocol) {
        let shared = scripted(role).await;
        for spelling in [r#"plain_od\"d\\\u00e9\ud83d\ude00"#, "plain_od\\\"d\\\\é😀", r#"\u0070lain\u005fod\u0022d\\\u00E9\uD83D\uDE00"#] {
            let client = shared.connected(protocol).await;
            let sent = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{spelling}"}}}}"#);
            let reply = client.send(sent.as_str()).await;
            assert_eq!(reply.status, 200, "{}", reply.shown());
            let call: Value = serde_json::from_str(shared.plain.call_from(client.mark()).text()).unwrap();
            assert_eq!(call["params"]["name"], ODD_NAME);
        }
    }

    async fn an_answer_passes_as_the_server_wrote_it(role, protocol) {
        let shared = scripted(role).await;
        for tool in ["plain_odd_bytes", "kept_odd_bytes"] {
            let client = shared.connected(protocol).await;
            let body = format!(r#"{{"jsonrpc":"2.0","id":"\u0041-1","method":"tools/call","params":{{"name":"{tool}"}}}}"#);
            let reply = client.send(body).await;
            assert_eq!(reply.text(), ODD_BYTES.replace("$ID", r#""\u0041-1""#));
            assert_eq!(reply.header("content-type"), Some("application/json"));
        }
    }

    async fn a_servers_own_error_passes_with_the_id(role, protocol) {
        let shared = scripted(role).await;
        let reply = shared.connected(protocol).await.call("kept_json_error", json!({})).await;
        assert_eq!(reply.text(), harness::script::ERROR.replace("$ID", "1"));
    }

    async fn a_stream_passes_event_by_event(role, protocol) {
        let shared = scripted(role).await;
        for tool in ["plain_hang_stream", "kept_hang_stream"] {
            let client = shared.connected(protocol).await;
            let mut call = client.open_call(tool, json!({})).await;
            assert_eq!(call.header("content-type"), Some("text/event-stream"));
            assert_eq!(call.event().await.unwrap()["method"], "notifications/message", "before the answer is there");
        }
        for tool in ["plain_echo_stream", "kept_echo_stream"] {
            let reply = shared.connected(protocol).await.call(tool, json!({"x": 1.0})).await;
            assert_eq!(harness::message::events(&reply.body).len(), 2, "{}", reply.shown());
            assert_eq!(reply.result()["structuredContent"]["params"]["arguments"]["x"], json!(1.0));
        }
    }

    async fn prompts_resources_and_completions_find_their_server(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        for (sent, arrives) in ROUTED {
            let before = shared.plain.received_from(client.mark()).len();
            let reply = client.send(*sent).await;
            assert_eq!(reply.status, 200, "{sent}: {}", reply.shown());
            let received = shared.plain.received_from(client.mark());
            assert_eq!(received.len(), before + 1, "{sent} arrives once");
            assert_eq!(received.last().unwrap().text(), *arrives);
            let echoed = harness::upstream::member(arrives.as_bytes(), "params").unwrap();
            assert!(reply.text().contains(&echoed), "{}", reply.shown());
        }
    }

    async fn concurrent_calls_get_their_own_answers(role, protocol) {
        let shared = scripted(role).await;
        let client = shared.connected(protocol).await;
        let calls = (0..40).map(|n| {
            let client = &client;
            async move {
                let tool = ["plain_slow", "kept_slow", "plain_echo", "kept_echo"][n % 4];
                let reply = client.call(tool, json!({"n": n})).await;
                assert_eq!(reply.result()["structuredContent"]["params"]["arguments"]["n"], n);
            }
        });
        futures::future::join_all(calls).await;
    }
}

in_both_roles! {
    async fn a_body_in_pieces_of_one_byte_is_understood(role) {
        let shared = scripted(role).await;
        for sent in ODD_CALLS {
            let client = shared.connected(Protocol::Http1).await;
            let mut wire = Wire::open(shared.gateway.address()).await;
            wire.send(chunked_head(&client)).await;
            for byte in sent.as_bytes() {
                wire.chunk(std::slice::from_ref(byte)).await;
            }
            wire.send("0\r\n\r\n").await;
            let reply = wire.reply().await;
            assert_eq!(reply.status, 200, "{sent}: {}", reply.shown());
            assert_only_the_name_changed(sent, &shared.plain.call_from(client.mark()), "plain_");
        }
    }

    async fn one_connection_carries_many_exchanges(role) {
        let shared = scripted(role).await;
        let client = shared.connected(Protocol::Http1).await;
        let mut wire = Wire::open(shared.gateway.address()).await;
        for round in 0..5 {
            for (body, wanted) in [
                (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, "plain_echo"),
                (r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"plain_echo","arguments":{"a":5}}}"#, "\"a\":5"),
                (r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"nobody"}}"#, "-32602"),
                (r#"{"jsonrpc":"2.0","id":4,"method":"ping"}"#, "{}"),
            ] {
                wire.send(whole(&client, body)).await;
                let reply = wire.reply().await;
                assert!(reply.text().contains(wanted), "round {round}: {}", reply.shown());
            }
        }
    }

    async fn pipelined_requests_are_answered_in_order(role) {
        let shared = scripted(role).await;
        let client = shared.connected(Protocol::Http1).await;
        let call = |id: usize| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"kept_echo"}}}}"#);
        let mut wire = Wire::open(shared.gateway.address()).await;
        let requests: Vec<u8> = (0..4).flat_map(|id| whole(&client, &call(id))).collect();
        wire.send(requests).await;
        for id in 0..4 {
            assert_eq!(wire.reply().await.message()["id"], id);
        }
    }

    async fn a_request_with_expect_continue_is_served(role) {
        let shared = scripted(role).await;
        let client = shared.connected(Protocol::Http1).await;
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo"}}"#;
        let mut head = String::from_utf8(whole(&client, body)).unwrap();
        head.truncate(head.len() - body.len() - 2);
        let mut wire = Wire::open(shared.gateway.address()).await;
        wire.send(format!("{head}Expect: 100-continue\r\n\r\n")).await;
        let early = wire.interim().await;
        assert_eq!(early, 100);
        wire.send(body).await;
        assert_eq!(wire.reply().await.message()["id"], 1);
    }
}

/// Calls of `plain_echo` in spellings that no serializer would choose.
const ODD_CALLS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo","arguments":{"n":12345678901234567890123456789.10,"m":-0.0,"e":1E400,"f":1e-999}}}"#,
    r#"{"params":{"arguments":{"z":1,"a":2,"name":"plain_hang","params":{"name":"x"}},"name":"plain_echo","_meta":{"progressToken":"\u0041"}},"method":"tools/call","id":"\u00e9\/\"","jsonrpc":"2.0"}"#,
    "\t{ \"jsonrpc\" : \"2.0\" ,\r\n \"id\" : -7 , \"unknown\":[{},[]], \"method\" : \"tools/call\" , \"params\" : { \"name\" : \"plain_echo\" , \"arguments\" : { \"s\" : \"é\\u00e9\\ud83d\\ude00\\/\" } , \"x\":null } } \n",
    r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"tools\/call","params":{"name":"\u0070lain_echo","arguments":{"a":1,"a":2}}}"#,
    r#"{"jsonrpc":"2.0","id":"","method":"tools/call","params":{"name":"plain_echo","arguments":{"id":5,"method":"x","jsonrpc":"1.0","nested":{"params":{"name":"plain_hang"}},"quote":"\",\"name\":\"plain_hang\""}}}"#,
    r#"{"jsonrpc":"2.0","id":1,"\u006dethod":"tools/call","params":{"\u006eame":"plain_echo"}}"#,
];

/// Other requests for `plain`, and how they arrive there.
const ROUTED: &[(&str, &str)] = &[
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"arguments":{"who":"\u0041"},"name":"plain_greet"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"arguments":{"who":"\u0041"},"name":"greet"}}"#,
    ),
    (
        r#"{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"test:\/\/one","x":1.0}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"test:\/\/one","x":1.0}}"#,
    ),
    (
        r#"{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"test://two?q=é"}}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"test://two?q=é"}}"#,
    ),
    (
        r#"{"jsonrpc":"2.0","id":4,"method":"resources/read","params":{"uri":"test://by-id/123/data"}}"#,
        r#"{"jsonrpc":"2.0","id":4,"method":"resources/read","params":{"uri":"test://by-id/123/data"}}"#,
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"plain_greet"},"argument":{"name":"who","value":"A"}}}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"who","value":"A"}}}"#,
    ),
    (
        r#"{"jsonrpc":"2.0","id":6,"method":"completion/complete","params":{"argument":{"name":"id","value":"1"},"ref":{"uri":"test://by-id/{id}/data","type":"ref/resource"}}}"#,
        r#"{"jsonrpc":"2.0","id":6,"method":"completion/complete","params":{"argument":{"name":"id","value":"1"},"ref":{"uri":"test://by-id/{id}/data","type":"ref/resource"}}}"#,
    ),
];

/// Asserts that `received` is `sent` with another spelling of `params.name`, which stands for what is left without
/// `prefix`.
fn assert_only_the_name_changed(sent: &str, received: &Received, prefix: &str) {
    let (before, name, after) = split_at_name(sent);
    let (got_before, got_name, got_after) = split_at_name(received.text());
    let sent_name: String = serde_json::from_str(name).unwrap();
    let got_name: String = serde_json::from_str(got_name).unwrap();
    assert_eq!(Some(got_name.as_str()), sent_name.strip_prefix(prefix));
    assert!(
        before == got_before && after == got_after,
        "sent {sent}\ngot  {}",
        received.text()
    );
    assert_eq!(received.header("content-type"), Some("application/json"));
}

/// The text before, of and after the JSON string that is `params.name`.
fn split_at_name(text: &str) -> (&str, &str, &str) {
    use serde_json::value::RawValue;
    use std::collections::HashMap;
    let message: HashMap<String, &RawValue> = serde_json::from_str(text).expect("a JSON object");
    let params: HashMap<String, &RawValue> =
        serde_json::from_str(message["params"].get()).expect("params");
    let name = params["name"].get();
    let at = name.as_ptr() as usize - text.as_ptr() as usize;
    (&text[..at], name, &text[at + name.len()..])
}

fn whole(client: &Client, body: &str) -> Vec<u8> {
    let mut request = head(client);
    request.extend(format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes());
    request
}

fn chunked_head(client: &Client) -> Vec<u8> {
    let mut request = head(client);
    request.extend(b"Transfer-Encoding: chunked\r\n\r\n");
    request
}

fn head(client: &Client) -> Vec<u8> {
    let request = client.post("");
    let mut head = format!("POST /mcp HTTP/1.1\r\nHost: {}\r\n", request.host).into_bytes();
    for (name, value) in &request.headers {
        head.extend(format!("{name}: ").into_bytes());
        head.extend(value);
        head.extend(b"\r\n");
    }
    head
}
