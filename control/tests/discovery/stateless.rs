//! Servers of the stateless revision 2026-07-28, alone or beside sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use mcp_control::discovery::{Discovery, Outcome};
use mcp_control::offer::Offer;
use mcp_filter_core::catalog::ListedIn;

use crate::asking::{error, follow, next, offer, ordinary, subject, timing, tools};
use crate::fake_server::{Asked, FakeServer, Reply};

const JSON: &str = "application/json";
const REVISION: &str = "2026-07-28";
const META: &str = "io.modelcontextprotocol/";

const A: &str = r#"{"name":"a","inputSchema":{"type":"object"}}"#;
const B: &str = r#"{ "name":"b", "inputSchema":{"type":"object"} }"#;
const C: &str = r#"{"name":"c","inputSchema":{"type":"object"}}"#;

/// Whether the request keeps every rule of the revision for requests.
fn is_sound(asked: &Asked) -> bool {
    let meta = &asked.message["params"]["_meta"];
    let member = |name: &str| &meta[format!("{META}{name}")];
    asked.header("mcp-protocol-version") == Some(REVISION)
        && member("protocolVersion") == REVISION
        && member("clientCapabilities").is_object()
        && member("clientInfo")["name"].is_string()
        && asked.header("mcp-method") == Some(asked.what())
        && asked.header("mcp-session-id").is_none()
        && asked.header("accept") == Some("application/json, text/event-stream")
}

fn discovered(asked: &Asked, capabilities: &str) -> Reply {
    Reply::Json(asked.result(&format!(
        r#"{{"resultType":"complete","supportedVersions":["2027-01-01","{REVISION}"],"capabilities":{capabilities},"ttlMs":0,"cacheScope":"private"}}"#
    )))
}

