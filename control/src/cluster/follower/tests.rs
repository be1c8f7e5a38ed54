use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use http::StatusCode;
use kube::Client;
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::attach::{Attach, Attachment};
use crate::gateway_client::Signer;

/// What a Pod answers.
#[derive(Clone, Copy, Debug)]
enum Pod {
    Serves(&'static str),
    Fails(StatusCode),
}

/// Several behind one address, each of which gets a connection in turn.
struct Pods {
    pods: Vec<Pod>,
    asked: AtomicUsize,
}

async fn answer(State(pods): State<Arc<Pods>>) -> Response {
    let asked = pods.asked.fetch_add(1, Ordering::Relaxed);
    match pods.pods[asked % pods.pods.len()] {
        Pod::Serves(generation) => Json(json!({"generation": generation})).into_response(),
        Pod::Fails(status) => status.into_response(),
    }
}

/// A gateway of these that shall serve `new`, and what is told of it.
struct Gateway {
    work: Work,
    wanted: Wanted,
    news: mpsc::Receiver<(ObjectName, News)>,
    _asks: watch::Sender<Arc<Wanted>>,
}

impl Gateway {
    async fn of(pods: Vec<Pod>) -> Self {
        let asked = AtomicUsize::new(0);
        let app = Router::new().fallback(answer);
        let app = app.with_state(Arc::new(Pods { pods, asked }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client = GatewayClient::new(address.to_string(), Signer::new([1; 32])).unwrap();
        let apply = Apply::new(Client::new(Router::new(), "mcp-system"));
        let wanted = Wanted {
            generation: "new".to_owned(),
            is_given: true,
            pair: Some(pair()),
            endpoint: Some(PublicEndpoint {
                host: "mcp.example.com".to_owned(),
                path: "/mcp".to_owned(),
            }),
            ..Wanted::default()
        };
        let (teller, news) = mpsc::channel(8);
        let asks = watch::Sender::new(Arc::new(wanted.clone()));
        let work = Work {
            gateway: name("gateway"),
            way: Way {
                client: Ok(client),
                nudges: Nudges::new(apply.clone(), None),
                apply,
            },
            news: teller,
            wanted: asks.subscribe(),
            phase: Phase::Look { at: Instant::now() },
            lateness: Lateness::default(),
            failure: None,
            failure_beside: None,
        };
        Self {
            work,
            wanted,
            news,
            _asks: asks,
        }
    }

    /// It serves something else for so long.
    fn late(&mut self, seconds: u64) {
        let since = Instant::now() - Duration::from_secs(seconds);
        self.work.lateness.begin(since);
        self.work.lateness.see("old", since);
    }

    /// What is told after one more round.
    async fn told(&mut self) -> Vec<News> {
        self.work.go_on(&mut None).await;
        let news = std::iter::from_fn(|| self.news.try_recv().ok());
        news.map(|(_, news)| news).collect()
    }
}

fn name(name: &str) -> ObjectName {
    ObjectName {
        namespace: "infra".to_owned(),
        name: name.to_owned(),
    }
}

fn pair() -> Pair {
    let attach = Attach::WasmPlugin;
    let name = name("route");
    Pair {
        image: format!("oci://registry.example.com/mcp/filter@sha256:{:064}", 0)
            .parse()
            .unwrap(),
        objects: vec![Attachment { attach, name }],
    }
}

/// So many Pods that serve what they shall, and another one.
fn beside(others: usize, pod: Pod) -> Vec<Pod> {
    let mut pods = vec![Pod::Serves("new"); others];
    pods.push(pod);
    pods
}

#[tokio::test]
async fn a_gateway_of_which_one_pod_is_behind_is_told_as_one_that_is_and_not_live() {
    for others in [1, 3, 15] {
        let mut gateway = Gateway::of(beside(others, Pod::Serves("old"))).await;
        gateway.late(4);
        let told = gateway.told().await;
        assert!(
            matches!(&told[..], [News::Behind { serves, .. }] if serves == "old"),
            "{others} others: {told:?}"
        );
        assert!(gateway.work.lateness.has_begun());
    }
}

#[tokio::test]
async fn a_gateway_of_which_one_pod_is_closed_is_told_as_one_that_is() {
    let closed = Pod::Fails(StatusCode::FORBIDDEN);
    let mut gateway = Gateway::of(beside(3, closed)).await;
    gateway.late(11);
    let told = gateway.told().await;
    assert!(
        matches!(&told[..], [News::Unseen { reason }] if reason.contains("403")),
        "{told:?}"
    );
    assert!(gateway.told().await.is_empty(), "told already");
}

#[tokio::test]
async fn a_gateway_is_live_once_all_its_pods_serve_what_was_pushed() {
    let mut gateway = Gateway::of(beside(1, Pod::Serves("old"))).await;
    gateway.work.lateness.begin(Instant::now());
    assert!(gateway.told().await.is_empty(), "one of two");
    let mut gateway = Gateway::of(beside(1, Pod::Serves("new"))).await;
    gateway.late(11);
    let told = gateway.told().await;
    assert!(matches!(&told[..], [News::Live(_)]), "{told:?}");
    assert!(!gateway.work.lateness.has_begun());
}

#[tokio::test]
async fn a_closed_pod_is_seen_and_kept_in_mind_beside_others_that_do_not_answer() {
    let closed = Pod::Fails(StatusCode::FORBIDDEN);
    let down = Pod::Fails(StatusCode::SERVICE_UNAVAILABLE);
    let mut gateway = Gateway::of(vec![down, Pod::Serves("old"), closed]).await;
    let seen = gateway.work.look_around(&gateway.wanted).await.unwrap_err();
    assert!(seen.is_closed(), "{seen}");
    gateway.work.nudge(&seen, &gateway.wanted).await;
    let unseen = Unseen::NoWay("connection refused".to_owned());
    gateway.work.nudge(&unseen, &gateway.wanted).await;
    let pair = gateway.wanted.pair.as_ref();
    assert!(gateway.work.way.nudges.not_closed(pair).await, "in doubt");
}
