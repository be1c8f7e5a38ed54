//! What a caller could satisfy of a policy, whatever headers it sends: the policy evaluated as far as the caller's token
//! goes, once for all that is listed.

use mcp_filter_config::{CallPart, CallValue, Condition};

use super::chance::Chance;
use super::condition::of_claim;
use super::{Call, CompiledPolicy};
use crate::claims::Claims;
use crate::resource_uri::Template;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook<'a> {
    /// Some headers satisfy it for every call.
    Possible,
    /// No headers satisfy it for any call.
    Impossible,
    /// It depends on what is called.
    ByCall(Vec<Prospect<'a>>),
}

/// What one rule comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prospect<'a> {
    /// Whether it can be true, and whether it can be false. Where it can be neither, it depends on a claim that cannot be
    /// read; where it can be both, on a header.
    Known(Chance),
    /// All of them.
    All(Vec<Prospect<'a>>),
    /// One of them.
    Any(Vec<Prospect<'a>>),
    /// The opposite.
    Not(Box<Prospect<'a>>),
    /// The call has this part.
    Present(CallPart),
    /// This part of the call is this text.
    Equals(&'a CallValue),
    /// This part of the call is one of these, which are sorted; `None` where the claim is no list.
    Among(CallPart, Option<Vec<&'a [u8]>>),
}

impl<'a> Outlook<'a> {
    pub(super) fn of(policy: &'a CompiledPolicy, claims: &'a Claims) -> Self {
        if !policy.can_set(claims) {
            return Self::Impossible;
        }
        let mut by_call = Vec::new();
        for rule in &policy.rules {
            match Prospect::of(&rule.requires, claims) {
                Prospect::Known(chance) if chance.holds => {}
                Prospect::Known(_) => return Self::Impossible,
                prospect => by_call.push(prospect),
            }
        }
        match by_call.is_empty() {
            true => Self::Possible,
            false => Self::ByCall(by_call),
        }
    }

    /// Whether some headers satisfy it for this call.
    pub fn allows(&self, call: &Call<'_>) -> bool {
        self.allows_where(call, None)
    }

    /// Whether some headers satisfy it for this call of some resource of `template`, which the call has for its own.
    pub fn allows_one_of(&self, template: &Template, call: &Call<'_>) -> bool {
        self.allows_where(call, Some(template))
    }

    fn allows_where(&self, call: &Call<'_>, template: Option<&Template>) -> bool {
        match self {
            Self::Possible => true,
            Self::Impossible => false,
            Self::ByCall(rules) => rules.iter().all(|rule| rule.chance(call, template).holds),
        }
    }
}

impl<'a> Prospect<'a> {
    fn of(condition: &'a Condition, claims: &'a Claims) -> Self {
        let each = |inner: &'a [Condition]| -> Vec<Self> {
            let prospects = inner.iter().map(|condition| Self::of(condition, claims));
            prospects.collect()
        };
        match condition {
            Condition::All(inner) => all(each(inner)),
            Condition::Any(inner) => any(each(inner)),
            Condition::Not(inner) => match Self::of(inner, claims) {
                Self::Known(chance) => Self::Known(chance.not()),
                prospect => Self::Not(Box::new(prospect)),
            },
            Condition::HeaderPresent(_) | Condition::HeaderEquals(_) => Self::Known(Chance::EITHER),
            Condition::ClaimPresent(_)
            | Condition::ClaimEquals(_)
            | Condition::ClaimContains(_)
            | Condition::ClaimHasWord(_) => Self::Known(of_claim(condition, claims).into()),
            Condition::CallPresent(part) => Self::Present(*part),
            Condition::CallEquals(call) => Self::Equals(call),
            Condition::ClaimContainsCall(claim) => {
                let items = claims.items(&claim.path).ok().flatten();
                let sorted = items.map(|items| {
                    let mut items: Vec<_> = items.collect();
                    items.sort_unstable();
                    items
                });
                Self::Among(claim.part, sorted)
            }
        }
    }

    /// Of a call; with `template`, of one of its resources, whichever that is.
    fn chance(&self, call: &Call<'_>, template: Option<&Template>) -> Chance {
        match self {
            Self::Known(chance) => *chance,
            Self::All(inner) => Chance::all(inner.iter().map(|one| one.chance(call, template))),
            Self::Any(inner) => Chance::any(inner.iter().map(|one| one.chance(call, template))),
            Self::Not(inner) => inner.chance(call, template).not(),
            Self::Present(part) => Some(call.text(*part).is_some()).into(),
            Self::Equals(value) => match template.filter(|_| value.part == CallPart::Resource) {
                Some(template) => Chance::of_some(template.matches(&value.value)),
                None => Some(call.text(value.part) == Some(&*value.value)).into(),
            },
            Self::Among(part, items) => {
                if let (Some(template), CallPart::Resource, Some(items)) = (template, part, items) {
                    let mut uris = items.iter().filter_map(|item| str::from_utf8(item).ok());
                    return Chance::of_some(uris.any(|uri| template.matches(uri)));
                }
                let found = call.text(*part).zip(items.as_ref());
                let found =
                    found.map(|(text, items)| items.binary_search(&text.as_bytes()).is_ok());
                found.into()
            }
        }
    }
}

/// What does not depend on the call is decided at once.
fn all(prospects: Vec<Prospect<'_>>) -> Prospect<'_> {
    match known(&prospects) {
        Some(known) => Prospect::Known(Chance::all(known.into_iter())),
        None => Prospect::All(prospects),
    }
}

fn any(prospects: Vec<Prospect<'_>>) -> Prospect<'_> {
    match known(&prospects) {
        Some(known) => Prospect::Known(Chance::any(known.into_iter())),
        None => Prospect::Any(prospects),
    }
}

fn known(prospects: &[Prospect<'_>]) -> Option<Vec<Chance>> {
    let chances = prospects.iter().map(|one| match one {
        Prospect::Known(chance) => Some(*chance),
        _ => None,
    });
    chances.collect()
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod properties;
