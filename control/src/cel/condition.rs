use cel::IdedExpr as Expression;
use cel::common::ast::{ComprehensionExpr, Expr, LiteralValue, operators};

use super::collection::Collection;
use super::header::{Named, is_headers, named, read, text};
use super::truth::Truth;
use super::{Source, Unsupported, claim};

pub(super) fn lower(source: &Source, part: &Expression) -> Result<Truth, Unsupported> {
    if let Some(path) = claim::tested(source, part)? {
        return Ok(Truth::claim_present(path));
    }
    match &part.expr {
        Expr::Literal(LiteralValue::Boolean(value)) => Ok(Truth::constant(*value.inner())),
        Expr::Select(select) if select.test && is_headers(&select.operand) => {
            named(source, part, &select.field).map(Truth::named_present)
        }
        Expr::Comprehension(comprehension) => exists(source, part, comprehension),
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [left, right]) => {
                Ok(lower(source, left)?.and(lower(source, right)?))
            }
            (operators::LOGICAL_OR, [left, right]) => {
                Ok(lower(source, left)?.or(lower(source, right)?))
            }
            (operators::LOGICAL_NOT, [inner]) => Ok(lower(source, inner)?.not()),
            (operators::EQUALS, [left, right]) => compare(source, part, left, right),
            (operators::NOT_EQUALS, [left, right]) => Ok(compare(source, part, left, right)?.not()),
            (operators::IN, [key, collection]) => match Collection::of(source, collection)? {
                Some(collection) => match text(key) {
                    Some(item) => collection.has(source, key, item),
                    None => collection.has_read(source, key),
                },
                None => listed(source, part, key, collection),
            },
            _ => source.refuse(part, KNOWN),
        },
        _ => source.refuse(part, KNOWN),
    }
}

const KNOWN: &str = "this is not supported; what is: request.headers[\"name\"] and auth.identity.claim compared by == \
                     and != with a string, \"name\" in request.headers, request.headers.exists(h, h == \"name\"), \
                     has(request.headers.name), has(auth.identity.claim), \"item\" in auth.identity.claim, \
                     auth.identity.claim.exists(i, i == \"item\"), both with .split(' '), request.headers[\"name\"] and \
                     auth.identity.claim in [\"a\", \"b\"], what is called (such as request.headers[\"x-mcp-toolname\"]) \
                     in auth.identity.claim, &&, || and !";

const ENCODED: &str = "policies read a name or a URI as it is, though headers to servers have it in base64: write it so";

fn compare(
    source: &Source,
    part: &Expression,
    left: &Expression,
    right: &Expression,
) -> Result<Truth, Unsupported> {
    for (read_part, value) in [(left, right), (right, left)] {
        let Some(value) = text(value) else {
            continue;
        };
        if let Some(name) = read(source, read_part)? {
            if matches!(name, Named::Call(_)) && value.starts_with("=?base64?") {
                return source.refuse(part, ENCODED);
            }
            return Ok(Truth::named_equals(name, value));
        }
        if let Some(path) = claim::read(source, read_part)? {
            return Ok(Truth::claim_equals(path, value));
        }
    }
    source.refuse(part, KNOWN)
}

/// `request.headers["name"] in ["a", "b"]`, and the same of a claim.
fn listed(
    source: &Source,
    part: &Expression,
    key: &Expression,
    collection: &Expression,
) -> Result<Truth, Unsupported> {
    let Expr::List(list) = &collection.expr else {
        return source.refuse(part, KNOWN);
    };
    if text(key).is_some() || list.elements.is_empty() {
        return source.refuse(part, KNOWN);
    }
    let mut any = Truth::constant(false);
    for item in &list.elements {
        if text(item).is_none() {
            return source.refuse(item, "a list can have strings alone");
        }
        any = any.or(compare(source, part, key, item)?);
    }
    Ok(any)
}

/// `request.headers.exists(h, h == "name")`, which the parser has spelt out as a loop that joins the inner
/// predicate by `||`.
fn exists(
    source: &Source,
    part: &Expression,
    loop_: &ComprehensionExpr,
) -> Result<Truth, Unsupported> {
    let starts_false =
        matches!(&loop_.accu_init.expr, Expr::Literal(LiteralValue::Boolean(b)) if !*b.inner());
    let returns_it = matches!(&loop_.result.expr, Expr::Ident(name) if *name == loop_.accu_var);
    let Expr::Call(step) = &loop_.loop_step.expr else {
        return source.refuse(part, KNOWN);
    };
    let is_exists = step.func_name == operators::LOGICAL_OR && starts_false && returns_it;
    let collection = Collection::of(source, &loop_.iter_range)?;
    match (step.args.as_slice(), collection) {
        ([_, inner], Some(collection)) if is_exists && loop_.iter_var2.is_none() => {
            one_of(source, inner, &loop_.iter_var, &collection)
        }
        _ => source.refuse(part, KNOWN),
    }
}

/// `h == "name"`, several of them joined by `||`.
fn one_of(
    source: &Source,
    part: &Expression,
    variable: &str,
    collection: &Collection,
) -> Result<Truth, Unsupported> {
    let Expr::Call(call) = &part.expr else {
        return source.refuse(part, KNOWN);
    };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::LOGICAL_OR, [left, right]) => {
            let left = one_of(source, left, variable, collection)?;
            Ok(left.or(one_of(source, right, variable, collection)?))
        }
        (operators::EQUALS, [left, right]) => {
            let is_variable =
                |p: &Expression| matches!(&p.expr, Expr::Ident(name) if name == variable);
            match (text(left), text(right)) {
                (None, Some(item)) if is_variable(left) => collection.has(source, right, item),
                (Some(item), None) if is_variable(right) => collection.has(source, left, item),
                _ => source.refuse(part, KNOWN),
            }
        }
        _ => source.refuse(part, KNOWN),
    }
}
