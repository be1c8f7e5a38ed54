use cel::IdedExpr as Expression;
use cel::common::ast::{Expr, operators};
use mcp_filter_config::ValuePart;

use super::header::{Named, read, text};
use super::{Source, Unsupported, claim};

/// Strings, headers, claims, and `+` between them.
pub(super) fn lower(source: &Source, part: &Expression) -> Result<Vec<ValuePart>, Unsupported> {
    if let Some(text) = text(part) {
        if !text
            .bytes()
            .all(|byte| byte == b'\t' || !byte.is_ascii_control())
        {
            return source.refuse(
                part,
                "a header cannot have line ends or other control characters",
            );
        }
        return Ok(vec![ValuePart::Literal(text.to_owned())]);
    }
    match read(source, part)? {
        Some(Named::Header(name)) => return Ok(vec![ValuePart::Header(name)]),
        Some(Named::Call(_)) => {
            return source.refuse(part, "the server gets this header from the gateway anyway");
        }
        None => {}
    }
    if let Some(path) = claim::read(source, part)? {
        return Ok(vec![ValuePart::Claim(path)]);
    }
    match &part.expr {
        Expr::Call(call) if call.func_name == operators::ADD => {
            let mut parts = Vec::new();
            for argument in &call.args {
                parts.extend(lower(source, argument)?);
            }
            Ok(parts)
        }
        _ => source.refuse(
            part,
            "a value can be made of strings, request.headers[\"name\"], auth.identity.claim and + alone",
        ),
    }
}

/// Strings, and `+` between them.
pub(super) fn constant(source: &Source, part: &Expression) -> Result<String, Unsupported> {
    if let Some(text) = text(part) {
        return Ok(text.to_owned());
    }
    match &part.expr {
        Expr::Call(call) if call.func_name == operators::ADD => call
            .args
            .iter()
            .map(|argument| constant(source, argument))
            .collect(),
        _ => source.refuse(part, "this is no string"),
    }
}
