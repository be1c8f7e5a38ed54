//! An MCP server in this process that keeps every request that it gets and behaves as a [`Script`] says.

mod answer;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::runtime;
use crate::script::Script;
use crate::sessions::MARK;
use crate::wait::until;

/// The largest body that it reads.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
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
    received: Mutex<Vec<Received>>,
    sessions: Mutex<HashSet<String>>,
    next_session: AtomicU64,
    /// Questions to clients by session and id; ids are equal when value and type are.
    asked: Mutex<HashMap<(String, Value), oneshot::Sender<Bytes>>>,
    /// Calls that hang now.
    hanging: AtomicUsize,
}

impl Upstream {
    /// Starts a server.
    pub async fn start(script: Script) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), script).await
    }

    /// Starts a server at an address that is known before.
    pub async fn start_at(address: SocketAddr, script: Script) -> Self {
        let server = Arc::new(Server {
            script,
            received: Mutex::default(),
            sessions: Mutex::default(),
            next_session: AtomicU64::new(1),
            asked: Mutex::default(),
            hanging: AtomicUsize::new(0),
        });
        let app = Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&server));
        let (address, task) = runtime::spawn(async move {
            let listener = TcpListener::bind(address).await.expect("a free port");
            let address = listener.local_addr().unwrap();
            let task = tokio::spawn(async move { axum::serve(listener, app).await });
            (address, task.abort_handle())
        })
        .await
        .unwrap();
        Self {
            address,
            server,
            task,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
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

    /// The number of calls that hang now.
    pub fn hanging(&self) -> usize {
        self.server.hanging.load(Ordering::SeqCst)
    }

    /// Waits until this many calls hang.
    pub async fn until_hanging(&self, count: usize) {
        let what = format!("{count} calls hang in the upstream");
        until(&what, Duration::from_secs(30), || async {
            (self.hanging() == count).then_some(())
        })
        .await;
    }

    /// Stops listening and breaks every connection.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, LARGEST_BODY).await {
        Ok(body) => body,
        Err(_) => return status(StatusCode::PAYLOAD_TOO_LARGE),
    };
    let received = Received {
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: head.headers,
        body,
    };
    server.received.lock().unwrap().push(received.clone());
    server.answer(received).await
}

impl Server {
    async fn answer(self: Arc<Self>, request: Received) -> Response {
        if let Some(wanted) = &self.script.authorization
            && request.header("authorization") != Some(wanted)
        {
            return status(StatusCode::UNAUTHORIZED);
        }
        if request.rpc_method() == "initialize" {
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
            _ => status(StatusCode::METHOD_NOT_ALLOWED),
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
