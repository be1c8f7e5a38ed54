//! What a scanned body is, in JSON-RPC's terms.

use crate::json::{Field, Scanner, ValueKind};
use crate::method::{Method, RoutedMethod};
use crate::rejection::Rejection;

/// One JSON-RPC message of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Has a method and an id.
    Request(Method),
    /// Has a method and no id.
    Notification(Method),
    /// Has a result or an error, and the id of a server's request.
    Response,
}

impl Message {
    /// The method, where it is one that is served; `response` for an answer.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Request(method) | Self::Notification(method) => method.as_str(),
            Self::Response => "response",
        }
    }

    /// Classifies a document that has ended.
    ///
    /// JSON-RPC 2.0, section 4: `jsonrpc` is exactly "2.0". MCP 2025-11-25, basic, Messages: an id is a string or a
    /// number, never null.
    pub(crate) fn of(scanner: &Scanner) -> Result<Self, Rejection> {
        match scanner.root() {
            Some(ValueKind::Object) => {}
            Some(ValueKind::Array) => return Err(Rejection::Batch),
            _ => return Err(Rejection::NotAMessage),
        }
        if scanner.text(Field::JsonRpc).as_deref() != Some("2.0") {
            return Err(Rejection::NotAMessage);
        }
        let has_id = match kind(scanner, Field::Id) {
            None => false,
            Some(ValueKind::String | ValueKind::Integer | ValueKind::Number) => true,
            Some(_) => return Err(Rejection::NotAMessage),
        };
        let answers =
            scanner.capture(Field::Result).is_some() || scanner.capture(Field::Error).is_some();
        match (scanner.capture(Field::Method), has_id, answers) {
            (Some(_), has_id, false) => {
                let method =
                    Method::parse(&scanner.text(Field::Method).ok_or(Rejection::NotAMessage)?);
                Ok(if has_id {
                    Self::Request(method)
                } else {
                    Self::Notification(method)
                })
            }
            (None, true, true) => Ok(Self::Response),
            _ => Err(Rejection::NotAMessage),
        }
    }
}

/// The id as the client wrote it, where it can be echoed: there is one, and only one.
pub(crate) fn echoable_id(scanner: &Scanner) -> Option<&[u8]> {
    match kind(scanner, Field::Id)? {
        _ if scanner.repeated() == Some(Field::Id) => None,
        ValueKind::String | ValueKind::Integer | ValueKind::Number => scanner.raw(Field::Id),
        _ => None,
    }
}

/// The routed method whose key is known by now, although the document goes on: nothing that can still come
/// changes where the request goes, because a second method or key is refused.
pub(crate) fn routable_early(scanner: &Scanner) -> Option<RoutedMethod> {
    let Method::Routed(method) = Method::parse(&scanner.text(Field::Method)?) else {
        return None;
    };
    let known = match method {
        RoutedMethod::ToolsCall | RoutedMethod::PromptsGet => scanner.text(Field::Name).is_some(),
        RoutedMethod::ResourcesRead
        | RoutedMethod::ResourcesSubscribe
        | RoutedMethod::ResourcesUnsubscribe => scanner.text(Field::Uri).is_some(),
        RoutedMethod::TasksGet
        | RoutedMethod::TasksResult
        | RoutedMethod::TasksCancel
        | RoutedMethod::TasksUpdate => scanner.text(Field::TaskId).is_some(),
        RoutedMethod::Complete => scanner.params_ended(),
    };
    known.then_some(method)
}

/// The kind of the value at `field`.
pub(crate) fn kind(scanner: &Scanner, field: Field) -> Option<ValueKind> {
    scanner.capture(field).map(|capture| capture.kind)
}
