//! An exchange that follows a script, so that each step can be tried against a host without MCP.
//!
//! The script is JSON in the request header `x-script`; without one the request passes. Members, each a step:
//! `head`, `piece`, `end` (held request), `rest`, `rest_end` (released request body), `response`, `response_piece`,
//! `response_end`, `tick` (with `after_ms`), and `done` (a call). With `whoami` a decided request tells in `x-identity`
//! who has sent it, and with `claims` in `x-claims` what the sender's token says at these paths, in their order. `told`
//! makes it count as one for the first server of the table: `tool` names its tool, `outcome` how it has ended; `unknown`
//! says that it names what nobody has. A step is `"hold"`, `"pass"`, `"forward"`, `"upper"`, `"reset"`, or an object
//! with one of `release`, `continue`, `respond`, `settle`, `call` (`then` and `failed` say what follows; `settle` beside
//! it, what becomes of the body).

use std::borrow::Cow;
use std::rc::Rc;

use mcp_filter_core::claims::Claims;
use mcp_filter_core::exchange::{CallStep, Outcome, Subject, Told};
use mcp_filter_core::identity::Identity;
use mcp_filter_core::rejection::Rejection;
use mcp_filter_core::{
    BodyEdit, BodyStep, CallOutcome, CallToken, Context, HeaderEdit, Headers, HttpCall,
    LocalResponse, Release, RequestStep, ResponseBody, ResponseHeadStep, ResponseSource, Table,
    TickStep,
};
use serde_json::Value;

/// The entry points of the core's exchange, and nothing else in common.
#[derive(Debug)]
pub(crate) struct Exchange {
    script: Value,
    /// What was fed and not yet let go.
    held: Vec<u8>,
    identity: Option<Identity>,
    claims: Option<String>,
    pieces: usize,
    fed: usize,
    calls: Vec<HttpCall>,
    /// What each call leads to, by its token.
    follow_ups: Vec<Value>,
    in_response: bool,
    /// A call's end is waited for.
    waiting: bool,
    /// The body is settled meanwhile.
    settled: bool,
    started_ms: u64,
    table: Rc<Table>,
}

impl Exchange {
    pub(crate) fn new(table: Rc<Table>) -> Self {
        Self {
            script: Value::Null,
            held: Vec::new(),
            identity: None,
            claims: None,
            pieces: 0,
            fed: 0,
            calls: Vec::new(),
            follow_ups: Vec::new(),
            in_response: false,
            waiting: false,
            settled: false,
            started_ms: 0,
            table,
        }
    }

    pub(crate) fn on_request_headers(
        &mut self,
        headers: Headers,
        end_of_stream: bool,
        context: &mut Context<'_>,
    ) -> RequestStep {
        self.started_ms = context.now_ms;
        if let Some(script) = headers.first("x-script") {
            self.script = serde_json::from_slice(script).unwrap_or_default();
        }
        match self.step("head") {
            Value::Null if self.script.is_null() => RequestStep::Pass,
            Value::Null if end_of_stream => self.request_step(&self.step("end")),
            Value::Null => RequestStep::Hold,
            step => self.request_step(&step),
        }
    }

    pub(crate) fn on_held_body(
        &mut self,
        piece: Vec<u8>,
        end_of_stream: bool,
        context: &mut Context<'_>,
    ) -> RequestStep {
        self.feed(&piece);
        if self.waiting && self.settled {
            return RequestStep::Settle(BodyEdit::Keep);
        }
        if self.waiting {
            return RequestStep::Hold;
        }
        if self.script.get("whoami").is_some() {
            self.identity = Some((context.claims)(self.table.claim_paths()).identity());
        }
        if let Ok(paths) = serde_json::from_value::<Vec<Vec<String>>>(self.step("claims")) {
            self.claims = Some(told(&(context.claims)(&paths), &paths));
        }
        let step = if end_of_stream {
            self.step("end")
        } else {
            self.step("piece")
        };
        match step {
            Value::Null if end_of_stream => self.request_step(&serde_json::json!({"release": {}})),
            Value::Null => RequestStep::Hold,
            step => self.request_step(&step),
        }
    }

    pub(crate) fn on_released_body(&mut self, piece: Vec<u8>, end_of_stream: bool) -> BodyStep {
        self.feed(&piece);
        let step = if end_of_stream { "rest_end" } else { "rest" };
        self.body_step(&self.step(step))
    }

    pub(crate) fn on_response_headers(
        &mut self,
        headers: Headers,
        _end_of_stream: bool,
        source: ResponseSource<'_>,
        _context: &mut Context<'_>,
    ) -> ResponseHeadStep {
        self.in_response = true;
        self.held.clear();
        let (from_upstream, details) = match source {
            ResponseSource::Upstream => (true, String::new()),
            ResponseSource::Envoy(details) => {
                (false, String::from_utf8_lossy(details).into_owned())
            }
        };
        let mut edits = vec![
            set("x-from-upstream", from_upstream.to_string()),
            set("x-details", details),
        ];
        if let Some(status) = headers.first(":status") {
            edits.push(HeaderEdit::Set("x-status-seen".into(), status.to_vec()));
        }
        match self.response_step(&self.step("response")) {
            ResponseHeadStep::Continue(more, body) => {
                edits.extend(more);
                ResponseHeadStep::Continue(edits, body)
            }
            step => step,
        }
    }

