//! JSON-RPC messages of an upstream server, looked at and edited while they pass.

mod passing;

use super::{Capture, Field, InvalidJson, Scanner, ValueKind, number, text};

pub(crate) use self::passing::PassingMessage;

/// What a message is (JSON-RPC 2.0, sections 4 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// `method` and `id`
    Request,
    /// `method` without `id`
    Notification,
    /// `result` or `error`
    Response,
}

/// A message that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: MessageKind,
    /// Of a request or a notification.
    pub method: Option<String>,
    /// `id` as the server wrote it; `None` also when it is an object or an array.
    pub id: Option<Vec<u8>>,
    /// Whether [`MessageRules::passes`] kept it from going on.
    pub dropped: bool,
    /// Whether it is a response in all that JSON-RPC 2.0, section 5, asks of one.
    pub is_sound_response: bool,
    /// Whether it is a response with a JSON-RPC error, or the result of a tool that says `isError`.
    pub tells_error: bool,
}

impl Message {
    /// Whether it is the response to the request with this raw id.
    pub fn answers(&self, id: &[u8]) -> bool {
        self.kind == MessageKind::Response && self.id.as_deref().is_some_and(|own| same_id(own, id))
    }
}

/// Whether two raw ids are the same: strings by the text that they spell, numbers by their value, for servers may write
/// them anew. `1` and `1.0` are one id, `1` and `"1"` are two.
pub fn same_id(left: &[u8], right: &[u8]) -> bool {
    left == right || id_value(left) == id_value(right)
}

/// What is equal for two raw ids, and only then, when they are the same by [`same_id`].
pub fn id_value(id: &[u8]) -> Vec<u8> {
    let (kind, value) = if let Some(text) = text::decode(id) {
        (b's', text.into_owned().into_bytes())
    } else if let Some(number) = number::normal(id) {
        (b'n', number)
    } else {
        (b'r', id.to_vec())
    };
    [&[kind], value.as_slice()].concat()
}

/// Whether a document that has ended is a response. JSON-RPC 2.0, section 5: `jsonrpc` is exactly "2.0", and there is
/// either a result or an error; both are objects (MCP 2025-11-25, basic, Messages).
pub(crate) fn is_response(scanner: &Scanner) -> bool {
    let has = |field| scanner.capture(field).is_some();
    may_be_response(scanner) && has(Field::JsonRpc) && (has(Field::Result) || has(Field::Error))
}

/// Whether a response that has ended tells of a failure: JSON-RPC's, or a tool's (MCP 2025-11-25, server/tools, Error
/// Handling).
pub(crate) fn tells_error(scanner: &Scanner) -> bool {
    const TRUE: u64 = "true".len() as u64;
    let is_true = |capture: Capture| {
        capture.kind == ValueKind::Boolean && capture.end.saturating_sub(capture.start) == TRUE
    };
    scanner.capture(Field::Error).is_some()
        || scanner.capture(Field::ResultIsError).is_some_and(is_true)
}

/// Whether [`is_response`] can still hold of a document, by what has come of it.
pub(crate) fn may_be_response(scanner: &Scanner) -> bool {
    let has = |field| scanner.key_end(field).is_some();
    let may_be_object = |field| {
        let capture = scanner.capture(field);
        capture.is_none_or(|capture| capture.kind == ValueKind::Object)
    };
    let is_other_version = scanner.capture(Field::JsonRpc).is_some()
        && scanner.text(Field::JsonRpc).as_deref() != Some("2.0");
    let is_refuted =
        is_other_version || has(Field::Method) || has(Field::Result) && has(Field::Error);
    !is_refuted
        && scanner.root().is_none_or(|root| root == ValueKind::Object)
        && may_be_object(Field::Result)
        && may_be_object(Field::Error)
}

/// A place where a message names a request or a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// `id`, of a request or a response.
    Id,
    /// `params.requestId`, of `notifications/cancelled`
    /// (MCP 2025-11-25, basic/utilities/cancellation).
    RequestId,
    /// `params._meta.progressToken`, of a request (MCP 2025-11-25, basic/utilities/progress).
    ProgressToken,
    /// `error.code`, of a response.
    ErrorCode,
    /// `result.cacheScope` (MCP 2026-07-28, server/utilities/caching).
    CacheScope,
    /// `params.taskId`, of `notifications/tasks/status` and of requests about a task. This and the places below are those
    /// of MCP 2025-11-25, basic/utilities/tasks, and are looked at only where tasks are.
    TaskId,
    /// The task to which a request or a notification belongs, in `params._meta`.
    RelatedTask,
    /// The task to which a result belongs, in `result._meta`.
    ResultRelatedTask,
    /// `result.taskId`, of the answer to a request about a task.
    ResultTask,
    /// `result.task.taskId`, of the answer to a request that has become a task.
    CreatedTask,
}

/// Which members of a result stand in it that only the stateless revision knows
/// (MCP 2026-07-28, basic, ResultType; server/utilities/caching).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultMembers {
    /// `resultType`
    pub result_type: bool,
    /// `resultType` says that it is no answer yet: the client is asked for something first.
    pub input_required: bool,
    /// `ttlMs`
    pub ttl: bool,
    /// `cacheScope`
    pub cache_scope: bool,
}

