//! A test's grip on the fake host: what a client, an upstream and time can do to a stream, and what came of it.

use std::sync::Once;

use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::plugin;

#[wasm_bindgen(module = "env")]
extern "C" {
    /// One event, as JSON; its result, too.
    fn host(event: &str) -> String;
}

/// A configuration that every role accepts.
pub(super) fn configuration(role: &str) -> String {
    json!({"version": 1, "role": role, "generation": "00112233445566778899aabbccddeeff"})
        .to_string()
}

/// A release to the route `routed`, with what else `release` says.
pub(super) fn routed(mut release: Value) -> Value {
    release["set"] = json!({":authority": "routed", "x-secret": "swapped"});
    json!({ "release": release })
}

pub(super) fn respond(status: u16) -> Value {
    json!({"respond": {"status": status, "body": "answered"}})
}

/// A call with what its answer leads to, and what becomes of the body before that.
pub(super) fn settled_call(settle: &str, then: Value) -> Value {
    json!({"call": {"then": then}, "settle": settle})
}

/// A call with what its answer leads to.
pub(super) fn call(then: Value) -> Value {
    json!({"call": {"then": then}})
}

/// A host with nothing in it.
#[derive(Debug)]
pub(super) struct FakeHost;

impl FakeHost {
    pub(super) fn new() -> Self {
        static SET_UP: Once = Once::new();
        SET_UP.call_once(plugin::start);
        happen("reset", json!({}));
        Self
    }

    /// The module as the linker left it: without the step that follows in `scripts/build-filter`.
    pub(super) fn unlinked() -> Self {
        let host = Self::new();
        happen("unlink", json!({}));
        host
    }

    /// A plugin whose header callbacks may stop the headers alone.
    pub(super) fn hold_plugin(&self) -> u64 {
        let plugin = self.start(&configuration("hold"), true);
        assert!(plugin.1, "configuration refused");
        plugin.0
    }

    /// Both halves, as Istio sets them up.
    pub(super) fn pair_of_plugins(&self) -> (u64, u64) {
        let route = self.start(&configuration("route"), false);
        let gate = self.start(&configuration("gate"), false);
        assert!(route.1 && gate.1, "configuration refused");
        (route.0, gate.0)
    }

    /// The plugin's id, and whether it took the configuration.
    pub(super) fn start(&self, configuration: &str, headers_stop_alone: bool) -> (u64, bool) {
        let started = happen(
            "start",
            json!({"configuration": configuration, "headersStopAlone": headers_stop_alone}),
        );
        (
            started["plugin"].as_u64().unwrap(),
            started["configured"].as_bool().unwrap(),
        )
    }

    /// The host needs the plugin no more.
    pub(super) fn end(&self, plugin: u64) {
        happen("end", json!({"plugin": plugin}));
    }

    /// Whether a running plugin took another configuration.
    pub(super) fn configure(&self, plugin: u64, configuration: &str) -> bool {
        happen(
            "configure",
            json!({"plugin": plugin, "configuration": configuration}),
        ) == json!(true)
    }

    /// A stream through these plugins; `None` is a filter that holds the headers until `let_through`.
    pub(super) fn open(&self, chain: &[Option<u64>]) -> FakeStream {
        FakeStream {
            id: happen("open", json!({"chain": chain})).as_u64().unwrap(),
        }
    }

    /// Calls that were sent and have not ended.
    pub(super) fn open_calls(&self) -> Vec<Value> {
        let calls = happen("state", json!({}))["calls"].take();
        calls
            .as_array()
            .unwrap()
            .iter()
            .filter(|call| call["ended"] == false)
            .cloned()
            .collect()
    }

    /// Ends the only open call with a response.
    pub(super) fn answer_call(&self) {
        self.end_call(json!([[":status", "200"]]), "answer");
    }

    /// Ends the only open call without one.
    pub(super) fn fail_call(&self) {
        self.end_call(json!([]), "");
    }