    pub(crate) fn on_stray_response(
        &mut self,
        _end_of_stream: bool,
        _from_upstream: bool,
        rejection: &Rejection,
    ) -> ResponseHeadStep {
        ResponseHeadStep::Respond(rejection.response(None))
    }

    pub(crate) fn on_response_body(&mut self, piece: Vec<u8>, end_of_stream: bool) -> BodyStep {
        self.feed(&piece);
        let step = if end_of_stream {
            "response_end"
        } else {
            "response_piece"
        };
        self.body_step(&self.step(step))
    }

    pub(crate) fn on_call(
        &mut self,
        token: CallToken,
        outcome: CallOutcome,
        _context: &mut Context<'_>,
    ) -> CallStep {
        self.waiting = false;
        let call = self
            .follow_ups
            .get(token.0 as usize)
            .cloned()
            .unwrap_or_default();
        let step = match outcome {
            CallOutcome::Answered { headers, body } if headers.contains(":status") => {
                let status = headers
                    .first(":status")
                    .map(<[u8]>::to_vec)
                    .unwrap_or_default();
                log::info!(
                    "call answered {} {}",
                    String::from_utf8_lossy(&status),
                    body.len()
                );
                call.get("then").cloned().unwrap_or_default()
            }
            CallOutcome::Answered { .. } | CallOutcome::Failed => call
                .get("failed")
                .cloned()
                .unwrap_or(serde_json::json!({"respond": {"status": 502}})),
        };
        if self.in_response {
            CallStep::Response(self.response_step(&step))
        } else {
            CallStep::Request(self.request_step(&step))
        }
    }

    pub(crate) fn wants_ticks(&self) -> bool {
        !self.step("tick").is_null()
    }

    pub(crate) fn on_tick(&mut self, context: &mut Context<'_>) -> TickStep {
        let tick = self.step("tick");
        let after = tick
            .get("after_ms")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        if context.now_ms < self.started_ms + after {
            return TickStep::Wait;
        }
        match tick.get("respond") {
            Some(response) => TickStep::Respond(local_response(response)),
            None => TickStep::Reset,
        }
    }

    pub(crate) fn on_done(&mut self) {
        let done = self.step("done");
        if !done.is_null() {
            self.call(&done);
            if let Some(call) = self.calls.last_mut() {
                call.token = None;
            }
        }
    }

    pub(crate) fn told(&self) -> Told {
        let told = self.step("told");
        let text = |name: &str| told.get(name).and_then(Value::as_str);
        let mut servers = self.table.servers().filter(|_| !told.is_null());
        let tool = text("tool").and_then(|name| self.table.tool(name));
        Told {
            method: text("tool").map(|_| "tools/call"),
            subject: servers.next().map(|(server, _)| Subject {
                server,
                tool: tool.map(|tool| tool.index),
            }),
            outcome: Outcome::ALL
                .into_iter()
                .find(|outcome| text("outcome") == Some(outcome.as_str())),
            names_unknown: flag(&told, "unknown"),
        }
    }

    pub(crate) fn take_calls(&mut self) -> Vec<HttpCall> {
        std::mem::take(&mut self.calls)
    }

    fn step(&self, name: &str) -> Value {
        self.script.get(name).cloned().unwrap_or_default()
    }

    fn feed(&mut self, piece: &[u8]) {
        self.pieces += 1;
        self.fed += piece.len();
        self.held.extend_from_slice(piece);
    }

    fn call(&mut self, call: &Value) {
        self.waiting = true;
        let token = u32::try_from(self.follow_ups.len()).unwrap_or_default();
        let text = |name: &str, default: &str| {
            call.get(name)
                .and_then(Value::as_str)
                .unwrap_or(default)
                .to_owned()
        };
        self.calls.push(HttpCall {
            token: Some(CallToken(token)),
            cluster: text("cluster", "side"),
            headers: vec![
                (":method".into(), b"POST".to_vec()),
                (":path".into(), text("path", "/call").into_bytes()),
                (":authority".into(), b"side".to_vec()),
            ],
            body: text("body", "").into_bytes(),
            timeout_ms: call
                .get("timeout_ms")
                .and_then(Value::as_u64)
                .unwrap_or(5000),
        });
        self.follow_ups.push(call.clone());
    }

