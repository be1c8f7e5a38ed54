//! Asks as the filter does on the outer leg.

use std::net::SocketAddr;

use axum::body::{Body, BodyDataStream, to_bytes};
use futures::StreamExt as _;
use http::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::timeout;

use super::PATIENCE;

/// What one request has beside the usual headers; a name that is usual replaces it, no value removes it.
pub(crate) type More<'a> = &'a [(&'a str, &'a str)];

pub(crate) struct Client {
    http: Http<HttpConnector, Body>,
    address: SocketAddr,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let http = Http::builder(TokioExecutor::new()).build_http();
        Self { http, address }
    }

    /// `GET` of the session `s`.
    pub(crate) async fn get(&self, more: More<'_>) -> Answer {
        let usual = [
            ("accept", "text/event-stream"),
            ("mcp-protocol-version", "2025-11-25"),
            ("mcp-session-id", "s"),
            ("x-mcp-method", "GET"),
            ("x-mcp-streams-era", "sessions"),
        ];
        self.send("GET", (&usual, more), "").await
    }

    /// A message, which is a request of this method.
    pub(crate) async fn post(
        &self,
        era: &str,
        method: &str,
        (more, body): (More<'_>, &str),
    ) -> Answer {
        let session = [("mcp-session-id", "s")];
        let usual: &[_] = if era == "sessions" { &session } else { &[] };
        let routed = [
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
            ("x-mcp-method", method),
            ("x-mcp-streams-era", era),
        ];
        let usual = [usual, &routed].concat();
        self.send("POST", (&usual, more), body).await
    }

    /// What `/metrics` tells.
    pub(crate) async fn metrics(&self) -> String {
        let address = format!("http://{}/metrics", self.address);
        let answered = self.http.get(address.parse().unwrap()).await.unwrap();
        let body = to_bytes(Body::new(answered.into_body()), 1 << 20).await;
        String::from_utf8(body.unwrap().to_vec()).unwrap()
    }

    async fn send(&self, method: &str, (usual, more): (More<'_>, More<'_>), body: &str) -> Answer {
        let every = [
            ("authorization", "Bearer a"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-mcp-streams-authority", "mcp.example.com"),
            ("x-mcp-streams-caller", "c0ffee"),
            ("x-mcp-streams-path", "/mcp?a=%41"),
            ("x-mcp-streams-ticket", "first"),
        ];
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}/streams", self.address))
            .body(Body::from(body.to_owned()))
            .unwrap();
        for (name, value) in every.iter().chain(usual).chain(more) {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let answered = timeout(PATIENCE, self.http.request(request)).await;
        Answer(answered.expect("no answer").unwrap().map(Body::new))
    }
}

/// An answer of which the head has come.
pub(crate) struct Answer(Response<Body>);

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    }

    pub(crate) async fn json(self) -> Value {
        let body = timeout(PATIENCE, to_bytes(self.0.into_body(), 1 << 20)).await;
        serde_json::from_slice(&body.expect("no end").unwrap()).unwrap()
    }

    pub(crate) fn events(self) -> Events {
        assert_eq!(self.status(), 200);
        assert_eq!(self.header("content-type"), Some("text/event-stream"));
        Events {
            body: self.0.into_body().into_data_stream(),
            text: String::new(),
        }
    }
}

/// A stream that is held.
pub(crate) struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    /// The next event as it was written, `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = event.to_owned();
                self.text = rest.to_owned();
                return Some(event);
            }
            let piece = timeout(PATIENCE, self.body.next())
                .await
                .expect("silence")?;
            self.text
                .push_str(std::str::from_utf8(&piece.ok()?).unwrap());
        }
    }

    /// The next event that is no comment.
    pub(crate) async fn event(&mut self) -> Option<String> {
        let event = async {
            loop {
                let event = self.next().await?;
                if event != ":" {
                    return Some(event);
                }
            }
        };
        timeout(PATIENCE, event)
            .await
            .expect("nothing but comments")
    }

    /// The next message, and the id of its event.
    pub(crate) async fn message(&mut self) -> (Option<String>, Value) {
        let event = self.event().await.expect("the stream has ended");
        let field = |name: &str| {
            let mut lines = event.lines();
            lines
                .find_map(|line| line.strip_prefix(name))
                .map(str::to_owned)
        };
        let data = field("data: ").unwrap_or_else(|| panic!("no message: {event}"));
        (field("id: "), serde_json::from_str(&data).unwrap())
    }
}
