use cel::IdedExpr as Expression;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use super::header::text;
use super::{Source, Unsupported};

/// Whether a predicate on the request's path holds for requests with `path`, which have no query.
pub(super) fn holds(source: &Source, part: &Expression, path: &str) -> Result<bool, Unsupported> {
    match &part.expr {
        Expr::Literal(LiteralValue::Boolean(value)) => Ok(*value.inner()),
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [left, right]) => {
                Ok(holds(source, left, path)? & holds(source, right, path)?)
            }
            (operators::LOGICAL_OR, [left, right]) => {
                Ok(holds(source, left, path)? | holds(source, right, path)?)
            }
            (operators::LOGICAL_NOT, [inner]) => Ok(!holds(source, inner, path)?),
            (operators::EQUALS, [left, right]) => {
                Ok(string(source, left, path)? == string(source, right, path)?)
            }
            (operators::NOT_EQUALS, [left, right]) => {
                Ok(string(source, left, path)? != string(source, right, path)?)
            }
            _ => asks(source, part, call, path),
        },
        _ => source.refuse(part, KNOWN),
    }
}

const KNOWN: &str = "this is not supported; what is: request.path and request.url_path with contains, startsWith, \
                     endsWith, == and != and a string, &&, || and !";

/// `request.path.contains("a")` and the like.
fn asks(
    source: &Source,
    part: &Expression,
    call: &CallExpr,
    path: &str,
) -> Result<bool, Unsupported> {
    let (Some(target), [argument]) = (&call.target, call.args.as_slice()) else {
        return source.refuse(part, KNOWN);
    };
    let asked: fn(&str, &str) -> bool = match call.func_name.as_str() {
        "contains" => |text, part| text.contains(part),
        "startsWith" => |text, part| text.starts_with(part),
        "endsWith" => |text, part| text.ends_with(part),
        _ => return source.refuse(part, KNOWN),
    };
    let argument = string(source, argument, path)?;
    Ok(asked(string(source, target, path)?, argument))
}

fn string<'a>(
    source: &Source,
    part: &'a Expression,
    path: &'a str,
) -> Result<&'a str, Unsupported> {
    match &part.expr {
        Expr::Select(select) if !select.test => {
            let is_request = matches!(&select.operand.expr, Expr::Ident(name) if name == "request");
            match is_request && matches!(select.field.as_str(), "path" | "url_path") {
                true => Ok(path),
                false => source.refuse(part, KNOWN),
            }
        }
        _ => text(part).map_or_else(|| source.refuse(part, KNOWN), Ok),
    }
}
