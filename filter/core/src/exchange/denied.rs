//! Why a policy does not let a request pass.

use crate::headers::Headers;
use crate::policy::{CompiledPolicy, Verdict};
use crate::rejection::Rejection;
use crate::step::{HeaderEdit, LocalResponse};
use crate::table::Table;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// In its author's words, byte for byte.
    ByPolicy(LocalResponse),
    /// In our words: its author wrote none, or it can't be asked.
    ByUs(Rejection),
}

impl Denied {
    /// What `policy` has said, or the edits with which it lets the request pass. `challenge` is what tells the client how
    /// it gets another token.
    pub(crate) fn unless_allowed(
        policy: &CompiledPolicy,
        verdict: Verdict,
        challenge: impl FnOnce() -> Option<String>,
    ) -> Result<Vec<HeaderEdit>, Self> {
        match verdict {
            Verdict::Allow(edits) => Ok(edits),
            Verdict::Deny(response) => Err(Self::ByPolicy(response)),
            Verdict::DenyWordlessly { status } => Err(Self::ByUs(Rejection::DeniedByPolicy {
                policy: policy.name().to_owned(),
                status,
                challenge: challenge(),
            })),
            Verdict::Refuse(fault) => Err(Self::ByUs(Rejection::HeaderFault(fault))),
        }
    }

    /// The answer to a request of which no id is known.
    pub(crate) fn response(self) -> LocalResponse {
        match self {
            Self::ByPolicy(response) => response,
            Self::ByUs(rejection) => rejection.response(None),
        }
    }
}

/// RFC 6750, section 3.1, and RFC 9728, section 5.1: how the client of a request with these headers gets a token that can
/// do more, where the endpoint wants tokens. `others` are the scopes that the policies behind the endpoint's own want:
/// whoever asks for a token asks for all that it is to have.
pub(crate) fn challenge<'a>(
    table: &'a Table,
    headers: &Headers,
    others: impl Iterator<Item = Option<Vec<&'a str>>>,
) -> Option<String> {
    let [host, path] = [":authority", ":path"].map(|name| headers.first(name).unwrap_or_default());
    let endpoint = table.endpoint(host, path)?;
    let own = endpoint.authentication()?.wanted_scopes(headers);
    let all: Option<Vec<_>> = std::iter::once(own).chain(others).collect();
    let mut scopes: Vec<&str> = Vec::new();
    for scope in all?.into_iter().flatten() {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let mut challenge = "Bearer error=\"insufficient_scope\"".to_owned();
    if !scopes.is_empty() {
        challenge.push_str(&format!(", scope=\"{}\"", scopes.join(" ")));
    }
    if let Some(url) = endpoint.metadata_url(headers) {
        challenge.push_str(&format!(", resource_metadata=\"{url}\""));
    }
    Some(challenge)
}
