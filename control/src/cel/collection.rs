use cel::IdedExpr as Expression;
use cel::common::ast::Expr;

use super::header::{Named, is_headers, named, read, text};
use super::truth::Truth;
use super::{Source, Unsupported, claim};

/// What `in` and `exists` look into.
pub(super) enum Collection {
    /// The names of the request's headers.
    Headers,
    /// The items of a claim that is a list.
    Items(Vec<String>),
    /// The words of a claim: `auth.identity.scope.split(' ')`.
    Words(Vec<String>),
}

const SOUGHT: &str = "what is looked for must be a string, or in a claim that is a list what is called, such as \
                      request.headers[\"x-mcp-toolname\"]";

impl Collection {
    /// `None` where the part is something else.
    pub(super) fn of(source: &Source, part: &Expression) -> Result<Option<Self>, Unsupported> {
        if is_headers(part) {
            return Ok(Some(Self::Headers));
        }
        if let Some(path) = claim::read(source, part)? {
            return Ok(Some(Self::Items(path)));
        }
        let Expr::Call(call) = &part.expr else {
            return Ok(None);
        };
        let (Some(target), "split", [separator]) =
            (&call.target, call.func_name.as_str(), call.args.as_slice())
        else {
            return Ok(None);
        };
        match (claim::read(source, target)?, text(separator)) {
            (Some(path), Some(" ")) => Ok(Some(Self::Words(path))),
            (Some(_), _) => source.refuse(separator, "a claim can be split at ' ' only"),
            (None, _) => Ok(None),
        }
    }

    /// Whether it has `item`, which stands at `part`.
    pub(super) fn has(
        &self,
        source: &Source,
        part: &Expression,
        item: &str,
    ) -> Result<Truth, Unsupported> {
        match self {
            Self::Headers => named(source, part, item).map(Truth::named_present),
            Self::Items(path) => Ok(Truth::claim_contains(path.clone(), item)),
            Self::Words(_) if item.is_empty() || item.contains(' ') => {
                source.refuse(part, "this is not one word, so it is in no list of words")
            }
            Self::Words(path) => Ok(Truth::claim_has_word(path.clone(), item)),
        }
    }

    /// Whether it has what is read at `part`.
    pub(super) fn has_read(
        &self,
        source: &Source,
        part: &Expression,
    ) -> Result<Truth, Unsupported> {
        match (self, read(source, part)?) {
            (Self::Items(path), Some(Named::Call(of))) => {
                Ok(Truth::claim_contains_call(path.clone(), of))
            }
            _ => source.refuse(part, SOUGHT),
        }
    }
}
