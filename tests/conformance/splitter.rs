//! Stands before one of several equal servers and shows only a share of what it offers: of tools, prompts, resources
//! and templates those that are its own by name. What is another's it refuses. All else passes untouched, streams as
//! they come.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use harness::forward::forward;
use harness::runtime;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::shares::{Kind, Shares, named_by};

/// See the module. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Splitter {
    address: SocketAddr,
    record: Arc<Record>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Record {
    server: SocketAddr,
    shares: Arc<Shares>,
    own: usize,
    /// How many names the last list showed, and how many requests named one, by kind.
    shown: Mutex<BTreeMap<Kind, usize>>,
    served: Mutex<BTreeMap<Kind, usize>>,
    /// Names of others.
    refused: Mutex<Vec<String>>,
}

impl Splitter {
    /// Before `server`, which has the share with the number `own`.
    pub(crate) async fn start(server: SocketAddr, shares: &Arc<Shares>, own: usize) -> Self {
        let record = Arc::new(Record {
            server,
            shares: Arc::clone(shares),
            own,
            shown: Mutex::default(),
            served: Mutex::default(),
            refused: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = runtime::spawn(accept(listener, Arc::clone(&record))).abort_handle();
        Self {
            address,
            record,
            task,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What shows that merging was not exercised, or went wrong.
    pub(crate) fn faults(&self) -> Vec<String> {
        let Record {
            own,
            shown,
            served,
            refused,
            ..
        } = &*self.record;
        let (shown, served) = (shown.lock().unwrap(), served.lock().unwrap());
        let mut faults = Vec::new();
        for kind in [Kind::Prompt, Kind::Resource, Kind::Tool] {
            if shown.get(&kind).is_none_or(|&count| count == 0) {
                faults.push(format!("server {own} showed no {kind:?}"));
            }
        }
        if !served.contains_key(&Kind::Tool) {
            faults.push(format!("server {own} got no call of a tool"));
        }
        let refused = refused.lock().unwrap();
        let refused = refused.iter();
        faults.extend(refused.map(|name| format!("server {own} was asked for another's {name}")));
        faults
    }
}

impl Drop for Splitter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves until it is aborted, which breaks every connection, too.
async fn accept(listener: TcpListener, record: Arc<Record>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let record = Arc::clone(&record);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let record = Arc::clone(&record);
                async move {
                    Ok::<_, Infallible>(record.answer(request).await.unwrap_or_else(bad_gateway))
                }
            });
            let connection = auto::Builder::new(TokioExecutor::new());
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

type Failure = Box<dyn Error + Send + Sync>;

#[expect(clippy::needless_pass_by_value, reason = "takes what a result holds")]
fn bad_gateway(error: Failure) -> Response<Body> {
    let mut response = Response::new(Body::from(error.to_string()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

impl Record {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Failure> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        if let Some(refusal) = self.refuse(&message) {
            return Ok(refusal);
        }
        let host = head.headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).map(str::to_owned);
        let request = Request::from_parts(head, Full::new(body));
        let response = forward(request, self.server, host).await?;
        match Kind::listed_by(message["method"].as_str().unwrap_or_default()) {
            Some(kind) => self.split(response, kind).await,
            None => Ok(response.map(Body::new)),
        }
    }

    /// The answer to a request for what is another's. Counts what is not.
    fn refuse(&self, message: &Value) -> Option<Response<Body>> {
        let (kind, name) = named_by(message)?;
        let owner = self.shares.known_owner(kind, name);
        if owner.is_none_or(|owner| owner == self.own) {
            *self.served.lock().unwrap().entry(kind).or_default() += 1;
            return None;
        }
        self.refused.lock().unwrap().push(name.to_owned());
        let error = json!({"code": -32602, "message": format!("{name} is another server's")});
        let body = json!({"jsonrpc": "2.0", "id": message["id"], "error": error}).to_string();
        let mut response = Response::new(Body::from(body));
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Some(response)
    }

    /// A list without what is another's.
    async fn split(
        &self,
        response: Response<Incoming>,
        kind: Kind,
    ) -> Result<Response<Body>, Failure> {
        let (mut head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        head.headers.remove(header::CONTENT_LENGTH);
        let text = std::str::from_utf8(&body)?;
        let lines = text.split_inclusive('\n');
        let share: String = lines.map(|line| self.share(line, kind)).collect();
        Ok(Response::from_parts(head, Body::from(Bytes::from(share))))
    }

    /// A line of a body or of an event stream: a message with a list stands in one line.
    fn share(&self, line: &str, kind: Kind) -> String {
        let (field, message) = match line.strip_prefix("data:") {
            Some(message) => ("data: ", message),
            None => ("", line),
        };
        let share = self.share_of_list(message, kind);
        share.map_or_else(|| line.to_owned(), |share| format!("{field}{share}\n"))
    }

    /// The same message with fewer items; each of them is kept byte for byte.
    fn share_of_list(&self, message: &str, kind: Kind) -> Option<String> {
        type Members = BTreeMap<String, Box<RawValue>>;
        let (list, key) = kind.members();
        let mut message: Members = serde_json::from_str(message).ok()?;
        let mut result: Members = serde_json::from_str(message.get("result")?.get()).ok()?;
        let mut items: Vec<Box<RawValue>> = serde_json::from_str(result.get(list)?.get()).ok()?;
        let names = items.iter().map(|item| {
            let item: Value = serde_json::from_str(item.get()).unwrap();
            item[key].as_str().expect("a name").to_owned()
        });
        let names: Vec<String> = names.collect();
        self.shares
            .list(kind, names.iter().map(String::as_str), self.own);
        let mut names = names.iter();
        items.retain(|_| {
            let name = names.next().expect("a name for each");
            self.shares.known_owner(kind, name) == Some(self.own)
        });
        self.shown.lock().unwrap().insert(kind, items.len());
        result.insert(list.to_owned(), to_raw_value(&items).ok()?);
        message.insert("result".to_owned(), to_raw_value(&result).ok()?);
        serde_json::to_string(&message).ok()
    }
}
