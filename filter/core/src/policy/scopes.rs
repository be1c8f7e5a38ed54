//! The scopes that a policy wants of a token: OAuth 2.0, RFC 6749, section 3.3.

use mcp_filter_config::{ClaimValue, Condition, Rule};

use super::Evidence;
use super::condition::for_any_token;

/// Claims that hold the scopes of a token, as words or as a list.
const CLAIMS: [&str; 2] = ["scope", "scp"];

/// Those without which no token satisfies `rules`; `None` where none does at all.
pub(super) fn wanted<'a>(rules: &'a [Rule], evidence: &Evidence<'_>) -> Option<Vec<&'a str>> {
    let mut scopes = Vec::new();
    for rule in rules {
        if !for_any_token(&rule.requires, evidence).holds {
            return None;
        }
        gather(&rule.requires, evidence, &mut scopes);
    }
    Some(scopes)
}

fn gather<'a>(condition: &'a Condition, evidence: &Evidence<'_>, scopes: &mut Vec<&'a str>) {
    match condition {
        Condition::All(inner) => inner
            .iter()
            .for_each(|inner| gather(inner, evidence, scopes)),
        Condition::Any(inner) => {
            let mut open = inner
                .iter()
                .filter(|inner| for_any_token(inner, evidence).holds);
            // Of several, nobody can say which.
            if let (Some(only), None) = (open.next(), open.next()) {
                gather(only, evidence, scopes);
            }
        }
        Condition::ClaimContains(claim) | Condition::ClaimHasWord(claim) => {
            let scope = claim.value.as_str();
            if names_scope(claim) && !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        _ => {}
    }
}

fn names_scope(claim: &ClaimValue) -> bool {
    let is_of_token = matches!(claim.path.as_slice(), [name] if CLAIMS.contains(&name.as_str()));
    let is_legal = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    is_of_token && !claim.value.is_empty() && claim.value.bytes().all(is_legal)
}
