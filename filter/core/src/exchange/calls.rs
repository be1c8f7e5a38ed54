//! Calls to servers beside the stream: what they look like, and their tokens.

use std::borrow::Cow;

use super::route::Route;
use super::upstream_headers::message_headers;
use crate::slots::UpstreamSession;
use crate::step::{CallToken, HttpCall};
use crate::table::Server;

/// Calls that wait to be taken by the adapter.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    waiting: Vec<HttpCall>,
    next: u32,
}

/// What distinguishes one side call from another.
#[derive(Clone, Debug)]
pub(crate) struct SideCall<'a> {
    /// `POST` or `DELETE`.
    pub(crate) verb: &'static str,
    /// The session at the server.
    pub(crate) session: Option<&'a UpstreamSession>,
    /// Of the request that it is made for: what the server's policies set, the caller's credential among it, and its
    /// trace.
    pub(crate) route: &'a Route,
    /// May be empty.
    pub(crate) body: Vec<u8>,
    /// Bound in milliseconds.
    pub(crate) timeout_ms: u64,
}

impl Calls {
    /// Drains what is waiting.
    pub(crate) fn take(&mut self) -> Vec<HttpCall> {
        std::mem::take(&mut self.waiting)
    }

    /// A call whose outcome is wanted.
    pub(crate) fn send(&mut self, server: &Server, call: SideCall<'_>) -> CallToken {
        let token = CallToken(self.next);
        self.next = self.next.wrapping_add(1);
        self.waiting.push(http_call(Some(token), server, call));
        token
    }

    /// A call that nobody waits for and that outlives the exchange.
    pub(crate) fn detach(&mut self, server: &Server, call: SideCall<'_>) {
        self.waiting.push(http_call(None, server, call));
    }
}

fn http_call(token: Option<CallToken>, server: &Server, call: SideCall<'_>) -> HttpCall {
    let mut headers: Vec<(Cow<'static, str>, Vec<u8>)> = vec![
        (Cow::Borrowed(":method"), call.verb.as_bytes().to_vec()),
        (
            Cow::Borrowed(":path"),
            server.upstream.path.as_bytes().to_vec(),
        ),
        (
            Cow::Borrowed(":authority"),
            server.upstream.authority.as_bytes().to_vec(),
        ),
    ];
    headers.extend(message_headers(server, call.session));
    let Route {
        trace_headers,
        policy_headers,
        ..
    } = call.route;
    let is_set = |name: &str| policy_headers.iter().any(|(set, _)| set == name);
    let trace = trace_headers.iter().filter(|(name, _)| !is_set(name));
    headers.extend(trace.chain(policy_headers).cloned());
    HttpCall {
        token,
        cluster: server.upstream.cluster.clone(),
        headers,
        body: call.body,
        timeout_ms: call.timeout_ms,
    }
}
