//! Answers as the gateway does on the inner leg.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use http::HeaderMap;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;

use super::PATIENCE;

/// One inner request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// What the request is for, with the method of its message.
    pub(crate) fn what(&self) -> String {
        let purpose = self.header("x-mcp-streams").unwrap_or_default();
        let message: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let method = message["method"].as_str().unwrap_or_default();
        format!("{} {purpose} {method}", self.method)
            .trim_end()
            .to_owned()
    }
}

/// In the place of a status: the question counts as the client's own, and is answered with a stream.
pub(crate) const LAPSED: u16 = 0;

type Answering = Arc<dyn Fn(&Asked) -> Option<Response> + Send + Sync>;

struct Shared {
    digests: [u64; 3],
    /// What callers of this `authorization` get in the place of the catalog.
    statuses: HashMap<String, u16>,
    /// The same, once each.
    once: HashMap<String, u16>,
    answering: Answering,
}

pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    asked: tokio::sync::Mutex<mpsc::UnboundedReceiver<Asked>>,
    says: broadcast::Sender<(String, String)>,
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, asked) = mpsc::unbounded_channel();
        let (says, _) = broadcast::channel(16);
        let shared = Arc::new(Mutex::new(Shared {
            digests: [1, 2, 3],
            statuses: HashMap::new(),
            once: HashMap::new(),
            answering: Arc::new(|_| None),
        }));
        let own = (shared.clone(), says.clone());
        let router =
            Router::new().fallback(move |request| answer(request, own.clone(), sender.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let asked = tokio::sync::Mutex::new(asked);
        Self {
            address,
            shared,
            asked,
            says,
        }
    }

    /// From now on the lists are these.
    pub(crate) fn change(&self, digests: [u64; 3]) {
        self.shared.lock().unwrap().digests = digests;
    }

    /// From now on this caller gets this in the place of the catalog.
    pub(crate) fn refuse(&self, authorization: &str, status: u16) {
        self.shared
            .lock()
            .unwrap()
            .statuses
            .insert(authorization.to_owned(), status);
    }

    /// This caller gets this in the place of the catalog, once.
    pub(crate) fn refuse_once(&self, authorization: &str, status: u16) {
        let mut shared = self.shared.lock().unwrap();
        shared.once.insert(authorization.to_owned(), status);
    }

    /// How requests that do not ask for the catalog are answered; with a stream of what [`Self::say`] says otherwise.
    pub(crate) fn answer(
        &self,
        answering: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static,
    ) {
        self.shared.lock().unwrap().answering = Arc::new(answering);
    }

    /// The server of this name puts a message on its streams, of which there is one at least.
    pub(crate) fn say(&self, server: &str, message: &str) {
        self.says
            .send((server.to_owned(), message.to_owned()))
            .unwrap();
    }

    /// Waits until nobody hears any server.
    pub(crate) async fn unheard(&self) {
        let gone = async {
            while self.says.receiver_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, gone)
            .await
            .expect("a server is still heard");
    }

    /// What was asked for since the last that was waited for.
    pub(crate) async fn so_far(&self) -> Vec<String> {
        let mut asked = self.asked.lock().await;
        std::iter::from_fn(|| asked.try_recv().ok())
            .map(|one| one.what())
            .collect()
    }

    /// The next request that is for this, or has been.
    pub(crate) async fn asked(&self, what: &str) -> Asked {
        let mut asked = self.asked.lock().await;
        let awaited = async {
            loop {
                let next = asked.recv().await.unwrap();
                if next.what() == what {
                    return next;
                }
            }
        };
        let found = timeout(PATIENCE, awaited).await;
        found.unwrap_or_else(|_| panic!("nobody asks for {what}"))
    }
}

async fn answer(
    request: Request,
    (shared, says): (Arc<Mutex<Shared>>, broadcast::Sender<(String, String)>),
    seen: mpsc::UnboundedSender<Asked>,
) -> Response {
    let (head, body) = request.into_parts();
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: head.headers,
        body: to_bytes(body, 1 << 23).await.unwrap(),
    };
    let is_for_server = asked
        .header("x-mcp-streams")
        .is_some_and(|purpose| purpose.starts_with("server="));
    // Subscribed first: who sees the request may let the server speak.
    let heard = is_for_server.then(|| says.subscribe());
    let _ = seen.send(asked.clone());
    let is_catalog = asked.header("x-mcp-streams") == Some("catalog");
    let (digests, status, answering) = {
        let mut shared = shared.lock().unwrap();
        let name = asked.header("authorization").unwrap_or_default();
        let once = is_catalog.then(|| shared.once.remove(name)).flatten();
        let status = once.or_else(|| shared.statuses.get(name).copied());
        (shared.digests, status, shared.answering.clone())
    };
    if is_catalog {
        if status == Some(LAPSED) {
            return speak(&asked, says.subscribe());
        }
        return catalog(digests, status);
    }
    let answered = answering(&asked).or_else(|| Some(speak(&asked, heard?)));
    answered.unwrap_or_else(|| panic!("nobody expects {}", asked.what()))
}

fn catalog([tools, prompts, resources]: [u64; 3], status: Option<u16>) -> Response {
    let body = format!(
        r#"{{"tools":"{tools:016x}","prompts":"{prompts:016x}","resources":"{resources:016x}"}}"#
    );
    let response = Response::builder().header("x-mcp-streams-ticket", "renewed");
    response
        .status(status.unwrap_or(200))
        .body(Body::from(body))
        .unwrap()
}

fn speak(asked: &Asked, heard: broadcast::Receiver<(String, String)>) -> Response {
    let server = asked.header("x-mcp-streams").unwrap_or_default();
    let server = server
        .strip_prefix("server=")
        .unwrap_or_default()
        .to_owned();
    let by = server.clone();
    let events = stream::unfold(heard, |mut heard| async move {
        Some((heard.recv().await.ok()?, heard))
    });
    let of_server = events.filter_map(move |(name, message)| {
        let event = (name == server).then(|| format!("id: 7\ndata: {message}\n\n"));
        async move { event.map(Ok::<String, std::convert::Infallible>) }
    });
    let response = Response::builder()
        .header("content-type", "text/event-stream")
        .header("x-mcp-servername", by);
    response.body(Body::from_stream(of_server)).unwrap()
}
