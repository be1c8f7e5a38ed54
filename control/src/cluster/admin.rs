//! What operators and their tools ask control itself.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rustix::net::sockopt::set_ipv6_v6only;
use serde::Serialize;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::Instant;

use super::metrics::{CONTENT_TYPE, Metrics};
use super::snapshot::Snapshot;

/// How long what control does may take before it counts as hung.
const HUNG: Duration = Duration::from_secs(60);

/// Connections that wait to be taken.
const BACKLOG: u32 = 128;

/// Between two signs of life.
pub(super) const BEAT: Duration = Duration::from_secs(5);

/// What the answers are made from.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    snapshot: watch::Receiver<Arc<Snapshot>>,
    beat: watch::Receiver<Instant>,
    metrics: Arc<Metrics>,
    leader: watch::Receiver<String>,
}

/// What `/status` answers.
#[derive(Debug, Serialize)]
struct Status<'a> {
    /// The Pod of the control that leads.
    leader: Option<&'a str>,
    #[serde(flatten)]
    snapshot: &'a Snapshot,
}

impl Admin {
    /// `beat` is when control last went on, `leader` the identity of the one that leads.
    pub(super) fn new(
        snapshot: watch::Receiver<Arc<Snapshot>>,
        beat: watch::Receiver<Instant>,
        metrics: Arc<Metrics>,
        leader: watch::Receiver<String>,
    ) -> Self {
        Self {
            snapshot,
            beat,
            metrics,
            leader,
        }
    }

    /// Listens; answers in a task of its own. Gives the address, with its port.
    pub(super) async fn serve(self, address: SocketAddr) -> std::io::Result<SocketAddr> {
        let listener = listen(address).await?;
        let address = listener.local_addr()?;
        let routes = Router::new()
            .route("/healthz", get(health))
            .route("/readyz", get(readiness))
            .route("/status", get(status))
            .route("/metrics", get(metrics))
            .with_state(self);
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!("the admin port: {error}");
            }
        });
        Ok(address)
    }
}

/// At `[::]`, connections of IPv4 come in, too; where the kernel has no IPv6, those alone.
async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let outcome = match address.is_ipv6() {
        true => listen_on_both(address),
        false => TcpListener::bind(address).await,
    };
    if outcome.is_err() && address.ip() == Ipv6Addr::UNSPECIFIED {
        let ipv4 = TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await;
        // What is wrong with the address that was asked for counts.
        return ipv4.or(outcome);
    }
    outcome
}

/// Whatever the kernel does unless it is asked (`net.ipv6.bindv6only`).
fn listen_on_both(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v6()?;
    socket.set_reuseaddr(true)?;
    set_ipv6_v6only(&socket, false)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn health(State(admin): State<Admin>) -> Response {
    if admin.beat.borrow().elapsed() < HUNG {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "control hangs\n").into_response()
    }
}

async fn readiness(State(admin): State<Admin>) -> Response {
    let unseen = admin.snapshot.borrow().unseen.clone();
    if unseen.is_empty() {
        return "ok\n".into_response();
    }
    let text = format!("not seen yet: {}\n", unseen.join(", "));
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

async fn status(State(admin): State<Admin>) -> Response {
    let snapshot = Arc::clone(&admin.snapshot.borrow());
    let leader = admin.leader.borrow().clone();
    // Its end tells one start of a Pod's container from another.
    let leader = leader.rsplit_once('_').map(|(pod, _)| pod);
    let status = Status {
        leader,
        snapshot: &snapshot,
    };
    axum::Json(status).into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], admin.metrics.text()).into_response()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::net::TcpStream;

    use super::*;

    const DEPLOYMENT: &str = include_str!("../../../wasmplugin/install/deployment.yaml");

    #[tokio::test]
    async fn the_deployments_admin_port_is_reached_by_both_versions_of_ip() {
        let mut arguments = DEPLOYMENT.lines().map(str::trim);
        let address = arguments.find_map(|line| line.strip_prefix("- --admin="));
        let address: SocketAddr = address.unwrap().parse().unwrap();
        let any_port = SocketAddr::new(address.ip(), 0);
        let listener = listen(any_port).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let loopbacks = [
            IpAddr::from(Ipv4Addr::LOCALHOST),
            Ipv6Addr::LOCALHOST.into(),
        ];
        for loopback in loopbacks {
            // Some machines have one alone.
            if TcpListener::bind((loopback, 0)).await.is_err() {
                continue;
            }
            let reached = TcpStream::connect((loopback, port)).await;
            assert!(reached.is_ok(), "{loopback}: {reached:?}");
        }
    }
}
