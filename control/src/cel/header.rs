use cel::IdedExpr as Expression;
use cel::common::ast::{Expr, LiteralValue, operators};
use mcp_filter_config::CallPart;

use super::{Source, Unsupported};

/// Whether it is `request.headers`.
pub(super) fn is_headers(part: &Expression) -> bool {
    let Expr::Select(select) = &part.expr else {
        return false;
    };
    let is_request = matches!(&select.operand.expr, Expr::Ident(name) if name == "request");
    is_request && select.field == "headers" && !select.test
}

/// What is read by the name of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A header that the client sends.
    Header(String),
    /// What the filter says of the call in a header to the server.
    Call(CallPart),
}

/// What `request.headers["name"]` or `request.headers.name` is. `None` where the part is something else.
pub(super) fn read(source: &Source, part: &Expression) -> Result<Option<Named>, Unsupported> {
    match &part.expr {
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [map, key] if is_headers(map) => match text(key) {
                Some(name) => named(source, key, name).map(Some),
                None => source.refuse(key, "the name of a header must be a string"),
            },
            _ => Ok(None),
        },
        Expr::Select(select) if !select.test && is_headers(&select.operand) => {
            named(source, part, &select.field).map(Some)
        }
        _ => Ok(None),
    }
}

/// By a header's name. Requests have them in lower case, so another spelling would never be found. What the filter says of
/// a call is not read from what the client sends under the same name.
pub(super) fn named(source: &Source, part: &Expression, name: &str) -> Result<Named, Unsupported> {
    if name != name.to_ascii_lowercase() {
        let reason = format!(
            "header names are in lower case: write {}",
            name.to_ascii_lowercase()
        );
        return source.refuse(part, reason);
    }
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        return source.refuse(part, format!("{name:?} is not the name of a header"));
    }
    let call = match name {
        "x-mcp-method" => CallPart::Method,
        "x-mcp-servername" => CallPart::Server,
        "x-mcp-toolname" => CallPart::Tool,
        "x-mcp-promptname" => CallPart::Prompt,
        "x-mcp-resourceuri" => CallPart::Resource,
        _ if name.starts_with("x-mcp-") => return source.refuse(part, CALL),
        _ => return Ok(Named::Header(name.to_owned())),
    };
    Ok(Named::Call(call))
}

const CALL: &str = "the gateway does not let this header in; what it says of a call can be read as x-mcp-method, \
                    x-mcp-servername, x-mcp-toolname, x-mcp-promptname and x-mcp-resourceuri";

/// A string literal's text.
pub(super) fn text(part: &Expression) -> Option<&str> {
    match &part.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
