//! Predicates on a request.

use mcp_filter_config::{CallPart, Condition};

use super::Evidence;
use super::chance::Chance;
use crate::claims::Claims;

/// Whether `condition` holds. `None`: it depends on a claim that cannot be read, or on what the call does not have, so
/// neither it nor its opposite does.
pub(super) fn holds(condition: &Condition, evidence: &Evidence<'_>) -> Option<bool> {
    let each = |inner: &Condition| holds(inner, evidence);
    match condition {
        Condition::All(inner) => all(inner.iter().map(each)),
        Condition::Any(inner) => {
            let none = all(inner.iter().map(|condition| each(condition).map(|is| !is)));
            none.map(|is| !is)
        }
        Condition::Not(inner) => each(inner).map(|is| !is),
        Condition::HeaderPresent(name) => Some(evidence.headers.contains(name)),
        Condition::HeaderEquals(header) => {
            let value = evidence.headers.first(&header.name);
            Some(value == Some(header.value.as_bytes()))
        }
        Condition::ClaimPresent(_)
        | Condition::ClaimEquals(_)
        | Condition::ClaimContains(_)
        | Condition::ClaimHasWord(_) => of_claim(condition, evidence.claims),
        Condition::CallPresent(part) => Some(text(evidence, *part).is_some()),
        Condition::CallEquals(call) => Some(text(evidence, call.part) == Some(&*call.value)),
        Condition::ClaimContainsCall(claim) => {
            let item = text(evidence, claim.part)?;
            let items = evidence.claims.items(&claim.path).ok()??;
            Some(items.into_iter().any(|one| one == item.as_bytes()))
        }
    }
}

/// Whether `condition` could hold, and could fail, for callers whose tokens say anything; what reads an unknown call,
/// too.
pub(super) fn for_any_token(condition: &Condition, evidence: &Evidence<'_>) -> Chance {
    let each = |inner: &Condition| for_any_token(inner, evidence);
    match condition {
        Condition::All(inner) => Chance::all(inner.iter().map(each)),
        Condition::Any(inner) => Chance::any(inner.iter().map(each)),
        Condition::Not(inner) => each(inner).not(),
        Condition::ClaimPresent(_)
        | Condition::ClaimEquals(_)
        | Condition::ClaimContains(_)
        | Condition::ClaimHasWord(_) => Chance::EITHER,
        Condition::CallPresent(_) | Condition::CallEquals(_) | Condition::ClaimContainsCall(_)
            if evidence.call.is_none() =>
        {
            Chance::EITHER
        }
        // Without the part it is neither true nor false.
        Condition::ClaimContainsCall(claim) => {
            text(evidence, claim.part).map_or_else(|| None.into(), |_| Chance::EITHER)
        }
        Condition::HeaderPresent(_)
        | Condition::HeaderEquals(_)
        | Condition::CallPresent(_)
        | Condition::CallEquals(_) => holds(condition, evidence).into(),
    }
}

/// What a condition reads beside the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// Names of headers.
    pub(super) headers: Vec<String>,
    /// Paths of claims.
    pub(super) claims: Vec<Vec<String>>,
}

impl Reads {
    /// Adds what `condition` reads.
    pub(super) fn add(&mut self, condition: &Condition) {
        match condition {
            Condition::All(inner) | Condition::Any(inner) => {
                inner.iter().for_each(|condition| self.add(condition));
            }
            Condition::Not(inner) => self.add(inner),
            Condition::HeaderPresent(name) => self.headers.push(name.clone()),
            Condition::HeaderEquals(header) => self.headers.push(header.name.clone()),
            Condition::ClaimPresent(path) => self.claims.push(path.clone()),
            Condition::ClaimEquals(claim)
            | Condition::ClaimContains(claim)
            | Condition::ClaimHasWord(claim) => self.claims.push(claim.path.clone()),
            Condition::CallPresent(_) | Condition::CallEquals(_) => {}
            Condition::ClaimContainsCall(claim) => self.claims.push(claim.path.clone()),
        }
    }
}

fn text<'a>(evidence: &Evidence<'a>, part: CallPart) -> Option<&'a str> {
    evidence.call.and_then(|call| call.text(part))
}

/// Of a condition on a claim.
pub(super) fn of_claim(condition: &Condition, claims: &Claims) -> Option<bool> {
    let held = match condition {
        Condition::ClaimPresent(path) => claims.has(path),
        Condition::ClaimEquals(claim) => claims.is_text(&claim.path, &claim.value),
        Condition::ClaimContains(claim) => claims.has_item(&claim.path, &claim.value),
        Condition::ClaimHasWord(claim) => claims.has_word(&claim.path, &claim.value),
        _ => return None,
    };
    held.ok()
}

/// Whether all hold. One that does not decides, whatever is not known of others.
fn all(mut each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    each.try_fold(Some(true), |so_far, next| match next {
        Some(false) => Err(()),
        Some(true) => Ok(so_far),
        None => Ok(None),
    })
    .unwrap_or(Some(false))
}
