//! What a client is told where a conversation came to nothing.

use super::members::{ObjectWriter, string};
use super::message;
use crate::events::StreamEnd;

/// JSON-RPC 2.0, section 5.1.
pub(crate) const INTERNAL_ERROR: i64 = -32603;
/// The same.
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;

/// The program ends before the call.
pub(crate) const ENDING: &str = "the gateway ends its conversations now; call again";

/// Why a server's stream has no answer.
pub(crate) fn text(end: StreamEnd) -> &'static str {
    match end {
        StreamEnd::Complete | StreamEnd::Cut => "the server ended its stream without an answer",
        StreamEnd::TooLarge => "a message of the server is larger than any that is passed on",
    }
}

/// The end of a call of `method` for which there was no input.
///
/// MCP 2025-11-25, server/tools, Error Handling: what a tool could not do is its result, which a model reads.
pub(crate) fn without_input(id: &str, method: &str, text: &str) -> String {
    if method != "tools/call" {
        return message::error(id, INTERNAL_ERROR, text);
    }
    let content = ObjectWriter::default()
        .member("type", "\"text\"")
        .member("text", &string(text));
    let result = ObjectWriter::default()
        .member("content", &format!("[{}]", content.end()))
        .member("isError", "true");
    message::result(id, &result.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_reads_why_its_tool_could_not_go_on() {
        assert_eq!(
            without_input("7", "tools/call", "a \"b\""),
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"a \"b\""}],"isError":true}}"#
        );
        assert_eq!(
            without_input("7", "prompts/get", "t"),
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"t"}}"#
        );
    }
}
