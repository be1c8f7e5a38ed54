//! Policies: what a request must satisfy on its way to a server, and what is set on it then.

mod compile;

use std::borrow::Cow;

use mcp_filter_config::{Condition, Denial, Policy, Rule, SetHeader, ValuePart};

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
}

/// A policy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on, with these edits.
    Allow(Vec<HeaderEdit>),
    /// Refused by the policy, in its author's words, byte for byte.
    Deny(LocalResponse),
    /// Refused by the policy with this status, whose author wrote no words for it.
    DenyWordlessly(u16),
    /// Refused by us: the policy cannot be applied to these headers.
    Refuse(HeaderFault),
}

/// A header of the request that a policy reads, and that no policy can safely read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// Occurs more than once: the server could take another one than the policy did.
    #[error("header {0} occurs more than once")]
    Repeated(String),
    /// Cannot become a part of another header: it has control characters.
    #[error("header {0} has a character that no header value may have")]
    IllegalValue(String),
}

impl CompiledPolicy {
    fn new(policy: &Policy) -> Self {
        let mut read_headers = policy.credential_headers.clone();
        for rule in &policy.rules {
            collect_condition(&rule.requires, &mut read_headers);
        }
        for part in policy.set_headers.iter().flat_map(|header| &header.value) {
            if let ValuePart::Header(name) = part {
                read_headers.push(name.clone());
            }
        }
        read_headers.sort();
        read_headers.dedup();
        Self {
            name: policy.name.clone(),
            rules: policy.rules.clone(),
            set_headers: policy.set_headers.clone(),
            credential_headers: policy.credential_headers.clone(),
            read_headers,
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

    /// Judges a request by its headers.
    ///
    /// A header that the policy reads and that occurs more than once is refused, whatever the policy would say:
    /// taking one of its values could mean another than the server takes.
    pub fn evaluate(&self, headers: &Headers) -> Verdict {
        if let Some(name) = self
            .read_headers
            .iter()
            .find(|name| headers.all(name).nth(1).is_some())
        {
            return Verdict::Refuse(HeaderFault::Repeated(name.clone()));
        }
        if let Some(rule) = self
            .rules
            .iter()
            .find(|rule| !holds(&rule.requires, headers))
        {
            return deny(&rule.denial);
        }
        match self
            .set_headers
            .iter()
            .map(|header| edit(header, headers))
            .collect()
        {
            Ok(edits) => Verdict::Allow(edits),
            Err(fault) => Verdict::Refuse(fault),
        }
    }
}

fn holds(condition: &Condition, headers: &Headers) -> bool {
    match condition {
        Condition::All(inner) => inner.iter().all(|condition| holds(condition, headers)),
        Condition::Any(inner) => inner.iter().any(|condition| holds(condition, headers)),
        Condition::Not(inner) => !holds(inner, headers),
        Condition::HeaderPresent(name) => headers.contains(name),
        Condition::HeaderEquals(header) => {
            headers.first(&header.name) == Some(header.value.as_bytes())
        }
    }
}

fn deny(denial: &Denial) -> Verdict {
    if denial.headers.is_empty() && denial.body.is_empty() {
        return Verdict::DenyWordlessly(denial.status);
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

fn edit(header: &SetHeader, headers: &Headers) -> Result<HeaderEdit, HeaderFault> {
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
        }
    }
    Ok(HeaderEdit::Set(Cow::Owned(header.name.clone()), value))
}

fn collect_condition(condition: &Condition, names: &mut Vec<String>) {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => {
            inner
                .iter()
                .for_each(|condition| collect_condition(condition, names));
        }
        Condition::Not(inner) => collect_condition(inner, names),
        Condition::HeaderPresent(name) => names.push(name.clone()),
        Condition::HeaderEquals(header) => names.push(header.name.clone()),
    }
}

/// RFC 9110, section 5.5: visible characters, space, tab and what is not ASCII.
pub(crate) fn is_header_value(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b'\t' | 0x20..=0x7e | 0x80..))
}

#[cfg(test)]
mod tests;