    fn end_call(&self, headers: Value, body: &str) {
        let calls = self.open_calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        happen(
            "endCall",
            json!({"call": calls[0]["id"], "headers": headers, "body": body}),
        );
    }

    pub(super) fn tick(&self, plugin: u64, milliseconds: u64) {
        happen(
            "tick",
            json!({"plugin": plugin, "milliseconds": milliseconds}),
        );
    }

    pub(super) fn metric(&self, name: &str) -> u64 {
        self.find_metric(name).unwrap().as_u64().unwrap()
    }

    /// A number, or the values of a histogram; `None` where it was not defined.
    pub(super) fn find_metric(&self, name: &str) -> Option<Value> {
        let metrics = happen("state", json!({}))["metrics"].take();
        let named = format!("mcp_filter.{name}");
        let metric = metrics
            .as_array()
            .unwrap()
            .iter()
            .find(|metric| metric["name"] == named)?;
        Some(metric["value"].clone())
    }

    /// How many hostcalls were made so far, but for those that ask for random bytes.
    pub(super) fn hostcalls(&self) -> u64 {
        happen("state", json!({}))["hostcalls"].as_u64().unwrap()
    }

    /// What was logged at error level.
    pub(super) fn errors(&self) -> Vec<String> {
        let log = happen("state", json!({}))["log"].take();
        let errors = log.as_array().unwrap().iter().filter(|line| line[0] == 4);
        errors
            .map(|line| line[1].as_str().unwrap().to_owned())
            .collect()
    }
}

/// One stream of the fake host.
#[derive(Debug)]
pub(super) struct FakeStream {
    id: u64,
}

impl FakeStream {
    /// Request headers with a script; the body follows.
    pub(super) fn ask(&self, script: &Value) -> &Self {
        self.request_headers(&[("x-script", &script.to_string())], false)
    }

    /// Request headers with a script, and no body.
    pub(super) fn ask_without_body(&self, script: &Value) -> &Self {
        self.request_headers(&[("x-script", &script.to_string())], true)
    }

    pub(super) fn request_headers(&self, more: &[(&str, &str)], end: bool) -> &Self {
        let mut headers = vec![
            (":method", "POST"),
            (":path", "/mcp"),
            (":authority", "gateway"),
        ];
        headers.extend(more);
        happen(
            "requestHeaders",
            json!({"stream": self.id, "headers": headers, "end": end}),
        );
        self
    }

    /// A piece of the request body; more follows.
    pub(super) fn send(&self, bytes: &str) -> &Self {
        happen(
            "requestBody",
            json!({"stream": self.id, "bytes": bytes, "end": false}),
        );
        self
    }

    /// The last piece of the request body.
    pub(super) fn send_last(&self, bytes: &str) -> &Self {
        happen(
            "requestBody",
            json!({"stream": self.id, "bytes": bytes, "end": true}),
        );
        self
    }

    pub(super) fn send_trailers(&self) -> &Self {
        happen(
            "requestTrailers",
            json!({"stream": self.id, "trailers": [["x-trailer", "sent"]]}),
        );
        self
    }

    /// The client shows a token with these claims, which is verified.
    pub(super) fn shows_token(&self, claims: Value) -> &Self {
        happen("token", json!({"stream": self.id, "claims": claims}));
        self
    }

    /// Another filter has a state of this name.
    pub(super) fn has_filter_state_of_another(&self, name: &str) -> &Self {
        happen("own", json!({"stream": self.id, "name": name}));
        self
    }

    /// What holds the headers between the halves of a pair lets them go.
    pub(super) fn let_through(&self) -> &Self {
        happen("letThrough", json!({"stream": self.id}));
        self
    }

    /// Response headers of the upstream; the body follows.
    pub(super) fn upstream_answers(&self, status: u16) -> &Self {
        let headers = json!([[":status", status.to_string()], ["content-length", "3"]]);
        happen(
            "responseHeaders",
            json!({"stream": self.id, "headers": headers, "end": false}),
        );
        self
    }

