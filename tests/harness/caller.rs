//! HTTP requests over a connection of their own, HTTP/1.1 or HTTP/2 with prior knowledge.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::message::{Reply, first, take_block, take_event};
use crate::runtime;
use crate::wait::within;

/// No response takes longer to begin, or to go on.
const SILENCE: Duration = Duration::from_secs(60);

type Body = BoxBody<Bytes, Infallible>;

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1
    Http1,
    /// HTTP/2 without TLS.
    Http2,
}

/// Both of them.
pub const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method.
    pub method: String,
    /// `Host`, or `:authority`.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// In order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// May be empty.
    pub body: Vec<u8>,
    /// Sent after the body.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Bytes of the body in each piece (of HTTP/2, a DATA frame); all at once where 0.
    pub piece: usize,
}

impl Request {
    /// A POST of one MCP message to `/mcp`, with the headers that the transport asks for.
    pub fn post(body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST".to_owned(),
            host: "localhost".to_owned(),
            path: "/mcp".to_owned(),
            headers: vec![
                ("content-type".to_owned(), b"application/json".to_vec()),
                (
                    "accept".to_owned(),
                    b"application/json, text/event-stream".to_vec(),
                ),
            ],
            body: body.into(),
            trailers: Vec::new(),
            piece: 0,
        }
    }

    /// A request of another method, without body.
    pub fn bare(method: &str) -> Self {
        Self {
            method: method.to_owned(),
            headers: Vec::new(),
            ..Self::post("")
        }
    }

    /// With one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(candidate, _)| !candidate.eq_ignore_ascii_case(name));
        self
    }

    /// With a trailer.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With its body in pieces.
    #[must_use]
    pub fn in_pieces_of(mut self, bytes: usize) -> Self {
        self.piece = bytes;
        self
    }

    /// To another host.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// To another path.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Sends it and waits for the response's head.
    pub async fn open(&self, address: SocketAddr, protocol: Protocol) -> Open {
        let what = format!("the head of a response over {protocol:?}");
        within(&what, SILENCE, self.try_open(address, protocol))
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it and waits for the whole response.
    pub async fn send(&self, address: SocketAddr, protocol: Protocol) -> Reply {
        self.open(address, protocol).await.rest().await
    }

    /// As [`Request::open`], for requests that may fail: a connection refused, or closed without a response.
    pub async fn try_open(&self, address: SocketAddr, protocol: Protocol) -> Result<Open, String> {
        let tcp = TcpStream::connect(address)
            .await
            .map_err(|error| error.to_string())?;
        let io = TokioIo::new(tcp);
        let body = self.streamed();
        let response = match protocol {
            Protocol::Http1 => {
                let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
                    .await
                    .map_err(|error| error.to_string())?;
                runtime::spawn(connection);
                sender.send_request(self.built(protocol, body)).await
            }
            Protocol::Http2 => {
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                        .await
                        .map_err(|error| error.to_string())?;
                runtime::spawn(connection);
                sender.send_request(self.built(protocol, body)).await
            }
        };
        response
            .map(Open::new)
            .map_err(|error| format!("{error:?}"))
    }

    fn built(&self, protocol: Protocol, body: Body) -> http::Request<Body> {
        let request = http::Request::builder().method(self.method.as_str());
        let mut request = match protocol {
            Protocol::Http1 => request.uri(&self.path).header("host", &self.host),
            Protocol::Http2 => request.uri(format!("http://{}{}", self.host, self.path)),
        };
        for (name, value) in &self.headers {
            request = request.header(
                name,
                http::HeaderValue::from_bytes(value).expect("a header value"),
            );
        }
        request.body(body).expect("a request")
    }

    fn streamed(&self) -> Body {
        if self.piece == 0 && self.trailers.is_empty() {
            return Full::new(Bytes::from(self.body.clone())).boxed();
        }
        let size = if self.piece == 0 {
            self.body.len().max(1)
        } else {
            self.piece
        };
        let mut frames: Vec<_> = self
            .body
            .chunks(size)
            .map(|piece| Frame::data(Bytes::copy_from_slice(piece)))
            .collect();
        if !self.trailers.is_empty() {
            let pairs = self.trailers.iter().map(|(name, value)| {
                (
                    name.parse().expect("a header name"),
                    http::HeaderValue::from_bytes(value).expect("a header value"),
                )
            });
            frames.push(Frame::trailers(pairs.collect::<http::HeaderMap>()));
        }
        StreamBody::new(futures::stream::iter(frames.into_iter().map(Ok))).boxed()
    }
}

/// A response whose head has come. Dropping it closes the stream.
#[derive(Debug)]
pub struct Open {
    /// Status.
    pub status: u16,
    /// In order.
    pub headers: Vec<(String, Vec<u8>)>,
    body: Incoming,
    unread: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
}

impl Open {
    fn new(response: http::Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: pairs(&head.headers),
            body,
            unread: Vec::new(),
            trailers: Vec::new(),
        }
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The next message of an event stream; `None` when the stream has ended.
    pub async fn event(&mut self) -> Option<Value> {
        loop {
            match take_event(&mut self.unread) {
                Some(Some(data)) => {
                    return Some(serde_json::from_slice(&data).expect("an event with JSON"));
                }
                Some(None) => {}
                None => {
                    let piece = within("the next event", SILENCE, self.piece()).await?;
                    self.unread.extend(piece.expect("a stream that is not cut"));
                }
            }
        }
    }

    /// The next event of an event stream or comment in it, as it stands there without its end; `None` when the stream has
    /// ended.
    pub async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(block) = take_block(&mut self.unread) {
                return Some(block);
            }
            let piece = within("the next event or comment", SILENCE, self.piece()).await?;
            self.unread.extend(piece.expect("a stream that is not cut"));
        }
    }

    /// The response with the whole rest of its body.
    pub async fn rest(mut self) -> Reply {
        let mut body = std::mem::take(&mut self.unread);
        let mut complete = true;
        while let Some(piece) = within("the rest of a body", SILENCE, self.piece()).await {
            match piece {
                Ok(bytes) => body.extend(bytes),
                Err(_) => complete = false,
            }
            if !complete {
                break;
            }
        }
        Reply {
            status: self.status,
            headers: self.headers,
            body,
            trailers: self.trailers,
            complete,
        }
    }

    async fn piece(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        loop {
            match self.body.frame().await? {
                Ok(frame) => match frame.into_data() {
                    Ok(data) => return Some(Ok(data)),
                    Err(frame) => self
                        .trailers
                        .extend(frame.trailers_ref().map(pairs).unwrap_or_default()),
                },
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn pairs(headers: &http::HeaderMap) -> Vec<(String, Vec<u8>)> {
    let pairs = headers.iter();
    pairs
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect()
}
