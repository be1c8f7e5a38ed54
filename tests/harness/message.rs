//! HTTP responses, and the JSON-RPC messages in them.

use serde_json::Value;

/// A response that has ended, one way or another.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Names in lower case, values as they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// As far as it came.
    pub body: Vec<u8>,
    /// What came after the body; in the form of the headers.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Whether HTTP says that the body is complete; a stream that was cut is not.
    pub complete: bool,
}

impl Reply {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_else(|_| panic!("a body in UTF-8: {self:?}"))
    }

    /// The bytes of the one JSON-RPC message that answers: the whole body, or the last event of a stream.
    pub fn message_bytes(&self) -> Vec<u8> {
        if self
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/event-stream"))
        {
            return events(&self.body)
                .pop()
                .unwrap_or_else(|| panic!("an event: {self:?}"));
        }
        self.body.clone()
    }

    /// The JSON-RPC message that answers.
    pub fn message(&self) -> Value {
        let bytes = self.message_bytes();
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{error} in {}", self.shown()))
    }

    /// The `result` of the message that answers.
    pub fn result(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.shown());
        self.message()
            .get("result")
            .unwrap_or_else(|| panic!("a result: {}", self.shown()))
            .clone()
    }

    /// Asserts an error of this status, code and id; `Value::Null` stands for no id member at all.
    pub fn assert_error(&self, status: u16, code: i64, id: &Value) {
        assert_eq!(self.status, status, "{}", self.shown());
        assert!(self.complete, "{}", self.shown());
        let message = self.message();
        assert_eq!(message["jsonrpc"], "2.0", "{}", self.shown());
        assert_eq!(message["error"]["code"], code, "{}", self.shown());
        assert!(message["error"]["message"].is_string(), "{}", self.shown());
        assert_eq!(
            message.get("id").unwrap_or(&Value::Null),
            id,
            "{}",
            self.shown()
        );
        assert!(
            !id.is_null() || message.get("id").is_none(),
            "an id of null: {}",
            self.shown()
        );
    }

    /// For messages of failing tests.
    pub fn shown(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let body: String = body.chars().take(2000).collect();
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
            .collect();
        format!(
            "{} {headers:?} complete={} {body}",
            self.status, self.complete
        )
    }
}

/// The first value of a header, where it is text.
pub fn first<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
        .and_then(|(_, value)| std::str::from_utf8(value).ok())
}

/// The data of each event with data in an event stream (HTML, Server-sent events), in order.
pub fn events(stream: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(stream).replace("\r\n", "\n");
    text.split("\n\n").filter_map(event_data).collect()
}

/// Takes the first whole event from `stream`, and tells its data, where it has any.
pub fn take_event(stream: &mut Vec<u8>) -> Option<Option<Vec<u8>>> {
    Some(event_data(&take_block(stream)?))
}

/// Takes the first whole event or comment from `stream`.
pub fn take_block(stream: &mut Vec<u8>) -> Option<String> {
    let at = stream.windows(2).position(|pair| pair == b"\n\n")?;
    let block: Vec<u8> = stream.drain(..at + 2).collect();
    let block = String::from_utf8_lossy(&block).replace("\r\n", "\n");
    Some(block.trim_end_matches('\n').to_owned())
}

fn event_data(event: &str) -> Option<Vec<u8>> {
    let data: Vec<&str> = event
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|data| data.strip_prefix(' ').unwrap_or(data))
        .collect();
    let data = data.join("\n");
    (!data.is_empty()).then(|| data.into_bytes())
}
