//! What a policy asks of verified tokens.

use mcp_filter_config::{Authentication, ClaimValue, Condition, Policy, ValuePart};

/// Whether the policy asks for claims, or sends one on.
pub fn reads_claims(policy: &Policy) -> bool {
    let mut parts = policy.set_headers.iter().flat_map(|header| &header.value);
    let mut rules = policy.rules.iter();
    rules.any(|rule| asks(&rule.requires)) || parts.any(|part| matches!(part, ValuePart::Claim(_)))
}

/// Whether no token gets in that was issued for somebody else.
pub fn checks_audience(authentication: &Authentication) -> bool {
    let mut issuers = authentication.issuers.iter();
    let mut rules = authentication.rules.iter();
    issuers.all(|issuer| !issuer.audiences.is_empty())
        || rules.any(|rule| wants_audience(&rule.requires))
}

/// Whether it holds for tokens of some audiences alone.
fn wants_audience(condition: &Condition) -> bool {
    match condition {
        Condition::All(inner) => inner.iter().any(wants_audience),
        Condition::Any(inner) => inner.iter().all(wants_audience),
        Condition::ClaimEquals(ClaimValue { path, .. })
        | Condition::ClaimContains(ClaimValue { path, .. })
        | Condition::ClaimHasWord(ClaimValue { path, .. }) => path == &["aud"],
        Condition::Not(_)
        | Condition::HeaderPresent(_)
        | Condition::HeaderEquals(_)
        | Condition::CallPresent(_)
        | Condition::CallEquals(_)
        | Condition::ClaimPresent(_)
        | Condition::ClaimContainsCall(_) => false,
    }
}

fn asks(condition: &Condition) -> bool {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => inner.iter().any(asks),
        Condition::Not(inner) => asks(inner),
        Condition::HeaderPresent(_)
        | Condition::HeaderEquals(_)
        | Condition::CallPresent(_)
        | Condition::CallEquals(_) => false,
        Condition::ClaimPresent(_)
        | Condition::ClaimEquals(_)
        | Condition::ClaimContains(_)
        | Condition::ClaimHasWord(_)
        | Condition::ClaimContainsCall(_) => true,
    }
}
