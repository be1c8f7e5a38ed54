//! The validation of policies.

use std::collections::BTreeSet;

use mcp_filter_config::{Condition, Denial, HeaderValue, Policy, SetHeader, ValuePart};

use super::{CompiledPolicy, is_header_value};
use crate::control_signature::{CONTROL_HEADER, CREDENTIAL_HEADER};
use crate::table::{CompileError, ensure};

/// Conditions within conditions.
const DEEPEST: usize = 32;
/// In bytes.
const LARGEST_BODY: usize = 64 * 1024;

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
        for (index, rule) in policy.rules.iter().enumerate() {
            let at = format!("{at}.rules[{index}]");
            check_condition(&rule.requires, &format!("{at}.requires"), DEEPEST)?;
            check_denial(&rule.denial, &format!("{at}.denial"))?;
        }
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
    }
}

fn check_conditions(conditions: &[Condition], at: &str, deeper: usize) -> Result<(), CompileError> {
    conditions
        .iter()
        .enumerate()
        .try_for_each(|(index, condition)| {
            check_condition(condition, &format!("{at}[{index}]"), deeper)
        })
}

fn check_denial(denial: &Denial, at: &str) -> Result<(), CompileError> {
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
