//! A gateway with two servers, and a client that speaks to it one HTTP request at a time.

use std::rc::Rc;

use mcp_filter_config::PluginConfig;

use crate::catalog::{CatalogWriter, Definition, ListKind, Selected};
use crate::claims::Claims;
use crate::exchange::{CallStep, Exchange};
use crate::headers::tests as headers;
use crate::slots::MemorySlots;
use crate::step::*;
use crate::{Context, Headers, Table};

pub(super) const NOW_MS: u64 = 1_790_000_000_000;
pub(super) const TOOL: &str =
    r#"{"name":"get_me","inputSchema":{"type":"object","properties":{}},"x":1.0e5}"#;

/// Everything that outlives a request.
pub(super) struct Gateway {
    pub(super) table: Rc<Table>,
    pub(super) slots: MemorySlots,
    pub(super) now_ms: u64,
    /// What the token of who sends the requests says.
    pub(super) claims: Claims,
    /// How often that was asked for.
    pub(super) claims_asked: usize,
    random: u8,
}

impl Gateway {
    /// `github` without sessions behind a policy, `stateful` with sessions and without one. The virtual server
    /// `mcp-test/few` has a tool of the latter and no prompt.
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut PluginConfig)) -> Self {
        let mut config: PluginConfig =
            serde_json::from_str(include_str!("driver/config.json")).unwrap();
        let mut catalog = CatalogWriter::new();
        for (server, kind, prefix, definition) in [
            (0, ListKind::Tools, "github_", TOOL),
            (
                1,
                ListKind::Tools,
                "s_",
                r#"{"name":"echo","inputSchema":{}}"#,
            ),
            (1, ListKind::Prompts, "s_", r#"{"name":"greet"}"#),
            (
                1,
                ListKind::Resources,
                "s_",
                r#"{"uri":"file:///a","name":"a"}"#,
            ),
            (
                1,
                ListKind::ResourceTemplates,
                "s_",
                r#"{"uriTemplate":"item://{id}","name":"i"}"#,
            ),
        ] {
            catalog.push(server, Definition::parse(kind, prefix, definition).unwrap());
        }
        catalog.select(Selected {
            name: "mcp-test/few".to_owned(),
            tools: vec!["s_echo".to_owned()],
            prompts: Some(Vec::new()),
        });
        config.catalog = Some(catalog.finish());
        change(&mut config);
        Self {
            table: Rc::new(Table::compile(&config).unwrap()),
            slots: MemorySlots::default(),
            now_ms: NOW_MS,
            claims: Claims::NONE,
            claims_asked: 0,
            random: 0,
        }
    }

    /// Lends a context to `callback`.
    pub(super) fn lend<T>(&mut self, callback: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let counter = &mut self.random;
        let mut random = |bytes: &mut [u8]| {
            *counter = counter.wrapping_add(1);
            bytes.fill(*counter);
        };
        let (claims, asked) = (&self.claims, &mut self.claims_asked);
        callback(&mut Context {
            now_ms: self.now_ms,
            random: &mut random,
            claims: &mut |_| {
                *asked += 1;
                claims.clone()
            },
            slots: &mut self.slots,
        })
    }

    /// A request with a body that comes in one piece.
    pub(super) fn post(&mut self, headers: &[(&str, &str)], body: &str) -> (Exchange, RequestStep) {
        self.post_pieces(headers, &[body.as_bytes()])
    }

    /// A request with a body that comes in these pieces. A release shows all of the body that was fed, with its edit,
    /// whenever that was made.
    pub(super) fn post_pieces(
        &mut self,
        headers: &[(&str, &str)],
        pieces: &[&[u8]],
    ) -> (Exchange, RequestStep) {
        let mut exchange = Exchange::new(Rc::clone(&self.table));
        let head = request_headers("POST", headers);
        let mut step = self.lend(|context| exchange.on_request_headers(head, false, context));
        let mut edited: Option<Vec<u8>> = None;
        for (index, piece) in pieces.iter().enumerate() {
            if !holds(&step) {
                break;
            }
            let last = index + 1 == pieces.len();
            step = self.lend(|context| exchange.on_held_body(piece.to_vec(), last, context));
            match (&mut edited, &step) {
                (Some(edited), _) => edited.extend_from_slice(piece),
                (None, RequestStep::Settle(BodyEdit::Replace(body))) if !last => {
                    edited = Some(body.to_vec());
                }
                (None, _) => {}
            }
        }
        if let (RequestStep::Release(release), Some(edited)) = (&mut step, edited) {
            assert_eq!(release.body, BodyEdit::Keep);
            release.body = BodyEdit::Replace(Rc::new(edited));
        }
        (exchange, step)
    }

    /// The answer to a request that is answered here.
    pub(super) fn answer(&mut self, headers: &[(&str, &str)], body: &str) -> LocalResponse {
        match self.post(headers, body).1 {
            RequestStep::Respond(response) => response,
            other => panic!("not answered: {other:?}"),
        }
    }

    /// A session id, from `initialize`.
    pub(super) fn session(&mut self) -> String {
        let response = self.answer(&[], &initialize("2025-11-25", r#"{"elicitation":{}}"#));
        header(&response.headers, "mcp-session-id").expect("a session id")
    }

    /// The end of a call with an answer.
    pub(super) fn end_call(
        &mut self,
        exchange: &mut Exchange,
        call: &HttpCall,
        answer: CallOutcome,
    ) -> CallStep {
        let token = call.token.expect("a call that somebody waits for");
        self.lend(|context| exchange.on_call(token, answer, context))
    }

    /// Opens the session that `exchange` waits for and gives the release.
    pub(super) fn open(&mut self, exchange: &mut Exchange, id: &str) -> Release {
        let call = only(exchange.take_calls());
        let step = self.end_call(exchange, &call, initialized(id));
        assert_eq!(step, CallStep::Nothing);
        let call = only(exchange.take_calls());
        match self.end_call(exchange, &call, answered(202, &[], "")) {
            CallStep::Request(RequestStep::Release(release)) => release,
            other => panic!("not released: {other:?}"),
        }
    }

    /// Opens the session `new` that a repair waits for with this call, and gives the call that follows.
    pub(super) fn replay(&mut self, exchange: &mut Exchange, opening: &HttpCall) -> HttpCall {
        self.end_call(exchange, opening, initialized("new"));
        let ready = only(exchange.take_calls());
        self.end_call(exchange, &ready, answered(202, &[], ""));
        only(exchange.take_calls())
    }

    /// Response headers.
    pub(super) fn respond(
        &mut self,
        exchange: &mut Exchange,
        status: u16,
        headers: &[(&str, &str)],
    ) -> ResponseHeadStep {
        let head = response_headers(status, headers);
        self.lend(|context| {
            exchange.on_response_headers(head, false, ResponseSource::Upstream, context)
        })
    }

    /// A piece of the response body.
    pub(super) fn body(
        &mut self,
        exchange: &mut Exchange,
        piece: &str,
        end_of_stream: bool,
    ) -> BodyStep {
        exchange.on_response_body(piece.as_bytes().to_vec(), end_of_stream)
    }
}

pub(super) use crate::claims::tests::{claims, token};

pub(super) const JSON: (&str, &str) = ("content-type", "application/json");
pub(super) const EVENTS: (&str, &str) = ("content-type", "text/event-stream");
pub(super) const PAT: (&str, &str) = ("x-github-pat", "abc");

pub(super) fn initialize(version: &str, capabilities: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{capabilities},"clientInfo":{{"name":"c","version":"1"}}}}}}"#
    )
}

