//! The validation of policies.

use std::collections::BTreeSet;

use mcp_filter_config::{
    ClaimValue, Condition, Denial, HeaderValue, Policy, Rule, SetHeader, ValuePart,
};

use super::{CompiledPolicy, is_header_value};
use crate::control_signature::{CONTROL_HEADER, CREDENTIAL_HEADER};
use crate::table::{CompileError, ensure};

/// Conditions within conditions.
const DEEPEST: usize = 32;
/// In bytes.
const LARGEST_BODY: usize = 64 * 1024;
/// Names in the path of a claim.
const LONGEST_PATH: usize = 8;
/// In bytes.
const LONGEST_CLAIM_NAME: usize = 256;

/// Belong to a hop, or frame the message: whoever sets them breaks it.
const FRAMING: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What each request to a server gets from the filter, because it must be able to read the response.
const SET_BY_FILTER: &[&str] = &[
    "accept",
    "accept-encoding",
    "content-encoding",
    "content-type",
];

impl CompiledPolicy {
    /// Validates and compiles the policy that stands at `at` in the configuration.
    pub(crate) fn compile(policy: &Policy, at: &str) -> Result<Self, CompileError> {
        ensure(
            !policy.name.is_empty(),
            format_args!("{at}.name"),
            "must be namespace/name",
        )?;
        check_rules(&policy.rules, at)?;
        let mut set = BTreeSet::new();
        for (index, header) in policy.set_headers.iter().enumerate() {
            let at = format!("{at}.setHeaders[{index}]");
            check_set_header(header, &at)?;
            ensure(
                set.insert(&header.name),
                format_args!("{at}.name"),
                "is set already",
            )?;
        }
        for (index, name) in policy.credential_headers.iter().enumerate() {
            check_name(name, &format!("{at}.credentialHeaders[{index}]"))?;
        }
        Ok(Self::new(policy))
    }
}

fn check_rules(rules: &[Rule], at: &str) -> Result<(), CompileError> {
    rules.iter().enumerate().try_for_each(|(index, rule)| {
        let at = format!("{at}.rules[{index}]");
        check_condition(&rule.requires, &format!("{at}.requires"), DEEPEST)?;
        check_denial(&rule.denial, &format!("{at}.denial"))
    })
}

fn check_condition(condition: &Condition, at: &str, deeper: usize) -> Result<(), CompileError> {
    let Some(deeper) = deeper.checked_sub(1) else {
        return ensure(
            false,
            at,
            format_args!("conditions stand within more than {DEEPEST} others"),
        );
    };
    match condition {
        Condition::All(inner) => check_conditions(inner, &format!("{at}.all"), deeper),
        Condition::Any(inner) => check_conditions(inner, &format!("{at}.any"), deeper),
        Condition::Not(inner) => check_condition(inner, &format!("{at}.not"), deeper),
        Condition::HeaderPresent(name) => check_name(name, &format!("{at}.headerPresent")),
        Condition::HeaderEquals(header) => check_header(header, &format!("{at}.headerEquals")),
        Condition::ClaimPresent(path) => check_path(path, &format!("{at}.claimPresent")),
        Condition::ClaimEquals(claim) => check_claim(claim, &format!("{at}.claimEquals")),
        Condition::ClaimContains(claim) => check_claim(claim, &format!("{at}.claimContains")),
        Condition::ClaimHasWord(claim) => {
            let at = format!("{at}.claimHasWord");
            check_claim(claim, &at)?;
            ensure(
                !claim.value.is_empty() && !claim.value.contains(' '),
                format_args!("{at}.value"),
                "must be one word, without spaces",
            )
        }
        Condition::CallPresent(_) | Condition::CallEquals(_) => Ok(()),
        Condition::ClaimContainsCall(claim) => {
            check_path(&claim.path, &format!("{at}.claimContainsCall.path"))
        }
    }
}

fn check_claim(claim: &ClaimValue, at: &str) -> Result<(), CompileError> {
    check_path(&claim.path, &format!("{at}.path"))?;
    ensure(
        !claim.value.chars().any(char::is_control),
        format_args!("{at}.value"),
        "must be a text without control characters",
    )
}

fn check_path(path: &[String], at: &str) -> Result<(), CompileError> {
    ensure(
        (1..=LONGEST_PATH).contains(&path.len()),
        at,
        format_args!("must have 1 to {LONGEST_PATH} names"),
    )?;
    path.iter().enumerate().try_for_each(|(index, name)| {
        // The host has a zero byte between the names.
        let named = (1..=LONGEST_CLAIM_NAME).contains(&name.len()) && !name.contains('\0');
        ensure(
            named,
            format_args!("{at}[{index}]"),
            format_args!("must be a claim's name, of 1 to {LONGEST_CLAIM_NAME} bytes"),
        )
    })
}

fn check_conditions(conditions: &[Condition], at: &str, deeper: usize) -> Result<(), CompileError> {
    conditions
        .iter()
        .enumerate()
        .try_for_each(|(index, condition)| {
            check_condition(condition, &format!("{at}[{index}]"), deeper)
        })
}

/// Validates the denial that stands at `at`.
pub(crate) fn check_denial(denial: &Denial, at: &str) -> Result<(), CompileError> {
    let status = (400..=599).contains(&denial.status);
    ensure(
        status,
        format_args!("{at}.status"),
        "must be from 400 to 599",
    )?;
    for (index, header) in denial.headers.iter().enumerate() {
        let at = format!("{at}.headers[{index}]");
        check_header(header, &at)?;
        let frames = FRAMING.contains(&header.name.as_str());
        ensure(
            !frames,
            format_args!("{at}.name"),
            "frames the message: Envoy sets it",
        )?;
    }
    let fits = denial.body.len() <= LARGEST_BODY;
    ensure(
        fits,
        format_args!("{at}.body"),
        format_args!("must be at most {LARGEST_BODY} bytes"),
    )
}

fn check_set_header(header: &SetHeader, at: &str) -> Result<(), CompileError> {
    let name = header.name.as_str();
    let name_at = format!("{at}.name");
    check_name(name, &name_at)?;
    ensure(
        !FRAMING.contains(&name),
        &name_at,
        "frames the message: Envoy sets it",
    )?;
    let ours = SET_BY_FILTER.contains(&name)
        || [CONTROL_HEADER, CREDENTIAL_HEADER].contains(&name)
        || name.starts_with("mcp-")
        || name.starts_with("x-mcp-");
    ensure(!ours, &name_at, "is set by the filter itself")?;
    for (index, part) in header.value.iter().enumerate() {
        let at = format!("{at}.value[{index}]");
        match part {
            ValuePart::Literal(text) => check_value(text, &format!("{at}.literal"))?,
            ValuePart::Header(name) => check_name(name, &format!("{at}.header"))?,
            ValuePart::Claim(path) => check_path(path, &format!("{at}.claim"))?,
        }
    }
    Ok(())
}

fn check_header(header: &HeaderValue, at: &str) -> Result<(), CompileError> {
    check_name(&header.name, &format!("{at}.name"))?;
    check_value(&header.value, &format!("{at}.value"))
}

/// RFC 9110, section 5.6.2; lower case as HTTP/2 sends it (RFC 9113, section 8.2.1).
fn check_name(name: &str, at: &str) -> Result<(), CompileError> {
    let token = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
    };
    ensure(
        !name.is_empty() && name.bytes().all(token),
        at,
        "must be a header name in lower case",
    )
}

fn check_value(value: &str, at: &str) -> Result<(), CompileError> {
    ensure(
        is_header_value(value.as_bytes()),
        at,
        "must have no control characters: it is a header value",
    )
}
