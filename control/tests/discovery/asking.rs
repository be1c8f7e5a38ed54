//! One discovery of one fake server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mcp_control::discovery::{Discovery, DiscoveryError, Outcome, Subject, Timing};
use mcp_control::gateway_client::{Credential, GatewayClient, Signer};
use mcp_control::object::ObjectName;
use mcp_control::offer::Offer;

use crate::fake_server::{Asked, FakeServer, Reply};

/// Of control in all tests.
pub(crate) const SEED: [u8; 32] = [7; 32];

/// Retries at once, and is patient with a busy machine.
pub(crate) fn timing() -> Timing {
    Timing {
        pass: Duration::from_secs(60),
        every: Duration::from_secs(600),
        first_retry: Duration::from_millis(1),
        longest_retry: Duration::from_millis(5),
        gather: Duration::from_millis(1),
        settle: Duration::from_millis(1),
        ..Timing::default()
    }
}

pub(crate) fn subject() -> Subject {
    Subject {
        name: ObjectName {
            namespace: "mcp-test".into(),
            name: "github".into(),
        },
        host: "github.mcp.local".into(),
        path: "/mcp".into(),
        credential: Some(Credential::new("Bearer secret-token")),
        upstream: None,
        cluster: None,
        round: 0,
    }
}

/// Discovery of one server, which plays the gateway, too.
pub(crate) fn follow(address: SocketAddr, subject: Subject, timing: Timing) -> Discovery {
    let client = GatewayClient::new(address.to_string(), Signer::new(SEED)).unwrap();
    let mut discovery = Discovery::new(client, timing);
    discovery.follow([subject]);
    discovery
}

/// The next outcome, waited for with patience.
pub(crate) async fn next(discovery: &mut Discovery) -> Outcome {
    let event = tokio::time::timeout(Duration::from_secs(90), discovery.next()).await;
    event.expect("no event within 90 s").outcome
}

/// The outcome of the first pass.
pub(crate) async fn first(server: &FakeServer) -> Outcome {
    first_within(server, timing().pass).await
}

async fn first_within(server: &FakeServer, pass: Duration) -> Outcome {
    let mut discovery = follow(server.address, subject(), Timing { pass, ..timing() });
    let outcome = next(&mut discovery).await;
    discovery.stop().await;
    outcome
}

pub(crate) async fn offer(server: &FakeServer) -> Arc<Offer> {
    match first(server).await {
        Outcome::Found(offer) => offer,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn error(server: &FakeServer) -> DiscoveryError {
    failed(first(server).await)
}

/// The failure of a pass that may take two seconds.
pub(crate) async fn hasty_error(server: &FakeServer) -> DiscoveryError {
    failed(first_within(server, Duration::from_secs(2)).await)
}

fn failed(outcome: Outcome) -> DiscoveryError {
    match outcome {
        Outcome::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

/// `initialize` with the latest revision and a session.
pub(crate) fn welcome(asked: &Asked, capabilities: &str) -> Reply {
    Reply::Session(
        "session-1",
        asked.result(&initialize_result("2025-11-25", capabilities)),
    )
}

pub(crate) fn initialize_result(revision: &str, capabilities: &str) -> String {
    format!(
        r#"{{"protocolVersion":"{revision}","capabilities":{capabilities},"serverInfo":{{"name":"fake","version":"1"}}}}"#
    )
}

/// A server with tools alone that does everything right; `list` answers `tools/list`.
pub(crate) async fn tools_server(
    list: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
) -> FakeServer {
    FakeServer::start(move |asked| ordinary(asked, &list)).await
}

/// What a server with tools alone does.
pub(crate) fn ordinary(asked: &Asked, list: &dyn Fn(&Asked) -> Reply) -> Reply {
    match asked.what() {
        "initialize" => welcome(asked, r#"{"tools":{}}"#),
        "tools/list" => list(asked),
        "GET" => Reply::Status(405, "", String::new()),
        _ => Reply::Status(202, "", String::new()),
    }
}

/// The result of a `tools/list` of one page.
pub(crate) fn tools(asked: &Asked, items: &[&str]) -> Reply {
    Reply::Json(asked.result(&format!(r#"{{"tools":[{}]}}"#, items.join(","))))
}
