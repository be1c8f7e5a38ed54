//! Policies: what a request must satisfy on its way to a server, and what is set on it then.

mod chance;
mod compile;
mod condition;
mod evidence;
mod outlook;
mod scopes;

pub(crate) use compile::check_denial;
pub use evidence::{Call, Evidence, Part};
pub use outlook::Outlook;

use std::borrow::Cow;

use condition::Reads;
use mcp_filter_config::{Condition, Denial, Policy, Rule, SetHeader, ValuePart};

use crate::claims::Claims;
use crate::headers::Headers;
use crate::step::{HeaderEdit, LocalResponse};

/// One policy, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledPolicy {
    name: String,
    rules: Vec<Rule>,
    set_headers: Vec<SetHeader>,
    credential_headers: Vec<String>,
    /// Every header that a condition, a value or `credential_headers` names; each may occur once.
    read_headers: Vec<String>,
    /// Every claim that a condition or a value names.
    read_claims: Vec<Vec<String>>,
    /// Rules or values that read claims, or rules that read what is called.
    conceals: bool,
    /// Rules that read what is called.
    reads_call: bool,
}

/// A policy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on, with these edits.
    Allow(Vec<HeaderEdit>),
    /// Refused by the policy, in its author's words, byte for byte.
    Deny(LocalResponse),
    /// Refused by the policy, whose author wrote no words for it.
    DenyWordlessly {
        /// The status that it asks for.
        status: u16,
    },
    /// Refused by us: the policy cannot be applied to these headers.
    Refuse(HeaderFault),
}

/// A header or claim of the request that a policy reads, and that no policy can safely read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// Occurs more than once: the server could take another one than the policy did.
    #[error("header {0} occurs more than once")]
    Repeated(String),
    /// Cannot become a part of another header: it has control characters.
    #[error("header {0} has a character that no header value may have")]
    IllegalValue(String),
    /// Cannot become a part of a header: it is not one text, or has control characters.
    #[error("claim {0} is no text that a header value may have")]
    IllegalClaim(String),
}

impl CompiledPolicy {
    fn new(policy: &Policy) -> Self {
        let mut reads = Reads {
            headers: policy.credential_headers.clone(),
            ..Reads::default()
        };
        for rule in &policy.rules {
            reads.add(&rule.requires);
        }
        let reads_call = policy.rules.iter().any(|rule| rule.requires.reads_call());
        let Reads {
            headers: mut read_headers,
            claims: mut read_claims,
        } = reads;
        for part in policy.set_headers.iter().flat_map(|header| &header.value) {
            match part {
                ValuePart::Literal(_) => {}
                ValuePart::Header(name) => read_headers.push(name.clone()),
                ValuePart::Claim(path) => read_claims.push(path.clone()),
            }
        }
        read_headers.sort();
        read_headers.dedup();
        let conceals = reads_call || !read_claims.is_empty();
        Self {
            name: policy.name.clone(),
            rules: policy.rules.clone(),
            set_headers: policy.set_headers.clone(),
            credential_headers: policy.credential_headers.clone(),
            read_headers,
            read_claims,
            conceals,
            reads_call,
        }
    }

    /// `namespace/name` of the object it was made from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Client headers that carry a credential for this policy's servers.
    pub fn credential_headers(&self) -> &[String] {
        &self.credential_headers
    }

    /// Paths of the claims that it reads.
    pub fn read_claims(&self) -> &[Vec<String>] {
        &self.read_claims
    }

    /// Whether it keeps what a caller may not call from the caller's lists.
    pub fn conceals(&self) -> bool {
        self.conceals
    }

    /// Whether it depends on what is called.
    pub fn reads_call(&self) -> bool {
        self.reads_call
    }

    /// What a caller with these claims could satisfy of it.
    pub fn outlook<'a>(&'a self, claims: &'a Claims) -> Outlook<'a> {
        if self.conceals {
            Outlook::of(self, claims)
        } else {
            Outlook::Possible
        }
    }

