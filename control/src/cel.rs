//! Expressions of policies, lowered to what the filter evaluates.
//!
//! Only `request.headers` and, once a token is verified, its claims (`auth.identity`) can be read. An expression of CEL
//! may fail, for one because a header is absent, and a predicate that fails denies; so each part is lowered twice, to
//! when it is true and to when it is false, and what is neither denies under a negation, too.

mod claim;
mod collection;
mod condition;
mod header;
mod request_path;
mod truth;
mod value;

use std::fmt;

use cel::IdedExpr as Expression;
use cel::common::ast::SourceInfo;
use cel::parser::{ParseErrors, Parser};
use mcp_filter_config::{Condition, ValuePart};

/// Longest expression, in bytes.
const LONGEST: usize = 2048;
/// Deepest nesting of brackets.
const DEEPEST: usize = 64;
/// The parser takes much stack for each bracket.
const STACK: usize = 64 * 1024 * 1024;

/// Why an expression cannot be lowered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Line and column in the expression, from 1.
    pub position: Option<(usize, usize)>,
    /// What stands there and what could.
    pub reason: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "line {line}, column {column}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// When a predicate is true.
pub fn predicate(text: &str) -> Result<Condition, Unsupported> {
    let source = Source::parse(text)?;
    condition::lower(&source, &source.root).map(|truth| truth.holds)
}

/// Whether a predicate that reads nothing of a request but its path is true of requests with this one.
pub fn holds_at(text: &str, path: &str) -> Result<bool, Unsupported> {
    let source = Source::parse(text)?;
    request_path::holds(&source, &source.root, path)
}

/// The pieces of a string expression.
pub fn value(text: &str) -> Result<Vec<ValuePart>, Unsupported> {
    let source = Source::parse(text)?;
    value::lower(&source, &source.root)
}

/// The text of a string expression that reads nothing of the request. It may have several lines.
pub fn text(text: &str) -> Result<String, Unsupported> {
    let source = Source::parse(text)?;
    value::constant(&source, &source.root)
}

/// A parsed expression that knows where its parts stand.
struct Source {
    root: Expression,
    info: SourceInfo,
}

impl Source {
    fn parse(text: &str) -> Result<Self, Unsupported> {
        let refuse = |reason: String| {
            Err(Unsupported {
                position: None,
                reason,
            })
        };
        if text.len() > LONGEST || nesting(text) > DEEPEST {
            return refuse(format!(
                "it has more than {LONGEST} bytes or {DEEPEST} nested brackets"
            ));
        }
        let parsed = std::thread::scope(|scope| {
            let parser = std::thread::Builder::new().stack_size(STACK);
            let thread = parser.spawn_scoped(scope, || Parser::new().parse_with_source_info(text));
            thread.map(|thread| thread.join())
        });
        match parsed {
            Ok(Ok(Ok((root, info)))) => Ok(Self { root, info }),
            Ok(Ok(Err(errors))) => Err(no_cel(&errors)),
            Ok(Err(_)) | Err(_) => refuse("the CEL parser gave up on it".to_owned()),
        }
    }

    fn refuse<T>(&self, part: &Expression, reason: impl Into<String>) -> Result<T, Unsupported> {
        Err(Unsupported {
            position: self.position(part),
            reason: reason.into(),
        })
    }

    fn position(&self, part: &Expression) -> Option<(usize, usize)> {
        let (offset, _) = self.info.offset_for(part.id)?;
        let before = self.info.source.get(..usize::try_from(offset).ok()?)?;
        let line = before.split('\n').count();
        let column = before.rsplit('\n').next()?.chars().count() + 1;
        Some((line, column))
    }
}

fn no_cel(errors: &ParseErrors) -> Unsupported {
    let first = errors.errors.first();
    let position = first.and_then(|error| {
        let line = usize::try_from(error.pos.0).ok().filter(|line| *line > 0)?;
        Some((line, usize::try_from(error.pos.1).ok()?.max(1)))
    });
    let reason = format!("no CEL: {}", first.map_or("", |error| error.msg.as_str()));
    Unsupported { position, reason }
}

/// How deep brackets nest, at most. Those in strings count, too: it is a bound, not a parser.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests;