pub(super) fn call(tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{tool}","arguments":{{"n":1.0}}}}}}"#
    )
}

pub(super) fn request_headers(verb: &str, more: &[(&str, &str)]) -> Headers {
    let mut pairs = vec![
        (":method", verb),
        (":authority", "localhost:8001"),
        (":path", "/mcp"),
    ];
    pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    pairs.extend(more);
    headers::of(&pairs)
}

pub(super) fn response_headers(status: u16, more: &[(&str, &str)]) -> Headers {
    let status = status.to_string();
    let mut pairs = vec![(":status", status.as_str())];
    pairs.extend(more);
    headers::of(&pairs)
}

pub(super) fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> CallOutcome {
    CallOutcome::Answered {
        headers: response_headers(status, headers),
        body: body.as_bytes().to_vec(),
    }
}

pub(super) fn initialized(id: &str) -> CallOutcome {
    let body =
        r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{}}}"#;
    answered(200, &[JSON, ("mcp-session-id", id)], body)
}

pub(super) fn only(mut calls: Vec<HttpCall>) -> HttpCall {
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls.remove(0)
}

/// The one call ends this session at its server.
pub(super) fn ends(calls: Vec<HttpCall>, session: &str) {
    let call = only(calls);
    assert_eq!(call.token, None);
    assert_eq!(header(&call.headers, ":method").as_deref(), Some("DELETE"));
    let id = header(&call.headers, "mcp-session-id");
    assert_eq!(id.as_deref(), Some(session));
}

/// The body that will go on in place of the held one, once the session is open.
pub(super) fn settled(step: RequestStep) -> String {
    match step {
        RequestStep::Settle(BodyEdit::Replace(body)) => text(&body).to_owned(),
        other => panic!("not settled with an edit: {other:?}"),
    }
}

/// Whether the request is held on.
pub(super) fn holds(step: &RequestStep) -> bool {
    matches!(step, RequestStep::Hold | RequestStep::Settle(_))
}

pub(super) fn released(step: RequestStep) -> Release {
    match step {
        RequestStep::Release(release) => release,
        other => panic!("not released: {other:?}"),
    }
}

/// The value that `edits` set for `name`.
pub(super) fn set(edits: &[HeaderEdit], name: &str) -> Option<String> {
    edits.iter().find_map(|edit| match edit {
        HeaderEdit::Set(candidate, value) if candidate == name => {
            Some(String::from_utf8(value.clone()).unwrap())
        }
        _ => None,
    })
}

pub(super) fn removes(edits: &[HeaderEdit], name: &str) -> bool {
    edits
        .iter()
        .any(|edit| matches!(edit, HeaderEdit::Remove(candidate) if candidate == name))
}

pub(super) fn header<N: AsRef<str>>(headers: &[(N, Vec<u8>)], name: &str) -> Option<String> {
    let value = headers
        .iter()
        .find(|(candidate, _)| candidate.as_ref() == name)?;
    Some(String::from_utf8(value.1.clone()).unwrap())
}

pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The body that goes on instead of the held one.
pub(super) fn replaced(release: &Release) -> &str {
    match &release.body {
        BodyEdit::Replace(body) => text(body),
        BodyEdit::Keep => panic!("the body is kept"),
    }
}