impl ResultMembers {
    /// Of a result that has ended.
    pub(crate) fn of(scanner: &Scanner) -> Self {
        let has = |field| scanner.capture(field).is_some();
        Self {
            result_type: has(Field::ResultType),
            input_required: scanner.text(Field::ResultType).as_deref() == Some("input_required"),
            ttl: has(Field::ResultTtl),
            cache_scope: has(Field::ResultCacheScope),
        }
    }
}

impl Site {
    pub(super) const ALL: [Self; 10] = [
        Self::Id,
        Self::RequestId,
        Self::ProgressToken,
        Self::ErrorCode,
        Self::CacheScope,
        Self::TaskId,
        Self::RelatedTask,
        Self::ResultRelatedTask,
        Self::ResultTask,
        Self::CreatedTask,
    ];

    pub(super) fn field(self) -> Field {
        match self {
            Self::Id => Field::Id,
            Self::RequestId => Field::RequestId,
            Self::ProgressToken => Field::ProgressToken,
            Self::ErrorCode => Field::ErrorCode,
            Self::CacheScope => Field::ResultCacheScope,
            Self::TaskId => Field::TaskId,
            Self::RelatedTask => Field::RelatedTaskId,
            Self::ResultRelatedTask => Field::ResultRelatedTaskId,
            Self::ResultTask => Field::ResultTaskId,
            Self::CreatedTask => Field::ResultTaskTaskId,
        }
    }

    /// Whether it is one of a response, or else of a request or notification.
    pub(super) fn is_of(self, is_response: bool) -> bool {
        match self {
            Self::Id => true,
            Self::RequestId | Self::ProgressToken | Self::TaskId | Self::RelatedTask => {
                !is_response
            }
            Self::ErrorCode
            | Self::CacheScope
            | Self::ResultRelatedTask
            | Self::ResultTask
            | Self::CreatedTask => is_response,
        }
    }
}

/// What is done with the messages that pass.
pub trait MessageRules {
    /// Whether a request or notification with this method goes on. Asked once for each message in an event
    /// stream, and never for a JSON body: that is one message and cannot be left out.
    fn passes(&mut self, method: &str) -> bool {
        let _ = method;
        true
    }

    /// Whether an event with a notification of this method, which passes, is held until its `params.level` is known, to be
    /// asked [`MessageRules::passes_level`] of it. Never asked for a JSON body.
    fn awaits_level(&self, method: &str) -> bool {
        let _ = method;
        false
    }

    /// Whether a notification of this `params.level` goes on; of one that has none, and of one that told it too late to be
    /// held, it is not asked.
    fn passes_level(&mut self, level: &str) -> bool {
        let _ = level;
        true
    }

    /// Whether an event with a result is held until its type is known, to be asked [`MessageRules::passes_result`] of it.
    /// Never asked for a JSON body.
    fn awaits_result_type(&self) -> bool {
        false
    }

    /// Whether a result of this `resultType` goes on; of one that has none, and of one that told it too late to be held,
    /// it is not asked.
    fn passes_result(&mut self, result_type: &str) -> bool {
        let _ = result_type;
        true
    }

    /// Whether nothing of an event stream goes on behind what was left out last.
    fn ends_stream(&self) -> bool {
        false
    }

    /// What stands at `site` in the place of `raw`, which is a string or a number as the server wrote it.
    /// `None` leaves it. `method` is `None` in a response. Must return one JSON value.
    fn rewrite(&mut self, site: Site, raw: &[u8], method: Option<&str>) -> Option<Vec<u8>>;

    /// What is added to a result that has ended with these `members`: members with a comma between each two, or nothing.
    fn complete(&mut self, members: ResultMembers) -> Vec<u8> {
        let _ = members;
        Vec::new()
    }

    /// A message has ended.
    fn ended(&mut self, message: Message) {
        let _ = message;
    }
}

/// Why a message cannot go on. The server is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// It is not JSON, or could be read in two ways.
    #[error(transparent)]
    Json(#[from] InvalidJson),
    /// It is JSON, but neither a request nor a notification nor a response, or more than one of them.
    #[error("not a JSON-RPC message")]
    NotAMessage,
    /// What it is did not show within the allowed number of bytes behind its id.
    #[error("does not tell soon enough what it is")]
    HeldTooLong,
    /// An event says behind its data that it holds a message, or that it holds none.
    #[error("tells the kind of its event too late")]
    LateKind,
}

#[cfg(test)]
mod tests {
    use super::same_id;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn ids_are_the_same_by_value_and_type() {
        assert!(same_id(b"7", b"7"));
        assert!(same_id(b"\"a/b\"", br#""\u0061\/b""#));
        assert!(!same_id(b"7", b"\"7\""));
        assert!(same_id(b"7", b"7.0"));
        assert!(!same_id(b"7", b"8"));
        assert!(!same_id(b"\"a\"", b"\"b\""));
        assert!(!same_id(b"\"n1e1\"", b"1"));
        assert!(same_id(
            b"1e99999999999999999999",
            b"1e99999999999999999999"
        ));
    }
}
