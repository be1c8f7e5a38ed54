//! JSON-RPC messages as slices of the text that they were read from.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ProtocolFault;
use super::quote::Quote;

/// A message of any kind. A duplicate of one of these members makes it unreadable.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) method: Option<String>,
    #[serde(borrow)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) result: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) error: Option<RpcError>,
}

/// `JSONRPCError.error`
#[derive(Debug, Deserialize)]
pub(super) struct RpcError {
    pub(super) code: i64,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) data: serde_json::Value,
}

/// The messages in `json`: one, or in revision 2025-03-26 an array of them.
pub(super) fn messages<'a>(
    json: &'a [u8],
    quote: Quote<'_>,
) -> Result<Vec<Message<'a>>, ProtocolFault> {
    let is_batch = json.trim_ascii_start().first() == Some(&b'[');
    let messages = if is_batch {
        serde_json::from_slice(json)
    } else {
        serde_json::from_slice(json).map(|message| vec![message])
    };
    messages.map_err(|error| ProtocolFault::NotJsonRpc {
        cause: error.to_string(),
        excerpt: quote.of(json),
    })
}

impl<'a> Message<'a> {
    /// The outcome of request `id`, if this is the response to it.
    ///
    /// An error without an id belongs to the request, too: the server could not read it (JSON-RPC 2.0, 5.1).
    pub(super) fn response_to(
        self,
        id: u64,
        quote: Quote<'_>,
    ) -> Result<Option<Response<'a>>, ProtocolFault> {
        if self.method.is_some() {
            return Ok(None);
        }
        if let Some(other) = self.id.filter(|other| other.get() != id.to_string()) {
            return Err(ProtocolFault::WrongId(quote.of(other.get().as_bytes())));
        }
        match (self.id, self.result, self.error) {
            (_, None, Some(error)) => Ok(Some(Response::Error(error))),
            (Some(_), Some(result), None) => Ok(Some(Response::Result(result))),
            _ => Err(ProtocolFault::Result("result or error")),
        }
    }
}

/// How a request ended.
#[derive(Debug)]
pub(super) enum Response<'a> {
    Error(RpcError),
    Result(&'a RawValue),
}
