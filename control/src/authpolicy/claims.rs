//! What a policy asks of verified tokens.

use mcp_filter_config::{Authentication, ClaimOfCall, ClaimValue, Condition, Policy, ValuePart};

/// Whether the policy asks for claims, or sends one on.
pub fn reads_claims(policy: &Policy) -> bool {
    let mut parts = policy.set_headers.iter().flat_map(|header| &header.value);
    let mut rules = policy.rules.iter();
    rules.any(|rule| asks(&rule.requires, &|_| true))
        || parts.any(|part| matches!(part, ValuePart::Claim(_)))
}

/// Whether tokens that were issued for somebody else are told apart.
pub fn checks_audience(authentication: &Authentication) -> bool {
    let mut issuers = authentication.issuers.iter();
    let mut rules = authentication.rules.iter();
    let is_audience = |path: &[String]| path == ["aud"];
    issuers.all(|issuer| !issuer.audiences.is_empty())
        || rules.any(|rule| asks(&rule.requires, &is_audience))
}

fn asks(condition: &Condition, is_asked: &dyn Fn(&[String]) -> bool) -> bool {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => {
            inner.iter().any(|condition| asks(condition, is_asked))
        }
        Condition::Not(inner) => asks(inner, is_asked),
        Condition::HeaderPresent(_)
        | Condition::HeaderEquals(_)
        | Condition::CallPresent(_)
        | Condition::CallEquals(_) => false,
        Condition::ClaimPresent(path)
        | Condition::ClaimEquals(ClaimValue { path, .. })
        | Condition::ClaimContains(ClaimValue { path, .. })
        | Condition::ClaimHasWord(ClaimValue { path, .. })
        | Condition::ClaimContainsCall(ClaimOfCall { path, .. }) => is_asked(path),
    }
}
