//! The HTTP client that reaches servers **through the gateway**, on the way that calls take.
//!
//! Every request goes to one fixed address, names the host of a route, and carries a signature by which the filter
//! recognises control and lets it ask for internal hosts. A server's credential travels in a header of its own, which
//! the filter moves to `Authorization`: in `Authorization` it would meet the gateway's own token check.

mod credential;
mod probe;
mod reply;
mod signer;

pub use credential::{Credential, InvalidCredential};
pub use probe::NotLive;
pub use reply::{MAX_BODY_BYTES, ReadError, Reply};
pub use signer::Signer;

use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use mcp_filter_core::control_signature::{CONTROL_HEADER, CREDENTIAL_HEADER};

use crate::cause::root_cause;
use crate::tls::plain_client;

/// A client bound to one gateway. Each request has a connection of its own.
#[derive(Clone)]
pub struct GatewayClient {
    http: reqwest::Client,
    address: Arc<str>,
    signer: Arc<Signer>,
}

impl std::fmt::Debug for GatewayClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayClient")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// One request to a host behind the gateway.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// HTTP method.
    pub method: Method,
    /// The route's hostname, sent as `Host`.
    pub host: &'a str,
    /// Absolute path, with its query if there is one.
    pub path: &'a str,
    /// Sent beside those that this client sets.
    pub headers: HeaderMap,
    /// Sent as [`CREDENTIAL_HEADER`].
    pub credential: Option<&'a Credential>,
    /// Body; empty for none.
    pub body: Vec<u8>,
}

/// Why a request got no response head. The fault is not the upstream server's: for that one the gateway answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The credential cannot stand in a header.
    #[error(transparent)]
    Credential(#[from] InvalidCredential),
    /// The operating system gives no random bytes for the signature.
    #[error("no random bytes from the operating system: {0}")]
    Random(String),
    /// Host, path or a header cannot be sent.
    #[error(
        "the request to {0} cannot be written: check the hostname of the route and the path of the registration"
    )]
    Unwritable(String),
    /// No connection, or one that ended before the response head.
    #[error("the gateway at {address} does not answer: {cause}")]
    Gateway {
        /// Where the gateway should be.
        address: String,
        /// What the HTTP library saw.
        cause: String,
    },
}

impl GatewayClient {
    /// A client for the gateway at `address` (`127.0.0.1:8001`, `mcp-gateway.gateway-system:8080`).
    ///
    /// # Errors
    /// When the HTTP library refuses its settings.
    pub fn new(address: impl Into<Arc<str>>, signer: Signer) -> Result<Self, reqwest::Error> {
        let http = plain_client()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // Where a listener's filters have changed, a connection of before has the configuration of before, until
            // Envoy has drained it.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("mcp-control/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            address: address.into(),
            signer: Arc::new(signer),
        })
    }

    /// Where the gateway is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends one request and waits for the response head, without a time limit of its own.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, call: Call<'_>) -> Result<Reply, SendError> {
        let request = self.signed(call)?;
        let response = self
            .http
            .execute(request)
            .await
            .map_err(|error| self.unreachable(&error))?;
        Ok(Reply::new(response))
    }

    fn signed(&self, call: Call<'_>) -> Result<reqwest::Request, SendError> {
        let unwritable = || SendError::Unwritable(format!("{}{}", call.host, call.path));
        let credential = call.credential.map(Credential::header).transpose()?;
        let request = Request::builder()
            .method(&call.method)
            .uri(format!("http://{}{}", self.address, call.path))
            .body(call.body)
            .map_err(|_| unwritable())?;
        let mut request = reqwest::Request::try_from(request).map_err(|_| unwritable())?;
        let path = match request.url().query() {
            None => request.url().path().to_owned(),
            Some(query) => format!("{}?{query}", request.url().path()),
        };
        let secret = credential.as_ref().map(HeaderValue::as_bytes);
        let signature = self.signer.sign(&call.method, call.host, &path, secret)?;
        let headers = request.headers_mut();
        *headers = call.headers;
        headers.insert(
            HOST,
            HeaderValue::from_str(call.host).map_err(|_| unwritable())?,
        );
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(
            HeaderName::from_static(CONTROL_HEADER),
            HeaderValue::from_str(&signature).map_err(|_| unwritable())?,
        );
        if let Some(credential) = credential {
            headers.insert(HeaderName::from_static(CREDENTIAL_HEADER), credential);
        }
        Ok(request)
    }

    fn unreachable(&self, error: &reqwest::Error) -> SendError {
        SendError::Gateway {
            address: self.address.to_string(),
            cause: root_cause(error),
        }
    }
}
