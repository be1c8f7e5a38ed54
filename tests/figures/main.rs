//! Figures of `mcp-control run` on a real kube-apiserver, with one gateway; and of the whole chain of level `gateway`,
//! with istiod and its agent. See `scripts/figures`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "ends by a panic where something is not as it should be"
)]

mod corpus;
mod istio;
// The gateway of the level of that name.
#[allow(dead_code, reason = "the level uses the rest")]
#[path = "../gateway/managed.rs"]
mod managed;
#[allow(dead_code, reason = "the level uses the rest")]
#[path = "../gateway/manifests.rs"]
mod manifests;
#[allow(dead_code, reason = "the level uses the rest")]
#[path = "../gateway/platform.rs"]
mod platform;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use harness::cluster_gateway::ClusterGateway;
use harness::control::{self, Control};
use harness::kubernetes::Kubernetes;
use harness::proc::resident_bytes;
use harness::runtime;
use serde_json::{Value, json};

/// Registrations whose way to the pushed field is timed.
const TIMED: u64 = 100;

/// Registrations of the large cluster.
const MANY: u64 = 500;

/// Longer takes nothing here.
const PATIENCE: Duration = Duration::from_secs(600);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let figures = match arguments.next().as_deref() {
        None => runtime::spawn(figures()),
        Some("istio") => runtime::spawn(istio::figures(arguments.collect())),
        Some(other) => panic!("there are no figures {other}"),
    };
    futures::executor::block_on(figures).expect("figures");
}

async fn figures() {
    let servers = corpus::serve().await;
    let cluster = Cluster::start(servers).await;
    timed(&cluster).await;
    many(&cluster).await;
}

/// A cluster with a gateway, and control.
struct Cluster {
    control: Control,
    _gateway: ClusterGateway,
    kubernetes: Kubernetes,
}

impl Cluster {
    async fn start(servers: SocketAddr) -> Self {
        let kubernetes = control::cluster().await;
        let gateway = ClusterGateway::start(&kubernetes, "mcp-gateway").await;
        kubernetes.apply(&network(servers)).await;
        let control = Control::start(
            &kubernetes.kubeconfig(),
            "figures",
            &["--lease-seconds", "15"],
        )
        .await;
        Self {
            control,
            _gateway: gateway,
            kubernetes,
        }
    }

    /// Waits until the pushed configuration is so.
    async fn until_pushed<T>(&self, condition: impl Fn(&Value) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = self.pushed().await.as_ref().and_then(&condition) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "not pushed");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The plugin that has the configuration.
    async fn pushed(&self) -> Option<Value> {
        let plugins = self
            .kubernetes
            .list("extensions.istio.io/v1alpha1", "WasmPlugin")
            .await;
        let is_route =
            |plugin: &Value| plugin["metadata"]["labels"]["app.kubernetes.io/component"] == "route";
        plugins.into_iter().find(is_route)
    }

    async fn statuses(&self) -> Vec<Value> {
        self.kubernetes
            .list("mcp.kuadrant.io/v1", "MCPServerRegistration")
            .await
    }
}

/// One route leads to all servers: what is measured is control, not Envoy.
pub(crate) fn network(servers: SocketAddr) -> String {
    format!(
        "apiVersion: v1
kind: Namespace
metadata: {{name: mcp-test}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: corpus, namespace: mcp-test}}
spec:
  hosts: [corpus.example.com]
  resolution: STATIC
  ports: [{{number: 80, name: http, protocol: HTTP, targetPort: {port}}}]
  endpoints: [{{address: {ip}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: corpus, namespace: mcp-test}}
spec:
  hostnames: [corpus.mcp.local]
  parentRefs: [{{name: mcp-gateway, namespace: gateway-system}}]
  rules:
  - backendRefs:
    - {{name: corpus.example.com, kind: Hostname, group: networking.istio.io, port: 80}}
",
        ip = servers.ip(),
        port = servers.port()
    )
}

/// Of the server of this number, at this path.
fn registration(number: u64, path: &str) -> Value {
    json!({
        "apiVersion": "mcp.kuadrant.io/v1",
        "kind": "MCPServerRegistration",
        "metadata": {"name": format!("server-{number}"), "namespace": "mcp-test"},
        "spec": {
            "targetRef": {"name": "corpus"},
            "prefix": format!("s{number}_"),
            "path": path,
        },
    })
}

