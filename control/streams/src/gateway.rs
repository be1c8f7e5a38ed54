//! The inner leg: the gateway, asked on a client's behalf.

mod check;
mod reply;
mod session;

pub(crate) use check::Checked;
pub(crate) use reply::Reply;
pub(crate) use session::NoSession;

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use http::header::{HeaderMap, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use mcp_filter_core::streams;

use crate::caller::Caller;
use crate::settings::Settings;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    http: Client<HttpConnector, Body>,
    address: Authority,
    most: usize,
}

/// What an inner request is for.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// To hear whether the lists have changed, and whether the client may still have its stream.
    Catalog,
    /// As the client's own.
    Call,
    /// The same, as one message of a batch, for which nobody answers what a server asks.
    Member,
    /// For one server, `namespace/name`.
    Server(HeaderValue),
}

/// The gateway did not answer. The fault is no server's: for that one the gateway answers.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the gateway does not answer: {0}")]
pub(crate) struct Unreachable(String);

/// How long the gateway has for what it answers by itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// After which silence a connection is asked for a sign of life: on a stream of a server nothing may be said for hours.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Between such questions. Without an answer to [`KEEP_ALIVE_TRIES`] the connection is gone.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TRIES: u32 = 3;

impl Purpose {
    fn header(&self) -> HeaderValue {
        match self {
            Self::Catalog => HeaderValue::from_static(streams::CATALOG),
            Self::Call => HeaderValue::from_static(streams::CALL),
            Self::Member => HeaderValue::from_static(streams::MEMBER),
            Self::Server(name) => {
                let text = [streams::SERVER.as_bytes(), name.as_bytes()].concat();
                // It was a header's value, and so is the rest.
                HeaderValue::from_bytes(&text)
                    .unwrap_or_else(|_| HeaderValue::from_static(streams::SERVER))
            }
        }
    }
}

impl Gateway {
    /// The gateway of these settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(PATIENCE));
        connector.set_nodelay(true);
        connector.set_keepalive(Some(KEEP_ALIVE));
        connector.set_keepalive_interval(Some(KEEP_ALIVE_INTERVAL));
        connector.set_keepalive_retries(Some(KEEP_ALIVE_TRIES));
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(PATIENCE)
            .build(connector);
        Self {
            http,
            address: settings.gateway.authority().clone(),
            most: settings.bounds.event,
        }
    }

    /// Asks for a stream or a document.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub(crate) async fn get(
        &self,
        caller: &Caller,
        purpose: &Purpose,
    ) -> Result<Reply, Unreachable> {
        let headers = caller.inner_headers(purpose.header());
        self.send(Method::GET, caller, (headers, Bytes::new()))
            .await
    }

    /// Sends a JSON-RPC message, with a ticket that is good for some time yet: the gateway refuses one that is not.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub(crate) async fn post(
        &self,
        caller: &Caller,
        purpose: &Purpose,
        body: Bytes,
    ) -> Result<Reply, Unreachable> {
        if caller.is_stale(Instant::now()) {
            // Whatever comes of it, the message is sent, and its own answer counts.
            if let Err(error) = self.check(caller).await {
                tracing::debug!(%error, "a ticket was not renewed");
            }
        }
        let headers = caller.inner_json_headers(purpose.header());
        self.send(Method::POST, caller, (headers, body)).await
    }

    async fn send(
        &self,
        method: Method,
        caller: &Caller,
        (headers, body): (HeaderMap, Bytes),
    ) -> Result<Reply, Unreachable> {
        let uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.address.clone())
            .path_and_query(caller.path().clone())
            .build();
        let uri = uri.map_err(|error| Unreachable(error.to_string()))?;
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let answered = self.http.request(request).await;
        answered
            .map(|response| Reply::new(response.map(Body::new), self.most))
            .map_err(|error| Unreachable(root_cause(&error)))
    }
}

/// The innermost cause: what the outer layers say is only that a request failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
