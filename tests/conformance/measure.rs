//! One revision, measured: the fixture directly, behind a gateway as its only server, and behind one as three servers.

use std::net::SocketAddr;

use harness::gateway::{Gateway, Role};
use harness::manifests::{Manifests, Server};

use crate::fixture::Fixture;
use crate::shares::Shares;
use crate::splitter::Splitter;
use crate::suite::{self, Results};

/// How many servers the fixture is split into.
const SERVERS: usize = 3;

/// A revision of MCP.
#[derive(Debug)]
pub(crate) struct Revision {
    /// Its date.
    pub(crate) name: &'static str,
    /// Whether its servers have sessions.
    pub(crate) sessions: bool,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) revision: &'static str,
    /// In the suite's order.
    pub(crate) scenarios: Vec<String>,
    pub(crate) direct: Results,
    /// By each way through the gateway, the one with one server first.
    pub(crate) through: Vec<(&'static str, Results)>,
    /// What is wrong about how the three servers were used.
    pub(crate) split: Vec<String>,
}

impl Measured {
    /// Takes over what was found of some scenarios when they were run once more.
    pub(crate) fn replace(&mut self, again: Self) {
        self.direct.extend(again.direct);
        for ((_, results), (_, newer)) in self.through.iter_mut().zip(again.through) {
            results.extend(newer);
        }
    }
}

/// Measures a revision, all scenarios of it.
pub(crate) async fn measure(revision: &Revision) -> Measured {
    let scenarios = suite::scenarios(revision.name).await;
    measure_some(revision, &scenarios).await
}

/// Measures scenarios of a revision. Each way has a fixture of its own: what a scenario changes in one is seen by no
/// other. One way after the other, for the suite waits for some answers no longer than half a second.
pub(crate) async fn measure_some(revision: &Revision, scenarios: &[String]) -> Measured {
    let direct = directly(revision, scenarios).await;
    let one = through_one(revision, scenarios).await;
    let three = through_three(revision, scenarios, Role::Hold).await;
    let three_in_pair = through_three(revision, scenarios, Role::Pair).await;
    Measured {
        revision: revision.name,
        scenarios: scenarios.to_vec(),
        direct,
        split: [three.1, three_in_pair.1].concat(),
        through: vec![
            ("one server", one),
            ("three servers", three.0),
            ("three servers, role pair", three_in_pair.0),
        ],
    }
}

async fn directly(revision: &Revision, scenarios: &[String]) -> Results {
    let fixture = Fixture::start(revision.sessions).await;
    suite::run(revision.name, scenarios, &url(fixture.address())).await
}

async fn through_one(revision: &Revision, scenarios: &[String]) -> Results {
    let fixture = Fixture::start(revision.sessions).await;
    let gateway = gateway(Role::Hold, &[fixture.address()]).await;
    suite::run(revision.name, scenarios, &url(gateway.address())).await
}

async fn through_three(
    revision: &Revision,
    scenarios: &[String],
    role: Role,
) -> (Results, Vec<String>) {
    let shares = Shares::among(SERVERS);
    let (mut fixtures, mut splitters) = (Vec::new(), Vec::new());
    for own in 0..SERVERS {
        let fixture = Fixture::start(revision.sessions).await;
        splitters.push(Splitter::start(fixture.address(), &shares, own).await);
        fixtures.push(fixture);
    }
    let addresses: Vec<SocketAddr> = splitters.iter().map(Splitter::address).collect();
    let gateway = gateway(role, &addresses).await;
    let results = suite::run(revision.name, scenarios, &url(gateway.address())).await;
    let faults = splitters.iter().flat_map(Splitter::faults).collect();
    (results, faults)
}

/// The suite knows the names of the fixture, so no server has a prefix.
async fn gateway(role: Role, servers: &[SocketAddr]) -> Gateway {
    let mut manifests = Manifests::gateway();
    for (number, address) in servers.iter().enumerate() {
        let server = Server::new(&format!("fixture-{number}"), *address).prefix("");
        // On loopback the fixture takes requests for loopback's names alone.
        manifests = manifests.server(&server.authority("localhost"));
    }
    Gateway::streaming(role, &manifests).await
}

/// The suite asks whether a server on loopback takes its own name alone, and wants `localhost` for it.
fn url(address: SocketAddr) -> String {
    format!("http://localhost:{}/mcp", address.port())
}