fn names(plugin: &Value) -> impl Iterator<Item = &str> {
    let servers = plugin["spec"]["pluginConfig"]["servers"].as_array();
    servers
        .into_iter()
        .flatten()
        .filter_map(|server| server["name"].as_str())
}

/// From the apply of a registration to the field that has it, its tools included.
async fn timed(cluster: &Cluster) {
    let mut times = Vec::new();
    for number in 0..TIMED {
        let name = format!("mcp-test/server-{number}");
        let begun = Instant::now();
        cluster
            .kubernetes
            .submit(registration(number, &format!("/mcp/{number}")))
            .await
            .unwrap();
        cluster
            .until_pushed(|plugin| names(plugin).any(|known| known == name).then_some(()))
            .await;
        times.push(begun.elapsed().as_millis());
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!(
        "apply to pushed field, over {TIMED} registrations one after the other: p50 {} ms, p99 {} ms",
        at(50),
        at(99)
    );
}

async fn many(cluster: &Cluster) {
    let begun = Instant::now();
    for number in TIMED..MANY {
        cluster
            .kubernetes
            .submit(registration(number, &format!("/mcp/{number}")))
            .await
            .unwrap();
    }
    let applied = begun.elapsed();
    let judged = until_judged(cluster).await;
    let pushed = cluster.pushed().await.expect("a plugin");
    let config = pushed["spec"]["pluginConfig"].to_string().len();
    let object = pushed.to_string().len();
    let served = names(&pushed).count();
    let memory = resident_bytes(cluster.control.process().pid());
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{MANY} registrations x {} tools (synthetic-40): applied in {} s, all judged and pushed after {} s",
        corpus::TOOLS,
        applied.as_secs(),
        begun.elapsed().as_secs()
    );
    let _ = writeln!(
        text,
        "served: {served} ({} tools); CatalogTooLarge: {}; pushed: {config} bytes of pluginConfig, {object} of object",
        served * corpus::TOOLS,
        judged
    );
    let _ = write!(text, "control: {} MB resident", memory / 1_000_000);
    println!("{text}");
    status_only(cluster, &pushed).await;
}

/// Waits until every registration is ready or refused, and the rest of the burst is pushed. Gives how many are refused.
async fn until_judged(cluster: &Cluster) -> usize {
    let begun = Instant::now();
    loop {
        let reasons: Vec<_> = cluster
            .statuses()
            .await
            .iter()
            .map(|object| {
                let conditions = object["status"]["conditions"].as_array().cloned();
                let ready = conditions
                    .unwrap_or_default()
                    .into_iter()
                    .find(|condition| condition["type"] == "Ready");
                ready.map(|ready| ready["reason"].as_str().unwrap().to_owned())
            })
            .collect();
        let count = |reason: &str| {
            reasons
                .iter()
                .filter(|known| known.as_deref() == Some(reason))
                .count()
        };
        let (ready, refused) = (count("Ready"), count("CatalogTooLarge"));
        if ready + refused == MANY as usize {
            let pushed = cluster.pushed().await;
            if pushed.is_some_and(|plugin| names(&plugin).count() == ready) {
                return refused;
            }
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{ready} ready, {refused} refused"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A hundred changes of statuses by another hand.
async fn status_only(cluster: &Cluster, before: &Value) {
    for number in 0..100 {
        let status = json!({"discoveredPrompts": number + 1});
        cluster
            .kubernetes
            .write_status(&registration(number, &format!("/mcp/{number}")), status)
            .await
            .unwrap();
    }
    // When control has taken them all back, it has seen them all.
    let begun = Instant::now();
    loop {
        let statuses = cluster.statuses().await;
        let is_mended = statuses.iter().all(|object| {
            object["status"]["discoveredPrompts"]
                .as_u64()
                .unwrap_or_default()
                == 0
        });
        if is_mended {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "statuses are not taken back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let after = cluster.pushed().await.expect("a plugin");
    let metadata = |plugin: &Value, member: &str| plugin["metadata"][member].clone();
    assert_eq!(metadata(before, "uid"), metadata(&after, "uid"));
    // The apiserver counts what changes a plugin.
    let generation = |plugin| metadata(plugin, "generation").as_i64().unwrap();
    let pushes = generation(&after) - generation(before);
    println!("100 changes of statuses by another, all taken back: {pushes} pushes");
}
