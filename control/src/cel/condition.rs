use cel::IdedExpr as Expression;
use cel::common::ast::{ComprehensionExpr, Expr, LiteralValue, operators};
use mcp_filter_config::{Condition, HeaderValue};

use super::header::{is_headers, named, read, text};
use super::{Source, Unsupported};

/// When an expression is true, and when it is false. When neither holds, it fails.
pub(super) struct Truth {
    pub(super) holds: Condition,
    pub(super) fails: Condition,
}

impl Truth {
    fn not(self) -> Self {
        Self {
            holds: self.fails,
            fails: self.holds,
        }
    }

    /// `&&` is false when one side is, whatever the other.
    fn and(self, other: Self) -> Self {
        Self {
            holds: all(self.holds, other.holds),
            fails: any(self.fails, other.fails),
        }
    }

    /// `||` is true when one side is, whatever the other.
    fn or(self, other: Self) -> Self {
        Self {
            holds: any(self.holds, other.holds),
            fails: all(self.fails, other.fails),
        }
    }

    /// Never fails to be one of them.
    fn of(holds: Condition) -> Self {
        Self {
            fails: Condition::Not(Box::new(holds.clone())),
            holds,
        }
    }

    fn constant(holds: bool) -> Self {
        let (always, never) = (Condition::All(Vec::new()), Condition::Any(Vec::new()));
        if holds {
            Self {
                holds: always,
                fails: never,
            }
        } else {
            Self {
                holds: never,
                fails: always,
            }
        }
    }

    /// An absent header cannot be compared.
    fn header_equals(name: String, value: &str) -> Self {
        let present = Condition::HeaderPresent(name.clone());
        let holds = Condition::HeaderEquals(HeaderValue {
            name,
            value: value.to_owned(),
        });
        let fails = all(present, Condition::Not(Box::new(holds.clone())));
        Self { holds, fails }
    }
}

fn all(left: Condition, right: Condition) -> Condition {
    let flat = |condition| match condition {
        Condition::All(inner) => inner,
        other => vec![other],
    };
    let mut parts = flat(left);
    for part in flat(right) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    Condition::All(parts)
}

fn any(left: Condition, right: Condition) -> Condition {
    let flat = |condition| match condition {
        Condition::Any(inner) => inner,
        other => vec![other],
    };
    let mut parts = flat(left);
    for part in flat(right) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    Condition::Any(parts)
}

pub(super) fn lower(source: &Source, part: &Expression) -> Result<Truth, Unsupported> {
    match &part.expr {
        Expr::Literal(LiteralValue::Boolean(value)) => Ok(Truth::constant(*value.inner())),
        Expr::Select(select) if select.test && is_headers(&select.operand) => {
            let name = named(source, part, &select.field)?;
            Ok(Truth::of(Condition::HeaderPresent(name)))
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
            (operators::IN, [key, map]) if is_headers(map) => match text(key) {
                Some(name) => Ok(Truth::of(Condition::HeaderPresent(named(
                    source, key, name,
                )?))),
                None => source.refuse(key, "the name of a header must be a string"),
            },
            _ => source.refuse(part, KNOWN),
        },
        _ => source.refuse(part, KNOWN),
    }
}

const KNOWN: &str = "this is not supported; what is: request.headers[\"name\"] compared by == and != with a string, \
                     \"name\" in request.headers, request.headers.exists(h, h == \"name\"), has(request.headers.name), \
                     &&, || and !";

fn compare(
    source: &Source,
    part: &Expression,
    left: &Expression,
    right: &Expression,
) -> Result<Truth, Unsupported> {
    for (header, value) in [(left, right), (right, left)] {
        if let (Some(name), Some(value)) = (read(source, header)?, text(value)) {
            return Ok(Truth::header_equals(name, value));
        }
    }
    source.refuse(part, KNOWN)
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
    match step.args.as_slice() {
        [_, inner]
            if step.func_name == operators::LOGICAL_OR
                && starts_false
                && returns_it
                && loop_.iter_var2.is_none()
                && is_headers(&loop_.iter_range) =>
        {
            one_of(source, inner, &loop_.iter_var)
        }
        _ => source.refuse(part, KNOWN),
    }
}

/// `h == "name"`, several of them joined by `||`.
fn one_of(source: &Source, part: &Expression, variable: &str) -> Result<Truth, Unsupported> {
    let Expr::Call(call) = &part.expr else {
        return source.refuse(part, KNOWN);
    };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::LOGICAL_OR, [left, right]) => {
            Ok(one_of(source, left, variable)?.or(one_of(source, right, variable)?))
        }
        (operators::EQUALS, [left, right]) => {
            let is_variable =
                |p: &Expression| matches!(&p.expr, Expr::Ident(name) if name == variable);
            let name = match (text(left), text(right)) {
                (None, Some(name)) if is_variable(left) => named(source, right, name)?,
                (Some(name), None) if is_variable(right) => named(source, left, name)?,
                _ => return source.refuse(part, KNOWN),
            };
            Ok(Truth::of(Condition::HeaderPresent(name)))
        }
        _ => source.refuse(part, KNOWN),
    }
}
