use mcp_filter_config::{CallPart, CallValue, ClaimOfCall, ClaimValue, Condition, HeaderValue};

use super::header::Named;

/// Of a claim, in bytes: the filter asks for no longer one.
const LONGEST_NAME: usize = 256;

/// When an expression is true, and when it is false. When neither holds, it fails.
pub(super) struct Truth {
    pub(super) holds: Condition,
    pub(super) fails: Condition,
}

impl Truth {
    pub(super) fn not(self) -> Self {
        Self {
            holds: self.fails,
            fails: self.holds,
        }
    }

    /// `&&` is false when one side is, whatever the other.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            holds: all(self.holds, other.holds),
            fails: any(self.fails, other.fails),
        }
    }

    /// `||` is true when one side is, whatever the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            holds: any(self.holds, other.holds),
            fails: all(self.fails, other.fails),
        }
    }

    /// Never fails to be one of them.
    fn of(holds: Condition) -> Self {
        Self {
            fails: not(holds.clone()),
            holds,
        }
    }

    /// Is neither where `needed` does not hold.
    fn given(needed: Condition, holds: Condition) -> Self {
        Self {
            fails: all(needed, not(holds.clone())),
            holds,
        }
    }

    pub(super) fn constant(holds: bool) -> Self {
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

    pub(super) fn named_present(named: Named) -> Self {
        Self::of(present(named))
    }

    /// What is absent cannot be compared. Names are compared as they are, not as a header to a server has them.
    pub(super) fn named_equals(named: Named, value: &str) -> Self {
        let value = value.to_owned();
        let equals = match named.clone() {
            Named::Header(name) => Condition::HeaderEquals(HeaderValue { name, value }),
            Named::Call(part) => Condition::CallEquals(CallValue { part, value }),
        };
        Self::given(present(named), equals)
    }

    /// The filter tells a list that has it from one that does not, and both from what is no list.
    pub(super) fn claim_contains_call(path: Vec<String>, part: CallPart) -> Self {
        Self::of(Condition::ClaimContainsCall(ClaimOfCall { path, part }))
    }

    /// `has()` looks for the innermost name only.
    pub(super) fn claim_present(path: Vec<String>) -> Self {
        let outer = path.split_last().map(|(_, outer)| outer.to_vec());
        let present = Condition::ClaimPresent(path);
        match outer.filter(|outer| !outer.is_empty()) {
            Some(outer) => Self::given(Condition::ClaimPresent(outer), present),
            None => Self::of(present),
        }
    }

    /// An absent claim cannot be compared. Istio makes lists of some texts, such as `scope`.
    pub(super) fn claim_equals(path: Vec<String>, value: &str) -> Self {
        Self::claim(path, value, Condition::ClaimEquals)
    }

    pub(super) fn claim_contains(path: Vec<String>, value: &str) -> Self {
        Self::claim(path, value, Condition::ClaimContains)
    }

    pub(super) fn claim_has_word(path: Vec<String>, word: &str) -> Self {
        Self::claim(path, word, Condition::ClaimHasWord)
    }

    fn claim(path: Vec<String>, value: &str, holds: fn(ClaimValue) -> Condition) -> Self {
        Self {
            holds: holds(claim(path.clone(), value)),
            fails: is_nowhere(path, value),
        }
    }
}

/// What is looked for in a claim of another type than was meant is neither found nor missing in CEL. The filter does not
/// tell types, so it must not be there in any form: whoever is kept out by a name in a list is kept out where the
/// issuer writes the one name without a list, too.
fn is_nowhere(path: Vec<String>, value: &str) -> Condition {
    let text = || claim(path.clone(), value);
    let mut inner = path.clone();
    inner.push(value.to_owned());
    // Neither a word nor a name is every text.
    let is_word = !value.is_empty() && !value.contains(' ');
    let is_name = (1..=LONGEST_NAME).contains(&value.len());
    let forms = [
        Some(Condition::ClaimContains(text())),
        Some(Condition::ClaimEquals(text())),
        is_word.then(|| Condition::ClaimHasWord(text())),
        is_name.then_some(Condition::ClaimPresent(inner)),
    ];
    let nowhere = forms.into_iter().flatten().map(not);
    let present = Condition::ClaimPresent(path.clone());
    Condition::All([present].into_iter().chain(nowhere).collect())
}

fn present(named: Named) -> Condition {
    match named {
        Named::Header(name) => Condition::HeaderPresent(name),
        Named::Call(part) => Condition::CallPresent(part),
    }
}

fn claim(path: Vec<String>, value: &str) -> ClaimValue {
    ClaimValue {
        path,
        value: value.to_owned(),
    }
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

fn all(left: Condition, right: Condition) -> Condition {
    Condition::All(joined([left, right], |condition| match condition {
        Condition::All(inner) => Ok(inner),
        other => Err(other),
    }))
}

fn any(left: Condition, right: Condition) -> Condition {
    Condition::Any(joined([left, right], |condition| match condition {
        Condition::Any(inner) => Ok(inner),
        other => Err(other),
    }))
}

/// Each part once, of conditions that `opened` takes apart where they are of the same kind.
fn joined(
    sides: [Condition; 2],
    opened: impl Fn(Condition) -> Result<Vec<Condition>, Condition>,
) -> Vec<Condition> {
    let mut parts = Vec::new();
    for side in sides {
        for part in opened(side).unwrap_or_else(|whole| vec![whole]) {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    parts
}