    /// Whether what it sets of claims is what a header value may have.
    fn can_set(&self, claims: &Claims) -> bool {
        let parts = self.set_headers.iter().flat_map(|header| &header.value);
        let mut paths = parts.filter_map(|part| match part {
            ValuePart::Claim(path) => Some(path),
            ValuePart::Literal(_) | ValuePart::Header(_) => None,
        });
        paths.all(|path| claims.header_value(path).is_ok())
    }

    /// The scopes that every token has which makes the policy allow this request, as far as they are known; `None` where
    /// no token does.
    pub fn wanted_scopes(&self, evidence: &Evidence<'_>) -> Option<Vec<&str>> {
        scopes::wanted(&self.rules, evidence)
    }

    /// Judges a request by its headers, its caller's token and what it asks for.
    ///
    /// A header that the policy reads and that occurs more than once is refused, whatever the policy would say:
    /// taking one of its values could mean another than the server takes.
    pub fn evaluate(&self, evidence: &Evidence<'_>) -> Verdict {
        let Evidence {
            headers, claims, ..
        } = *evidence;
        if let Some(name) = self
            .read_headers
            .iter()
            .find(|name| headers.all(name).nth(1).is_some())
        {
            return Verdict::Refuse(HeaderFault::Repeated(name.clone()));
        }
        if let Some(rule) = self.rules.iter().find(|rule| !holds(rule, evidence)) {
            return deny(&rule.denial);
        }
        match self
            .set_headers
            .iter()
            .map(|header| edit(header, headers, claims))
            .collect()
        {
            Ok(edits) => Verdict::Allow(edits),
            Err(fault) => Verdict::Refuse(fault),
        }
    }
}

/// Where nothing is called, what reads the call does not count, and all that stands beside it does.
fn holds(rule: &Rule, evidence: &Evidence<'_>) -> bool {
    let is_true = |condition: &Condition| condition::holds(condition, evidence) == Some(true);
    match evidence.call {
        Some(_) => is_true(&rule.requires),
        None => beside_the_call(&rule.requires, &is_true),
    }
}

fn beside_the_call(condition: &Condition, is_true: &impl Fn(&Condition) -> bool) -> bool {
    match condition {
        Condition::All(inner) => inner.iter().all(|inner| beside_the_call(inner, is_true)),
        condition => condition.reads_call() || is_true(condition),
    }
}

pub(crate) fn deny(denial: &Denial) -> Verdict {
    if denial.headers.is_empty() && denial.body.is_empty() {
        return Verdict::DenyWordlessly {
            status: denial.status,
        };
    }
    let header = |header: &mcp_filter_config::HeaderValue| {
        (
            Cow::Owned(header.name.clone()),
            header.value.clone().into_bytes(),
        )
    };
    Verdict::Deny(LocalResponse {
        status: denial.status,
        headers: denial.headers.iter().map(header).collect(),
        body: denial.body.clone().into_bytes(),
        reason: "denied by policy",
    })
}

fn edit(header: &SetHeader, headers: &Headers, claims: &Claims) -> Result<HeaderEdit, HeaderFault> {
    let mut value = Vec::new();
    for part in &header.value {
        match part {
            ValuePart::Literal(text) => value.extend_from_slice(text.as_bytes()),
            ValuePart::Header(name) => {
                let bytes = headers.first(name).unwrap_or_default();
                if !is_header_value(bytes) {
                    return Err(HeaderFault::IllegalValue(name.clone()));
                }
                value.extend_from_slice(bytes);
            }
            ValuePart::Claim(path) => {
                let text = claims
                    .header_value(path)
                    .map_err(|_| HeaderFault::IllegalClaim(path.join(".")))?;
                value.extend_from_slice(text.as_bytes());
            }
        }
    }
    Ok(HeaderEdit::Set(Cow::Owned(header.name.clone()), value))
}

/// RFC 9110, section 5.5: visible characters, space, tab and what is not ASCII.
pub(crate) fn is_header_value(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b'\t' | 0x20..=0x7e | 0x80..))
}

#[cfg(test)]
mod tests;