    pub(super) fn upstream_sends(&self, bytes: &str) -> &Self {
        happen(
            "responseBody",
            json!({"stream": self.id, "bytes": bytes, "end": false}),
        );
        self
    }

    pub(super) fn upstream_sends_last(&self, bytes: &str) -> &Self {
        happen(
            "responseBody",
            json!({"stream": self.id, "bytes": bytes, "end": true}),
        );
        self
    }

    pub(super) fn upstream_sends_trailers(&self) -> &Self {
        happen(
            "responseTrailers",
            json!({"stream": self.id, "trailers": [["x-trailer", "sent"]]}),
        );
        self
    }

    /// A response of the host's own, such as 503 without an upstream.
    pub(super) fn host_answers(&self, status: u16) -> &Self {
        happen(
            "hostAnswers",
            json!({"stream": self.id, "status": status, "body": "of the host"}),
        );
        self
    }

    pub(super) fn client_leaves(&self) {
        happen("leave", json!({"stream": self.id}));
    }

    fn state(&self) -> Value {
        happen("stream", json!({"stream": self.id}))
    }

    /// The body that reached the upstream, if the whole request did.
    pub(super) fn upstream_got(&self) -> Option<String> {
        let upstream = self.state()["upstream"].take();
        (upstream["ended"] == true).then(|| upstream["body"].as_str().unwrap().to_owned())
    }

    /// The part of the body that reached the upstream so far.
    pub(super) fn upstream_has(&self) -> String {
        self.state()["upstream"]["body"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(super) fn upstream_header(&self, name: &str) -> Option<String> {
        header(&self.state()["upstream"]["headers"], name)
    }

    /// A trailer that reached the upstream.
    pub(super) fn upstream_trailer(&self, name: &str) -> Option<String> {
        header(&self.state()["upstream"]["trailers"], name)
    }

    pub(super) fn upstream_saw_nothing(&self) -> bool {
        self.state()["upstream"]["headers"].is_null()
    }

    /// Status and body that reached the client, if the whole response did.
    pub(super) fn client_got(&self) -> Option<(u16, String)> {
        let downstream = self.state()["downstream"].take();
        let status = header(&downstream["headers"], ":status")?.parse().unwrap();
        (downstream["ended"] == true)
            .then(|| (status, downstream["body"].as_str().unwrap().to_owned()))
    }

    /// A trailer that reached the client.
    pub(super) fn client_trailer(&self, name: &str) -> Option<String> {
        header(&self.state()["downstream"]["trailers"], name)
    }

    /// The part of the body that reached the client so far.
    pub(super) fn client_has(&self) -> String {
        self.state()["downstream"]["body"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(super) fn client_header(&self, name: &str) -> Option<String> {
        header(&self.state()["downstream"]["headers"], name)
    }

    /// Every value of a header that reached the client.
    pub(super) fn client_headers(&self, name: &str) -> Vec<String> {
        let headers = self.state()["downstream"]["headers"].take();
        let pairs = headers.as_array().unwrap().iter();
        pairs
            .filter(|pair| pair[0] == name)
            .map(|pair| pair[1].as_str().unwrap().to_owned())
            .collect()
    }

    /// What access logs find in Envoy's filter state.
    pub(super) fn filter_state(&self) -> Value {
        self.state()["filterState"].take()
    }

    pub(super) fn was_reset(&self) -> bool {
        self.state()["reset"] == true
    }
}

/// The last value of a header.
fn header(headers: &Value, name: &str) -> Option<String> {
    let pairs = headers.as_array()?;
    let pair = pairs.iter().rev().find(|pair| pair[0] == name)?;
    Some(pair[1].as_str().unwrap().to_owned())
}

fn happen(event: &str, mut parameters: Value) -> Value {
    parameters["event"] = json!(event);
    serde_json::from_str(&host(&parameters.to_string())).unwrap()
}
