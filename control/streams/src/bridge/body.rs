//! A call as the client has sent it, and as it goes on in another era: what it is about stays byte for byte.

use serde_json::value::RawValue;

use super::members::{Members, ObjectWriter};
use super::message::{self, Message};

/// What a stateless request says of itself in `_meta`; in a session the handshake has said it.
///
/// MCP 2026-07-28, basic, Per-request protocol fields.
const OF_STATELESS_REQUESTS: [&str; 4] = [
    "io.modelcontextprotocol/protocolVersion",
    CLIENT_CAPABILITIES,
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/logLevel",
];
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// What a retry adds to its call (MCP 2026-07-28, basic/patterns/mrtr).
const OF_RETRIES: [&str; 2] = ["inputResponses", "requestState"];

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    /// As the client wrote it.
    pub(crate) id: &'a RawValue,
    /// `tools/call`, `prompts/get` or `resources/read`.
    pub(crate) method: String,
    params: Members<'a>,
    meta: Members<'a>,
}

impl<'a> Call<'a> {
    /// Reads the client's body; `None` where it is no request with parameters.
    pub(crate) fn parse(body: &'a [u8]) -> Option<Self> {
        let Some(Message::Request {
            id,
            method,
            params: Some(params),
        }) = Message::parse(body)
        else {
            return None;
        };
        let params = Members::of(params)?;
        let meta = params.get("_meta").and_then(Members::of);
        Some(Self {
            id,
            method: method.into_owned(),
            meta: meta.unwrap_or_default(),
            params,
        })
    }

    /// The name or the URI of what is asked for.
    pub(crate) fn name(&self) -> String {
        let name = self.params.text("name");
        name.or_else(|| self.params.text("uri")).unwrap_or_default()
    }

    /// What a stateless client declares of itself: an object.
    pub(crate) fn client_capabilities(&self) -> &'a str {
        self.meta
            .get(CLIENT_CAPABILITIES)
            .map_or("{}", RawValue::get)
    }

    /// Under which token it wants to hear of progress.
    pub(crate) fn progress_token(&self) -> Option<&'a str> {
        self.meta.get("progressToken").map(RawValue::get)
    }

    /// What a retry hands back.
    pub(crate) fn request_state(&self) -> Option<&'a RawValue> {
        self.params.get("requestState")
    }

    /// What a retry answers; nothing where it answers nothing, or what is no object.
    pub(crate) fn input_responses(&self) -> Members<'a> {
        let responses = self.params.get("inputResponses").and_then(Members::of);
        responses.unwrap_or_default()
    }

    /// The call for a session of the server: nothing that only a stateless one says.
    pub(crate) fn in_session(&self, id: &str) -> String {
        let mut params = ObjectWriter::default();
        for (name, value) in self.plain_params() {
            params = match name {
                "_meta" => self.with_session_meta(params, value),
                _ => params.member(name, value.get()),
            };
        }
        message::request(id, &self.method, Some(&params.end()))
    }

    /// The call once more, with the answers (an object) and the state for which the server has asked.
    pub(crate) fn again(&self, id: &str, responses: &str, state: Option<&str>) -> String {
        let mut params = ObjectWriter::default();
        for (name, value) in self.plain_params() {
            params = params.member(name, value.get());
        }
        params = params.member("inputResponses", responses);
        if let Some(state) = state {
            params = params.member("requestState", state);
        }
        message::request(id, &self.method, Some(&params.end()))
    }

    fn plain_params(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        let params = self.params.iter();
        params.filter(|(name, _)| !OF_RETRIES.contains(name))
    }

    fn with_session_meta(&self, params: ObjectWriter, meta: &RawValue) -> ObjectWriter {
        if !meta.get().starts_with('{') {
            return params.member("_meta", meta.get());
        }
        let kept = (self.meta.iter()).filter(|(name, _)| !OF_STATELESS_REQUESTS.contains(name));
        let mut written = ObjectWriter::default();
        let mut is_empty = true;
        for (name, value) in kept {
            written = written.member(name, value.get());
            is_empty = false;
        }
        if is_empty {
            params
        } else {
            params.member("_meta", &written.end())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":{"n":1.0, "b":"\u0041"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},"progressToken":"p","io.modelcontextprotocol/clientInfo":{"name":"c"},"io.modelcontextprotocol/logLevel":"info","x/y":1},"inputResponses":{"k":{"action":"accept"}},"requestState":"s"}}"#;

    #[test]
    fn a_call_in_a_session_loses_what_only_stateless_requests_say() {
        let call = Call::parse(BODY.as_bytes()).unwrap();
        assert_eq!(
            call.in_session("\"n\""),
            r#"{"jsonrpc":"2.0","id":"n","method":"tools/call","params":{"name":"a","arguments":{"n":1.0, "b":"\u0041"},"_meta":{"progressToken":"p","x/y":1}}}"#
        );
        assert_eq!(call.client_capabilities(), r#"{"elicitation":{}}"#);
        assert_eq!(call.progress_token(), Some("\"p\""));
    }

    #[test]
    fn nothing_is_left_of_a_meta_with_nothing_else() {
        let body = r#"{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}},"uri":"a:b"}}"#;
        let call = Call::parse(body.as_bytes()).unwrap();
        assert_eq!(
            call.in_session("7"),
            r#"{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":"a:b"}}"#
        );
        assert_eq!(call.name(), "a:b");
    }

    #[test]
    fn a_retry_carries_answers_and_state_and_everything_else_as_it_was() {
        let body = r#"{"method":"tools/call","jsonrpc":"2.0","id":"x","params":{"_meta":{"progressToken":1},"arguments":{"n":1.0},"name":"a"}}"#;
        let call = Call::parse(body.as_bytes()).unwrap();
        assert_eq!(
            call.again("\"c.1\"", r#"{"k":{"action":"accept"}}"#, Some("\"s\"")),
            r#"{"jsonrpc":"2.0","id":"c.1","method":"tools/call","params":{"_meta":{"progressToken":1},"arguments":{"n":1.0},"name":"a","inputResponses":{"k":{"action":"accept"}},"requestState":"s"}}"#
        );
        assert!(!call.again("1", "{}", None).contains("requestState"));
    }

    #[test]
    fn what_a_retry_says_is_read() {
        let call = Call::parse(BODY.as_bytes()).unwrap();
        assert_eq!(call.request_state().map(RawValue::get), Some("\"s\""));
        let responses = call.input_responses();
        assert_eq!(responses.get("k").unwrap().get(), r#"{"action":"accept"}"#);
    }
}
