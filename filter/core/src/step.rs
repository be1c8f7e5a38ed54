//! Everything that an exchange may ask of the adapter, as data.
//!
//! Each entry point returns one step. Calls to upstream servers are collected beside it and drained by
//! `Exchange::take_calls` after every entry point.

use std::borrow::Cow;
use std::rc::Rc;

/// After request headers, a piece of the request body, request trailers, or a call's end while the request is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestStep {
    /// Not ours: headers and body go on unchanged and the exchange needs no further callback.
    Pass,
    /// Hold headers and body, and go on feeding the body.
    Hold,
    /// Hold headers and body on, and go on feeding the body; but what was held of the body will go on as this says, and
    /// what is still to come will not be changed, however long the hold lasts.
    Settle(BodyEdit),
    /// Let the headers go on, edited, and with them the body as far as it was held.
    Release(Release),
    /// Answer here. Nothing goes upstream.
    Respond(LocalResponse),
}

/// The end of a hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// Applied in order to the request headers.
    pub headers: Vec<HeaderEdit>,
    /// What becomes of the body that was held, where that was not settled before.
    pub body: BodyEdit,
    /// Whether `Exchange::on_request_body` wants what comes after this release.
    pub inspect_rest: bool,
}

/// What becomes of held body bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BodyEdit {
    /// They go on as they are.
    #[default]
    Keep,
    /// These go on in their place.
    Replace(Rc<Vec<u8>>),
}

/// One change to a header map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderEdit {
    /// The header has this one value, whatever it had before.
    Set(Cow<'static, str>, Vec<u8>),
    /// The header has this value more.
    Add(Cow<'static, str>, Vec<u8>),
    /// The header is gone, all values of it.
    Remove(Cow<'static, str>),
}

/// After a piece of a body that streams: request bodies after their release, and response bodies.
///
/// Held bytes stay in the host's buffer; the next step speaks of all that are held by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyStep {
    /// Keep what is held and what came, and feed more.
    Hold,
    /// All held bytes go on unchanged.
    Forward,
    /// These bytes go on in place of all held ones. May be empty.
    Replace(Vec<u8>),
    /// Cut the stream: something upstream must not be taken for complete.
    Reset,
    /// Answer here; only ever for requests of which no response has begun, and for responses whose headers are weighed.
    /// Where the host has let those go on after all, the body alone stands in the place of theirs.
    Respond(LocalResponse),
}

/// Who has written a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseSource<'a> {
    /// A server.
    Upstream,
    /// Envoy itself or one of its filters. With Envoy's word for why, its response code details, such as
    /// `rbac_access_denied_matched_policy[none]`.
    Envoy(&'a [u8]),
}

/// After response headers, or a call's end while the response headers are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseHeadStep {
    /// Let them go on, edited.
    Continue(Vec<HeaderEdit>, ResponseBody),
    /// Hold them until the body shows whether they may go on: each piece goes to `Exchange::on_response_body`, and with the
    /// first of it that goes on they do, edited so. A host that shows no body before the headers have gone on lets them go
    /// on at once.
    Weigh(Vec<HeaderEdit>),
    /// Hold them until a call has ended.
    Hold,
    /// Send this in place of the upstream's response.
    Respond(LocalResponse),
}

/// Whether the exchange wants to see a response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseBody {
    /// It passes without a look.
    Ignore,
    /// Each piece goes to `Exchange::on_response_body`.
    Inspect,
}

/// What a tick or the end of a call wants done with a stream that is in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TickStep {
    /// Nothing.
    Wait,
    /// Answer here: no response headers have come.
    Respond(LocalResponse),
    /// Cut it: a part of the response was passed on.
    Reset,
}

/// A response that the filter sends itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers without `:status`; `content-length` is the host's.
    pub headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// May be empty.
    pub body: Vec<u8>,
    /// Why, for the log. Never holds anything of the request.
    pub reason: &'static str,
}

/// A request to an upstream server beside the stream (Proxy-Wasm's `dispatch_http_call`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCall {
    /// Handed back with its outcome. `None`: nobody waits, and it outlives the exchange.
    pub token: Option<CallToken>,
    /// Envoy's cluster.
    pub cluster: String,
    /// With `:method`, `:path` and `:authority`.
    pub headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// May be empty.
    pub body: Vec<u8>,
    /// Bound on the whole of it, in milliseconds.
    pub timeout_ms: u64,
}

/// Names a call of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallToken(pub u32);

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// With a response, of whatever status.
    Answered {
        /// With `:status`.
        headers: crate::Headers,
        /// The whole of it.
        body: Vec<u8>,
    },
    /// Without: refused by the host, reset, or past its bound.
    Failed,
}
