//! TLS before a server that speaks none: requests go on to it one by one, as they are.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode, Version, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::authority::Identity;
use crate::forward::forward;
use crate::runtime;

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct Terminator {
    address: SocketAddr,
    record: Arc<Record>,
    task: AbortHandle,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Terminated {
    /// The host that the client has named in the handshake of TLS.
    pub server_name: Option<String>,
    /// Of the connection.
    pub version: Version,
    /// Where it is for, by its own word.
    pub authority: Option<String>,
    /// All of them.
    pub headers: HeaderMap,
}

impl Terminated {
    /// Its credential.
    pub fn authorization(&self) -> Option<&str> {
        self.headers.get(header::AUTHORIZATION)?.to_str().ok()
    }
}

#[derive(Debug, Default)]
struct Record {
    requests: Mutex<Vec<Terminated>>,
    /// While it is set, requests wait here.
    held: watch::Sender<bool>,
    connections: Gauge,
    in_flight: Gauge,
}

/// How many there are, and how many there were at most.
#[derive(Debug, Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Which of the gauges of a [`Record`] counts.
type Which = fn(&Record) -> &Gauge;

/// One of those that a gauge counts, as long as this lives.
struct Counted(Arc<Record>, Which);

impl Counted {
    fn new(record: &Arc<Record>, which: Which) -> Self {
        let gauge = which(record);
        let now = gauge.now.fetch_add(1, Ordering::Relaxed) + 1;
        gauge.most.fetch_max(now, Ordering::Relaxed);
        Self(Arc::clone(record), which)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Self(record, which) = self;
        which(record).now.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Terminator {
    /// Starts one before `server`, with this certificate. It speaks HTTP/2 and HTTP/1.1.
    pub async fn start(server: SocketAddr, identity: &Identity) -> Self {
        let acceptor = TlsAcceptor::from(identity.server(&["h2", "http/1.1"]));
        let record = Arc::new(Record::default());
        let own = Arc::clone(&record);
        let started = runtime::spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("an address");
            let task = tokio::spawn(accept(listener, acceptor, server, own));
            (address, task.abort_handle())
        });
        let (address, task) = started.await.expect("a listener");
        Self {
            address,
            record,
            task,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Terminated> {
        self.record.requests.lock().unwrap().clone()
    }

    /// Sends no request on until [`Terminator::release`].
    pub fn hold(&self) {
        self.record.held.send_replace(true);
    }

    /// Sends all requests on that have waited.
    pub fn release(&self) {
        self.record.held.send_replace(false);
    }

    /// How many connections were open at once, at most.
    pub fn most_connections(&self) -> usize {
        self.record.connections.most.load(Ordering::Relaxed)
    }

    /// How many requests were open at once, at most, since this was asked for last.
    pub fn most_in_flight(&self) -> usize {
        self.record.in_flight.most.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Terminator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    server: SocketAddr,
    record: Arc<Record>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, record) = (acceptor.clone(), Arc::clone(&record));
        connections.spawn(async move {
            let _counted = Counted::new(&record, |record| &record.connections);
            // A client that does not trust the certificate ends here.
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let name = stream.get_ref().1.server_name().map(str::to_owned);
            let service = service_fn(move |request| {
                let (record, name) = (Arc::clone(&record), name.clone());
                async move { Ok::<_, Infallible>(answer(request, server, record, name).await) }
            });
            let connection = auto::Builder::new(TokioExecutor::new());
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    server: SocketAddr,
    record: Arc<Record>,
    server_name: Option<String>,
) -> Response<Body> {
    let counted = Counted::new(&record, |record| &record.in_flight);
    let named = request.headers().get(header::HOST);
    let named = named.and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(ToString::to_string);
    let terminated = Terminated {
        server_name,
        version: request.version(),
        authority: authority.or(named.map(str::to_owned)),
        headers: request.headers().clone(),
    };
    record.requests.lock().unwrap().push(terminated.clone());
    let mut held = record.held.subscribe();
    // It ends with the record alone.
    let _ = held.wait_for(|held| !held).await;
    match forward(request, server, terminated.authority).await {
        Ok(response) => response.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _open = &counted;
                frame
            }))
        }),
        Err(_) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}
