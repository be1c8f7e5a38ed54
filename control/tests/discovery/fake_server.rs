//! An MCP server on loopback that does whatever a test says, and remembers what it was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, StatusCode};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// GET, POST or DELETE.
    pub(crate) http: String,
    pub(crate) headers: HeaderMap,
    /// Null where there is no body.
    pub(crate) message: Value,
}

impl Asked {
    /// The JSON-RPC method; for anything else the HTTP method.
    pub(crate) fn what(&self) -> &str {
        let response = if self.message["id"].is_null() {
            &self.http
        } else {
            "response"
        };
        self.message["method"].as_str().unwrap_or(response)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// A response to this request with `result`, as JSON text.
    pub(crate) fn result(&self, result: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#,
            self.message["id"]
        )
    }

    /// A JSON-RPC error as response to this request.
    pub(crate) fn error(&self, error: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":{},"error":{error}}}"#,
            self.message["id"]
        )
    }
}

/// What a server does with a request.
pub(crate) enum Reply {
    /// 200 with `application/json`.
    Json(String),
    /// As `Json`, with `Mcp-Session-Id`.
    Session(&'static str, String),
    /// An event stream that ends.
    Events(String),
    /// An event stream that stays open.
    OpenEvents(String),
    /// An event stream that stays open, with another piece at each notification.
    EventsOn(Arc<Notify>, &'static str),
    /// As `EventsOn`, after this piece.
    EventsThen(String, Arc<Notify>, String),
    /// As `OpenEvents`, and counted while it is open.
    CountedEvents(String, Arc<AtomicUsize>),
    /// Status, media type (none where empty), body.
    Status(u16, &'static str, String),
    /// A head and some bytes, then the connection breaks.
    Cut(&'static str, String),
    /// Never.
    Hang,
}

/// Stops serving when it is dropped; responses under way go on.
pub(crate) struct FakeServer {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeServer {
    /// Serves on a free port.
    pub(crate) async fn start(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (memory, reply) = (Arc::clone(&asked), Arc::new(reply));
        let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
            let (memory, reply) = (Arc::clone(&memory), Arc::clone(&reply));
            async move {
                let asked = read(request).await;
                memory.lock().unwrap().push(asked.clone());
                respond(reply(&asked)).await
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            address,
            asked,
            task,
        }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The methods of everything that was asked, in order.
    pub(crate) fn order(&self) -> Vec<String> {
        self.asked()
            .iter()
            .map(|asked| asked.what().to_owned())
            .collect()
    }

    /// Waits until something was asked `times` times.
    pub(crate) async fn wait_for(&self, what: &str, times: usize) {
        let seen = || self.order().iter().filter(|asked| *asked == what).count();
        let waited = tokio::time::timeout(Duration::from_secs(60), async {
            while seen() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(
            waited.await.is_ok(),
            "{what} not {times} times in {:?}",
            self.order()
        );
    }
}

async fn read(request: axum::extract::Request) -> Asked {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Asked {
        http: head.method.to_string(),
        headers: head.headers,
        message: if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        },
    }
}

async fn respond(reply: Reply) -> Response<Body> {
    let json = "application/json";
    let events = "text/event-stream";
    match reply {
        Reply::Json(body) => response(200, json, body.into()),
        Reply::Session(id, body) => {
            let mut response = response(200, json, body.into());
            response
                .headers_mut()
                .insert("mcp-session-id", id.parse().unwrap());
            response
        }
        Reply::Events(body) => response(200, events, body.into()),
        Reply::OpenEvents(body) => response(200, events, open(first(body))),
        Reply::EventsOn(news, piece) => response(200, events, open(on(news, piece.into()))),
        Reply::EventsThen(body, news, piece) => {
            response(200, events, open(first(body).chain(on(news, piece.into()))))
        }
        Reply::CountedEvents(body, count) => {
            let counted = Counted::new(count);
            let pieces = first(body).chain(stream::pending());
            let pieces = pieces.map(move |piece| {
                let _held = &counted;
                piece
            });
            response(200, events, open(pieces))
        }
        Reply::Status(status, media_type, body) => response(status, media_type, body.into()),
        Reply::Cut(media_type, body) => {
            let broken = stream::once(async {
                // The server writes what it has while the body has nothing more to give.
                tokio::task::yield_now().await;
                Err(std::io::Error::other("cut"))
            });
            response(
                200,
                media_type,
                Body::from_stream(first(body).map(Ok).chain(broken)),
            )
        }
        Reply::Hang => std::future::pending().await,
    }
}

/// A piece at each notification.
fn on(news: Arc<Notify>, piece: Bytes) -> impl futures::Stream<Item = Bytes> + Send + 'static {
    stream::unfold((news, piece), |(news, piece)| async move {
        news.notified().await;
        Some((piece.clone(), (news, piece)))
    })
}

/// Counts itself.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn first(body: String) -> impl futures::Stream<Item = Bytes> + Send + 'static {
    stream::once(async { Bytes::from(body) })
}

fn open(pieces: impl futures::Stream<Item = Bytes> + Send + 'static) -> Body {
    Body::from_stream(pieces.chain(stream::pending()).map(Ok::<_, Infallible>))
}

fn response(status: u16, media_type: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if !media_type.is_empty() {
        response
            .headers_mut()
            .insert("content-type", media_type.parse().unwrap());
    }
    response
}