    fn request_step(&mut self, step: &Value) -> RequestStep {
        if let Some(release) = step.get("release") {
            return RequestStep::Release(self.release(release));
        }
        if let Some(response) = step.get("respond") {
            return RequestStep::Respond(local_response(response));
        }
        if let Some(call) = step.get("call") {
            self.call(call);
            self.settled = step.get("settle").is_some();
            return match step.get("settle") {
                Some(settle) => RequestStep::Settle(self.body_edit(settle.as_str())),
                None => RequestStep::Hold,
            };
        }
        if let Some(settle) = step.get("settle") {
            return RequestStep::Settle(self.body_edit(settle.as_str()));
        }
        match step.as_str() {
            Some("pass") => RequestStep::Pass,
            Some("hold") => RequestStep::Hold,
            _ => RequestStep::Release(self.release(&Value::Null)),
        }
    }

    fn release(&mut self, release: &Value) -> Release {
        let mut headers = edits(release);
        headers.push(set("x-fed", format!("{}/{}", self.pieces, self.fed)));
        if let Some(identity) = self.identity {
            headers.push(set("x-identity", format!("{:?}", identity.as_bytes())));
        }
        if let Some(claims) = &self.claims {
            headers.push(set("x-claims", claims.clone()));
        }
        let body = self.body_edit(release.get("body").and_then(Value::as_str));
        Release {
            headers,
            body,
            inspect_rest: flag(release, "inspect"),
        }
    }

    fn body_edit(&mut self, edit: Option<&str>) -> BodyEdit {
        let held = std::mem::take(&mut self.held);
        match edit {
            None | Some("keep") => BodyEdit::Keep,
            Some("upper") => BodyEdit::Replace(Rc::new(held.to_ascii_uppercase())),
            Some(text) => BodyEdit::Replace(Rc::new(text.as_bytes().to_vec())),
        }
    }

    fn response_step(&mut self, step: &Value) -> ResponseHeadStep {
        if let Some(response) = step.get("respond") {
            return ResponseHeadStep::Respond(local_response(response));
        }
        if let Some(call) = step.get("call") {
            self.call(call);
            return ResponseHeadStep::Hold;
        }
        if step.as_str() == Some("hold") {
            return ResponseHeadStep::Hold;
        }
        if let Some(release) = step.get("weigh") {
            return ResponseHeadStep::Weigh(edits(release));
        }
        let release = step.get("continue").cloned().unwrap_or_default();
        let body = if flag(&release, "inspect") {
            ResponseBody::Inspect
        } else {
            ResponseBody::Ignore
        };
        ResponseHeadStep::Continue(edits(&release), body)
    }

    fn body_step(&mut self, step: &Value) -> BodyStep {
        if let Some(response) = step.get("respond") {
            return BodyStep::Respond(local_response(response));
        }
        if step.as_str() == Some("hold") {
            return BodyStep::Hold;
        }
        let held = std::mem::take(&mut self.held);
        match step.as_str() {
            Some("upper") => BodyStep::Replace(held.to_ascii_uppercase()),
            Some("twice") => BodyStep::Replace([held.clone(), held].concat()),
            Some("empty") => BodyStep::Replace(Vec::new()),
            Some("reset") => BodyStep::Reset,
            _ => BodyStep::Forward,
        }
    }
}

/// For each path whether there is something, and what it is as a text or that a list has the item `admin`.
fn told(claims: &Claims, paths: &[Vec<String>]) -> String {
    let tell = |path: &Vec<String>| match (claims.has(path), claims.header_value(path)) {
        (Err(_), _) => "unreadable".to_owned(),
        (Ok(false), _) => "absent".to_owned(),
        (Ok(true), Ok(text)) => format!("text {text}"),
        (Ok(true), Err(_)) if claims.has_item(path, "admin") == Ok(true) => "admin".to_owned(),
        (Ok(true), Err(_)) => "other".to_owned(),
    };
    paths.iter().map(tell).collect::<Vec<_>>().join(", ")
}

fn set(name: &'static str, value: String) -> HeaderEdit {
    HeaderEdit::Set(Cow::Borrowed(name), value.into_bytes())
}

fn flag(step: &Value, name: &str) -> bool {
    step.get(name).and_then(Value::as_bool).unwrap_or_default()
}

fn edits(step: &Value) -> Vec<HeaderEdit> {
    let pairs = step
        .get("set")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let added = step.get("add").and_then(Value::as_object);
    let added = added.into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().unwrap_or_default();
        HeaderEdit::Add(name.clone().into(), value.as_bytes().to_vec())
    });
    let names = step
        .get("remove")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    pairs
        .map(|(name, value)| {
            HeaderEdit::Set(
                name.clone().into(),
                value.as_str().unwrap_or_default().as_bytes().to_vec(),
            )
        })
        .chain(added)
        .chain(names.filter_map(|name| Some(HeaderEdit::Remove(name.as_str()?.to_owned().into()))))
        .collect()
}

fn local_response(response: &Value) -> LocalResponse {
    let status = response
        .get("status")
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok());
    let body = response
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    LocalResponse {
        status: status.unwrap_or(200),
        headers: vec![("content-type".into(), b"application/json".to_vec())],
        body: body.as_bytes().to_vec(),
        reason: "scripted",
    }
}
