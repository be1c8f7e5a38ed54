//! `mcp-streams` between a client and a gateway, both played by a test.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use http::{HeaderMap, Method, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use mcp_streams::{Listener, Settings, serve};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it came in time")
}

/// One request of the inner leg, which waits for its answer.
pub(crate) struct Inner {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    reply: oneshot::Sender<Response>,
}

impl Inner {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn answer(self, status: u16, headers: &[(&str, &str)], body: impl Into<Body>) {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let _ = self.reply.send(response.body(body.into()).unwrap());
    }

    pub(crate) fn accept(self) {
        self.answer(202, &[], "");
    }

    pub(crate) fn answer_json(self, body: impl Into<String>) {
        self.answer(200, &[("content-type", "application/json")], body.into());
    }

    /// Begins a stream of events.
    pub(crate) fn stream(self) -> Events {
        let (sender, receiver) = mpsc::unbounded_channel::<String>();
        let events = stream::unfold(receiver, |mut receiver| async move {
            let event = receiver.recv().await?;
            Some((Ok::<_, Infallible>(event), receiver))
        });
        let body = Body::from_stream(events);
        self.answer(200, &[("content-type", "text/event-stream")], body);
        Events(sender)
    }
}

/// The server's end of a stream.
pub(crate) struct Events(mpsc::UnboundedSender<String>);

impl Events {
    pub(crate) fn send(&self, message: &str) {
        self.0
            .send(format!("data: {message}\n\n"))
            .expect("somebody reads");
    }

    /// Several at once.
    pub(crate) fn send_all(&self, messages: &[&str]) {
        let events = messages
            .iter()
            .map(|message| format!("data: {message}\n\n"));
        self.0.send(events.collect()).expect("somebody reads");
    }

    /// Ready when nobody reads it any more.
    pub(crate) async fn closed(&self) {
        soon(self.0.closed()).await;
    }
}

/// See the module.
pub(crate) struct World {
    /// What requests of the outer leg show from now on.
    pub(crate) ticket: &'static str,
    pub(crate) authorization: &'static str,
    end: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
    streams: SocketAddr,
    http: Client<HttpConnector, Body>,
    inner: mpsc::UnboundedReceiver<Inner>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (sender, inner) = mpsc::unbounded_channel();
        let gateway = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", gateway.local_addr().unwrap());
        let router = Router::new().fallback(move |request| pass(request, sender.clone()));
        tokio::spawn(async move { axum::serve(gateway, router).await });
        let mut settings = Settings::new(address.parse().unwrap());
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let streams = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let served = serve(Listener::Tcp(listener), settings, async {
            drop(ended.await)
        });
        Self {
            ticket: "ticket",
            authorization: "Bearer a",
            end: Some(end),
            serving: tokio::spawn(served),
            streams,
            http: Client::builder(TokioExecutor::new()).build_http(),
            inner,
        }
    }

    /// Lets the program end.
    pub(crate) fn end(&mut self) {
        drop(self.end.take());
    }

    /// Whether it still runs.
    pub(crate) fn is_serving(&self) -> bool {
        !self.serving.is_finished()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(self) {
        soon(self.serving).await.unwrap().unwrap();
    }

    /// Waits until `/metrics` tells of so many calls that wait for their clients.
    pub(crate) async fn waiting_calls(&self, count: usize) {
        let told = format!("mcp_streams_waiting_calls {count}\n");
        let address = format!("http://{}/metrics", self.streams);
        let waits = async {
            loop {
                let answered = self.http.get(address.parse().unwrap()).await.unwrap();
                let body = to_bytes(Body::new(answered.into_body()), 1 << 20).await;
                if String::from_utf8_lossy(&body.unwrap()).contains(&told) {
                    return;
                }
            }
        };
        soon(waits).await;
    }

    /// The next request of the inner leg.
    pub(crate) async fn inner(&mut self) -> Inner {
        soon(self.inner.recv()).await.expect("a gateway that runs")
    }

    /// The same, which posts a message that contains this.
    pub(crate) async fn post_with(&mut self, text: &str) -> Inner {
        let inner = self.inner().await;
        assert!(
            inner.text().contains(text),
            "{} has no {text}",
            inner.text()
        );
        inner
    }

    /// Opens the session `in-1` that is asked for.
    pub(crate) async fn open_session(&mut self) -> Inner {
        let initialize = self.post_with("\"initialize\"").await;
        assert_eq!(initialize.header("mcp-session-id"), None);
        let (headers, body) = (initialize.headers.clone(), initialize.body.clone());
        let result = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"g","version":"1"}}}"#;
        let json = [
            ("content-type", "application/json"),
            ("mcp-session-id", "in-1"),
        ];
        initialize.answer(200, &json, result);
        self.post_with("notifications/initialized").await.accept();
        let (reply, _) = oneshot::channel();
        Inner {
            method: Method::POST,
            headers,
            body,
            reply,
        }
    }

    /// The session `in-1` ends.
    pub(crate) async fn closes_session(&mut self) {
        let inner = self.inner().await;
        assert_eq!(inner.method, Method::DELETE);
        assert_eq!(inner.header("mcp-session-id"), Some("in-1"));
        inner.answer(204, &[], "");
    }

    /// A request of the outer leg, by this caller.
    pub(crate) fn send(
        &self,
        (caller, era, method): (&str, &str, &str),
        body: &str,
    ) -> JoinHandle<Answer> {
        let request = Request::post(format!("http://{}/streams", self.streams))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("authorization", self.authorization)
            .header("mcp-param-x", "a")
            .header("x-mcp-streams-ticket", self.ticket)
            .header("x-mcp-streams-authority", "mcp.example.com")
            .header("x-mcp-streams-path", "/mcp")
            .header("x-mcp-streams-caller", caller)
            .header("x-mcp-streams-era", era)
            .header("x-mcp-method", method)
            .header("x-mcp-servername", "test/s")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let http = self.http.clone();
        tokio::spawn(async move {
            let response = http.request(request).await.expect("an answer");
            Answer::new(response.map(Body::new))
        })
    }
}

async fn pass(request: Request, sender: mpsc::UnboundedSender<Inner>) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    let (reply, replied) = oneshot::channel();
    let inner = Inner {
        method: head.method,
        headers: head.headers,
        body,
        reply,
    };
    let _ = sender.send(inner);
    replied.await.unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// What the client gets.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: BodyDataStream,
    read: String,
}

impl Answer {
    fn new(response: Response) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            body: body.into_data_stream(),
            read: String::new(),
        }
    }

    /// The next message of a stream; `None` at its end.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let data = event.strip_prefix("data: ").map(str::to_owned);
                self.read = rest.to_owned();
                match data {
                    Some(data) => return Some(data),
                    None => continue,
                }
            }
            let piece = soon(self.body.next()).await?.ok()?;
            self.read += std::str::from_utf8(&piece).unwrap();
        }
    }

    /// The same, as a value.
    pub(crate) async fn next_json(&mut self) -> Value {
        let message = self.next().await.expect("a message");
        serde_json::from_str(&message).unwrap()
    }

    /// All of a JSON body.
    pub(crate) async fn json(mut self) -> Value {
        let mut read = Vec::new();
        while let Some(piece) = soon(self.body.next()).await {
            read.extend_from_slice(&piece.unwrap());
        }
        serde_json::from_slice(&read).unwrap()
    }
}
