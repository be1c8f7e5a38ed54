//! An MCP server in this process that keeps every request that it gets and behaves as a [`Script`] says.

mod answer;
pub mod stateless;

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Version};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use crate::port::Port;
use crate::runtime;
use crate::script::{Discover, Eras, Script, Tool};
use crate::sessions::MARK;
use crate::wait::until;

/// The largest body that it reads.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct Upstream {
    port: Arc<Port>,
    server: Arc<Server>,
    task: AbortHandle,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// All of them.
    pub headers: HeaderMap,
    /// The whole body, as sent.
    pub body: Bytes,
    /// What came after the body.
    pub trailers: HeaderMap,
    /// Of the connection that it came over.
    pub version: Version,
}

impl Received {
    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The first value of a header, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The JSON-RPC method, where there is one.
    pub fn rpc_method(&self) -> String {
        member(&self.body, "method")
            .and_then(|raw| serde_json::from_str(&raw).ok())
            .unwrap_or_default()
    }
}

#[derive(Debug)]
struct Server {
    script: Script,
    /// Tools that it lists in the stateless revision after those of the script.
    more_tools: Mutex<Vec<Tool>>,
    received: Mutex<Vec<Received>>,
    sessions: Mutex<HashSet<String>>,
    next_session: AtomicU64,
    /// Questions to clients by session and id; ids are equal when value and type are.
    asked: Mutex<HashMap<(String, Value), oneshot::Sender<Bytes>>>,
    /// The marks of calls that hang now.
    hanging: Mutex<Vec<String>>,
    /// Whether every request hangs.
    deaf: AtomicBool,
    /// Milliseconds before an `initialize` is answered.
    opening_ms: AtomicU64,
}

impl Upstream {
    /// Starts a server.
    pub async fn start(script: Script) -> Self {
        Self::start_at(Arc::new(Port::hold()), script).await
    }

    /// Starts a server at a port that is held, such as that of one that has ended.
    pub async fn start_at(port: Arc<Port>, script: Script) -> Self {
        let server = Arc::new(Server {
            script,
            more_tools: Mutex::default(),
            received: Mutex::default(),
            sessions: Mutex::default(),
            next_session: AtomicU64::new(1),
            asked: Mutex::default(),
            hanging: Mutex::default(),
            deaf: AtomicBool::new(false),
            opening_ms: AtomicU64::new(0),
        });
        let listener = until("the port is free", Duration::from_secs(10), || async {
            TcpListener::bind(port.address()).await.ok()
        })
        .await;
        let task = runtime::spawn(accept(listener, Arc::clone(&server))).abort_handle();
        Self { port, server, task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Its port, to keep it for one that comes after.
    pub fn port(&self) -> Arc<Port> {
        Arc::clone(&self.port)
    }

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        self.server.received.lock().unwrap().clone()
    }

    /// The requests so far that carry a client's mark, see [`crate::sessions::Client::mark`].
    pub fn received_from(&self, mark: &str) -> Vec<Received> {
        self.received()
            .into_iter()
            .filter(|request| request.header(MARK) == Some(mark))
            .collect()
    }

    /// The only `tools/call` that carries a client's mark.
    pub fn call_from(&self, mark: &str) -> Received {
        let mut calls = self.received_from(mark);
        calls.retain(|request| request.rpc_method() == "tools/call");
        assert_eq!(calls.len(), 1, "one call from {mark}: {calls:?}");
        calls.remove(0)
    }

    /// Sessions that are open now.
    pub fn sessions(&self) -> HashSet<String> {
        self.server.sessions.lock().unwrap().clone()
    }

    /// Forgets every session, as a restart does.
    pub fn forget_sessions(&self) {
        self.server.sessions.lock().unwrap().clear();
    }

    /// Lists one more tool in the stateless revision from now on.
    pub fn list_more(&self, tool: Tool) {
        self.server.more_tools.lock().unwrap().push(tool);
    }

    /// Makes every request from now on hang, or none.
    pub fn set_deaf(&self, deaf: bool) {
        self.server.deaf.store(deaf, Ordering::SeqCst);
    }

    /// Makes every `initialize` from now on take so long.
    pub fn set_opening_time(&self, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).expect("a short time");
        self.server.opening_ms.store(milliseconds, Ordering::SeqCst);
    }

    /// The number of calls that hang now.
    pub fn hanging(&self) -> usize {
        self.server.hanging.lock().unwrap().len()
    }

    /// Waits until this many calls hang.
    pub async fn until_hanging(&self, count: usize) {
        let what = format!("{count} calls hang in the upstream");
        until(&what, Duration::from_secs(30), || async {
            (self.hanging() == count).then_some(())
        })
        .await;
    }

