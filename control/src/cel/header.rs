use cel::IdedExpr as Expression;
use cel::common::ast::{Expr, LiteralValue, operators};

use super::{Source, Unsupported};

/// Whether it is `request.headers`.
pub(super) fn is_headers(part: &Expression) -> bool {
    let Expr::Select(select) = &part.expr else {
        return false;
    };
    let is_request = matches!(&select.operand.expr, Expr::Ident(name) if name == "request");
    is_request && select.field == "headers" && !select.test
}

/// The name in `request.headers["name"]` or `request.headers.name`. `None` where the part is something else.
pub(super) fn read(source: &Source, part: &Expression) -> Result<Option<String>, Unsupported> {
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

/// A header's name. Requests have them in lower case, so another spelling would never be found.
pub(super) fn named(source: &Source, part: &Expression, name: &str) -> Result<String, Unsupported> {
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
    Ok(name.to_owned())
}

/// A string literal's text.
pub(super) fn text(part: &Expression) -> Option<&str> {
    match &part.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