/// The part of a server that speaks the revision; `None` where the request is none of it.
fn stateless(asked: &Asked, list: &dyn Fn(&Asked) -> Reply) -> Option<Reply> {
    asked.header("mcp-method")?;
    if !is_sound(asked) {
        let refusal = asked.error(r#"{"code":-32020,"message":"header mismatch"}"#);
        return Some(Reply::Status(400, JSON, refusal));
    }
    Some(match asked.what() {
        "server/discover" => discovered(
            asked,
            r#"{"tools":{"listChanged":true},"completions":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}"#,
        ),
        "tools/list" => list(asked),
        _ => Reply::Status(404, JSON, asked.error(r#"{"code":-32601,"message":"no"}"#)),
    })
}

/// A server that refuses `initialize`.
async fn alone(list: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> FakeServer {
    let refusal = r#"{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}"#;
    FakeServer::start(move |asked| {
        stateless(asked, &list).unwrap_or_else(|| Reply::Status(400, JSON, asked.error(refusal)))
    })
    .await
}

/// A server that has sessions with the tools `a` and `b`, too.
async fn dual(list: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> FakeServer {
    FakeServer::start(move |asked| {
        stateless(asked, &list).unwrap_or_else(|| ordinary(asked, &|asked| tools(asked, &[A, B])))
    })
    .await
}

/// A server with sessions that answers `server/discover` in some way.
async fn discovering(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> FakeServer {
    FakeServer::start(move |asked| match asked.what() {
        "server/discover" => reply(asked),
        _ => ordinary(asked, &|asked| tools(asked, &[A])),
    })
    .await
}

fn listed(offer: &Offer) -> Vec<(&str, ListedIn)> {
    let tools = offer.tools.iter();
    tools
        .map(|tool| (tool.json.as_str(), tool.listed_in))
        .collect()
}

#[tokio::test]
async fn a_server_of_the_stateless_revision_alone_is_asked_for_its_lists() {
    let server = alone(|asked| tools(asked, &[B])).await;
    let offer = offer(&server).await;
    assert_eq!(offer.protocol_version, REVISION);
    assert!(offer.stateless && offer.completions && !offer.issues_sessions);
    assert!(offer.stateless_tasks && !offer.tasks);
    assert_eq!(listed(&offer), [(B, ListedIn::Both)]);
    assert_eq!(
        server.order(),
        ["initialize", "server/discover", "tools/list"]
    );
}

#[tokio::test]
async fn however_initialize_is_refused_a_server_may_speak_the_stateless_revision() {
    let refusals: [fn(&Asked) -> Reply; 7] = [
        |asked| Reply::Status(400, JSON, asked.error(r#"{"code":-32020,"message":"no"}"#)),
        |asked| Reply::Status(404, JSON, asked.error(r#"{"code":-32601,"message":"no"}"#)),
        |asked| Reply::Json(asked.error(r#"{"code":-32601,"message":"no"}"#)),
        |asked| Reply::Json(asked.error(r#"{"code":-32602,"message":"only 2026-07-28"}"#)),
        |_| Reply::Status(400, "", String::new()),
        |_| Reply::Status(405, "", String::new()),
        |_| Reply::Status(404, "text/plain", "not found".to_owned()),
    ];
    for refusal in refusals {
        let server = FakeServer::start(move |asked| {
            stateless(asked, &|asked| tools(asked, &[A])).unwrap_or_else(|| refusal(asked))
        });
        let offer = offer(&server.await).await;
        assert_eq!(
            (offer.protocol_version.as_str(), offer.tools.len()),
            (REVISION, 1)
        );
    }
}

#[tokio::test]
async fn what_initialize_met_is_told_of_a_server_that_speaks_no_era() {
    let server = FakeServer::start(|asked| match asked.what() {
        "server/discover" => Reply::Status(400, JSON, asked.error(r#"{"code":-1,"message":"x"}"#)),
        _ => Reply::Status(405, "text/plain", "POST what?".to_owned()),
    });
    let error = error(&server.await).await.to_string();
    assert!(
        error.contains("initialize: ") && error.contains("POST what?"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_wants_another_credential_is_not_asked_for_another_era() {
    let server = FakeServer::start(|_| Reply::Status(401, "", String::new())).await;
    assert_eq!(error(&server).await.reason().as_str(), "UpstreamRefused");
    assert_eq!(server.order(), ["initialize"]);
}

#[tokio::test]
async fn lists_of_a_server_without_sessions_that_cannot_be_read_are_an_error() {
    let server = alone(|_| Reply::Json("{}".to_owned())).await;
    let error = error(&server).await.to_string();
    assert!(error.starts_with("tools/list: "), "{error}");
}

#[tokio::test]
async fn a_server_of_both_eras_offers_what_either_lists() {
    let server = dual(|asked| {
        tools(
            asked,
            &[C, r#"{"name":"b","inputSchema":{"type":"object"}}"#],
        )
    })
    .await;
    let offer = offer(&server).await;
    assert_eq!(offer.protocol_version, "2025-11-25");
    assert!(offer.stateless && offer.issues_sessions && offer.completions);
    let expected = [
        (A, ListedIn::SessionsOnly),
        (B, ListedIn::Both),
        (C, ListedIn::StatelessOnly),
    ];
    assert_eq!(listed(&offer), expected);
    server.wait_for("DELETE", 1).await;
    let order = [
        "initialize",
        "notifications/initialized",
        "tools/list",
        "server/discover",
        "tools/list",
    ];
    assert_eq!(server.order()[..5], order);
}

#[tokio::test]
async fn what_is_no_word_of_the_stateless_revision_leaves_a_server_with_its_sessions() {
    let replies: [fn(&Asked) -> Reply; 8] = [
        |asked| Reply::Status(404, JSON, asked.error(r#"{"code":-32601,"message":"no"}"#)),
        |asked| {
            Reply::Status(
                400,
                JSON,
                asked.error(r#"{"code":-32000,"message":"no session"}"#),
            )
        },
        |asked| Reply::Json(asked.error(r#"{"code":-32601,"message":"no"}"#)),
        |asked| {
            Reply::Json(asked.result(r#"{"supportedVersions":["2025-11-25"],"capabilities":{}}"#))
        },
        |asked| Reply::Json(asked.result(r#"{"supportedVersions":["2026-07-28"]}"#)),
        |asked| Reply::Json(asked.result(r#"{"echo":{}}"#)),
        |_| Reply::Status(401, "", String::new()),
        |_| Reply::Cut(JSON, "{".to_owned()),
    ];
    for reply in replies {
        let server = discovering(reply).await;
        let offer = offer(&server).await;
        assert_eq!(
            (offer.protocol_version.as_str(), offer.stateless),
            ("2025-11-25", false)
        );
        assert_eq!(listed(&offer), [(A, ListedIn::Both)]);
        assert!(offer.left_out.is_empty(), "{:?}", offer.left_out);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_what_it_does_not_know_is_served_by_its_sessions() {
    let server = discovering(|_| Reply::Hang).await;
    let start = Instant::now();
    let offer = offer(&server).await;
    assert!(!offer.stateless && offer.tools.len() == 1);
    assert!(start.elapsed() < timing().pass / 2, "{:?}", start.elapsed());
}

#[tokio::test]
async fn lists_that_only_sessions_can_read_are_told_and_cost_no_session() {
    let server = dual(|asked| Reply::Json(asked.result(r#"{"tools":7}"#))).await;
    let offer = offer(&server).await;
    assert!(!offer.stateless && offer.tools.len() == 2);
    assert!(
        offer.left_out[0].contains("MCP 2026-07-28: tools/list"),
        "{:?}",
        offer.left_out
    );
}

#[tokio::test]
async fn a_result_that_is_not_complete_is_none() {
    let server = alone(|asked| {
        Reply::Json(
            asked.result(r#"{"resultType":"input_required","inputRequests":{},"tools":[]}"#),
        )
    });
    let error = error(&server.await).await.to_string();
    assert!(error.contains("no valid resultType"), "{error}");
}

#[tokio::test]
async fn pages_are_followed_by_cursors_of_which_an_empty_one_is_one() {
    let server = alone(|asked| {
        let page = |name, cursor| {
            let tool = format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#);
            Reply::Json(asked.result(&format!(r#"{{"tools":[{tool}]{cursor}}}"#)))
        };
        match asked.message["params"]["cursor"].as_str() {
            None => page("a", r#","nextCursor":"""#),
            Some("") => page("b", r#","nextCursor":"2""#),
            Some(_) => page("c", ""),
        }
    });
    let offer = offer(&server.await).await;
    assert_eq!(offer.tools.len(), 3);
}

#[tokio::test]
async fn an_announced_list_that_is_answered_404_and_method_not_found_is_left_out() {
    let server = FakeServer::start(|asked| match asked.what() {
        "server/discover" => discovered(asked, r#"{"tools":{},"resources":{}}"#),
        "tools/list" => tools(asked, &[A]),
        "resources/list" => Reply::Json(asked.result(r#"{"resources":[]}"#)),
        _ => Reply::Status(404, JSON, asked.error(r#"{"code":-32601,"message":"no"}"#)),
    });
    let offer = offer(&server.await).await;
    assert!(offer.stateless && offer.tools.len() == 1 && offer.left_out.is_empty());
}

#[tokio::test]
async fn a_tool_whose_parameters_no_header_can_repeat_is_left_out_of_the_stateless_era_alone() {
    const ODD: &str = r#"{"name":"a","inputSchema":{"type":"object","properties":{"x":{"type":"number","x-mcp-header":"X"}}}}"#;
    let without_sessions = offer(&alone(|asked| tools(asked, &[ODD, B])).await).await;
    assert_eq!(listed(&without_sessions), [(B, ListedIn::Both)]);
    let told = &without_sessions.left_out[0];
    assert!(
        told.starts_with("tools[0] \"a\": x-mcp-header at inputSchema.properties.x"),
        "{told}"
    );
    let of_both = offer(&dual(|asked| tools(asked, &[ODD, B])).await).await;
    assert_eq!(
        listed(&of_both),
        [(A, ListedIn::SessionsOnly), (B, ListedIn::Both)]
    );
    assert_eq!(of_both.left_out, without_sessions.left_out);
}

#[tokio::test]
async fn a_question_on_a_stream_is_left_without_an_answer() {
    let server = alone(|asked| {
        let question = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;
        let result = asked.result(&format!(r#"{{"tools":[{A}]}}"#));
        Reply::Events(format!("data: {question}\n\ndata: {result}\n\n"))
    });
    let server = server.await;
    assert_eq!(offer(&server).await.tools.len(), 1);
    assert!(
        !server.order().iter().any(|what| what == "response"),
        "{:?}",
        server.order()
    );
}

async fn pass(discovery: &mut Discovery, server: &FakeServer) {
    let lists = server
        .order()
        .iter()
        .filter(|what| *what == "DELETE")
        .count();
    discovery.hurry(&subject().name);
    server.wait_for("DELETE", lists + 1).await;
}

#[tokio::test]
async fn a_no_stands_for_some_passes() {
    let server = discovering(|asked| {
        Reply::Status(404, JSON, asked.error(r#"{"code":-32601,"message":"no"}"#))
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    next(&mut discovery).await;
    server.wait_for("DELETE", 1).await;
    for _ in 0..5 {
        pass(&mut discovery, &server).await;
    }
    let order = server.order();
    let count = |method: &str| order.iter().filter(|what| *what == method).count();
    assert_eq!((count("initialize"), count("server/discover")), (6, 2));
}

#[tokio::test]
async fn a_server_that_stops_answering_in_one_era_loses_it_after_some_passes_and_not_its_sessions()
{
    let status = Arc::new(AtomicU16::new(0));
    let answer = Arc::clone(&status);
    let server = FakeServer::start(move |asked| match answer.load(Ordering::SeqCst) {
        status if status > 0 && asked.what() == "server/discover" => {
            Reply::Status(status, "", String::new())
        }
        _ => stateless(asked, &|asked| tools(asked, &[A, C]))
            .unwrap_or_else(|| ordinary(asked, &|asked| tools(asked, &[A]))),
    })
    .await;
    let mut discovery = follow(server.address, subject(), timing());
    let Outcome::Found(before) = next(&mut discovery).await else {
        panic!()
    };
    assert!(before.stateless && before.tools.len() == 2);
    server.wait_for("DELETE", 1).await;
    status.store(500, Ordering::SeqCst);
    for _ in 0..3 {
        pass(&mut discovery, &server).await;
    }
    let nothing_new = tokio::time::timeout(Duration::from_millis(50), next(&mut discovery));
    assert!(nothing_new.await.is_err());
    pass(&mut discovery, &server).await;
    let Outcome::Found(after) = next(&mut discovery).await else {
        panic!()
    };
    assert!(!after.stateless && after.tools.len() == 1);
}