    /// Waits until this many calls that carry a client's mark hang.
    pub async fn until_hanging_from(&self, mark: &str, count: usize) {
        let what = format!("{count} calls of {mark} hang in the upstream");
        until(&what, Duration::from_secs(30), || async {
            let hanging = self.server.hanging.lock().unwrap();
            (hanging.iter().filter(|call| *call == mark).count() == count).then_some(())
        })
        .await;
    }

    /// Stops listening, breaks every connection, and waits until that is done.
    pub async fn end(&self) {
        self.task.abort();
        until(
            "nobody is served any more",
            Duration::from_secs(10),
            || async { (Arc::strong_count(&self.server) == 1).then_some(()) },
        )
        .await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves until it is aborted, which breaks every connection, too.
async fn accept(listener: TcpListener, server: Arc<Server>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                let server = Arc::clone(&server);
                connections.spawn(async move {
                    let answer = service_fn(move |request| {
                        let server = Arc::clone(&server);
                        async move { Ok::<_, Infallible>(serve(server, request).await) }
                    });
                    auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(server: Arc<Server>, request: http::Request<Incoming>) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return status(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let received = Received {
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: head.headers,
        trailers: body.trailers().cloned().unwrap_or_default(),
        version: head.version,
        body: body.to_bytes(),
    };
    server.received.lock().unwrap().push(received.clone());
    server.answer(received).await
}

impl Server {
    async fn answer(self: Arc<Self>, request: Received) -> Response {
        if self.deaf.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        if let Some(wanted) = &self.script.authorization
            && request.header("authorization") != Some(wanted)
        {
            return status(StatusCode::UNAUTHORIZED);
        }
        let is_stateless = match self.script.eras {
            Eras::Sessions => false,
            Eras::Both => stateless::is_of_the_era(&request),
            Eras::Stateless => true,
        };
        if is_stateless {
            return self.answer_stateless(request).await;
        }
        if request.rpc_method() == "initialize" {
            let milliseconds = self.opening_ms.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            return self.initialize(&request);
        }
        let session = request
            .header("mcp-session-id")
            .unwrap_or_default()
            .to_owned();
        if self.script.sessions && session.is_empty() {
            return status(StatusCode::BAD_REQUEST);
        }
        if self.script.sessions && !self.sessions.lock().unwrap().contains(&session) {
            return self.lost_session(&request);
        }
        match request.method.as_str() {
            "POST" => self.post(request, session).await,
            "DELETE" if self.script.sessions => {
                self.sessions.lock().unwrap().remove(&session);
                status(StatusCode::NO_CONTENT)
            }
            method => match &self.script.feed {
                Some(feed) if method == "GET" => answer::said(None, feed),
                _ => status(StatusCode::METHOD_NOT_ALLOWED),
            },
        }
    }

    async fn post(self: Arc<Self>, request: Received, session: String) -> Response {
        let id = member(&request.body, "id");
        match (request.rpc_method().as_str(), id) {
            ("", Some(id)) => self.take_answer(&session, &id, request.body),
            (_, None) => status(StatusCode::ACCEPTED),
            ("tools/call", Some(id)) => self.call(&request, id, session).await,
            ("tools/list", Some(id)) => {
                let tools: Vec<_> = self
                    .script
                    .tools
                    .iter()
                    .map(|tool| tool.definition.clone())
                    .collect();
                self.page(&request, &id, "tools", &tools)
            }
            ("prompts/list", Some(id)) => self.page(&request, &id, "prompts", &self.script.prompts),
            ("resources/list", Some(id)) => {
                self.page(&request, &id, "resources", &self.script.resources)
            }
            ("resources/templates/list", Some(id)) => self.page(
                &request,
                &id,
                "resourceTemplates",
                &self.script.resource_templates,
            ),
            ("server/discover", Some(_)) if self.script.discover == Discover::Hangs => {
                std::future::pending().await
            }
            ("ping", Some(id)) => self.result(&id, "{}"),
            (_, Some(id)) => {
                let params = member(&request.body, "params").unwrap_or_else(|| "null".to_owned());
                self.result(&id, &format!(r#"{{"echo":{params}}}"#))
            }
        }
    }

    /// A client's answer to a question.
    fn take_answer(&self, session: &str, id: &str, body: Bytes) -> Response {
        let id = serde_json::from_str(id).unwrap();
        match self.asked.lock().unwrap().remove(&(session.to_owned(), id)) {
            Some(question) => {
                let _ = question.send(body);
                if self.script.talks_back {
                    return answer::talk_back();
                }
                status(StatusCode::ACCEPTED)
            }
            None => status(StatusCode::BAD_REQUEST),
        }
    }
}

/// A member of a JSON object in the bytes in which it stands there.
pub fn member(object: &[u8], name: &str) -> Option<String> {
    let members: HashMap<String, &RawValue> = serde_json::from_slice(object).ok()?;
    members.get(name).map(|value| value.get().to_owned())
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
