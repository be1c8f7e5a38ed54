//! Policies of HTTPRoutes.

use mcp_filter_config::{Condition, Policy, Rule, SetHeader, ValuePart};
use serde_json::Value;

use super::denial::{denial, plain, wordless};
use super::pattern;
use super::spec::{RouteSpec, Text, read};
use crate::api::AuthPolicy;
use crate::cel;
use crate::object::ObjectName;

/// Compiles a policy of an HTTPRoute.
///
/// # Errors
/// Names the field and what is not supported there.
pub fn compile(name: &ObjectName, policy: &AuthPolicy) -> Result<Policy, String> {
    let spec: RouteSpec = read(policy)?;
    if spec.target_ref.section_name.is_some() {
        return Err(
            "spec.targetRef.sectionName: a policy can be for a whole HTTPRoute only".to_owned(),
        );
    }
    let conditions = pattern::conditions(&spec.rules.authorization)?;
    let at = "spec.rules.response.unauthorized";
    let denial = denial(at, spec.rules.response.unauthorized.as_ref(), 403)?;
    let mut set_headers = Vec::new();
    for (key, header) in &spec.rules.response.success.headers {
        let at = format!("spec.rules.response.success.headers.{key}");
        let header_name = settable(&at, header.key.as_ref().unwrap_or(key))?;
        set_headers.push(SetHeader {
            name: header_name,
            value: parts(&at, &header.plain)?,
        });
    }
    let rule = Rule {
        requires: Condition::All(conditions),
        denial,
    };
    Ok(Policy {
        name: name.to_string(),
        rules: vec![rule],
        credential_headers: headers_read(&set_headers),
        set_headers,
    })
}

/// A policy that denies everything, in the place of one that cannot be enforced. Headers that the other would have
/// taken for credentials stay credentials, as far as they can be told.
pub fn deny_all(name: &ObjectName, policy: &AuthPolicy) -> Policy {
    let headers = policy.spec.0.pointer("/rules/response/success/headers");
    let headers = headers
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.values());
    let expressions =
        headers.filter_map(|h| h.pointer("/plain/expression").and_then(Value::as_str));
    let set_headers: Vec<_> = expressions
        .filter_map(|expression| cel::value(expression).ok())
        .map(|value| SetHeader {
            name: String::new(),
            value,
        })
        .collect();
    Policy {
        name: name.to_string(),
        rules: vec![Rule {
            requires: Condition::Any(Vec::new()),
            denial: wordless(403),
        }],
        set_headers: Vec::new(),
        credential_headers: headers_read(&set_headers),
    }
}

fn headers_read(set_headers: &[SetHeader]) -> Vec<String> {
    let parts = set_headers.iter().flat_map(|header| &header.value);
    let names = parts.filter_map(|part| match part {
        ValuePart::Header(name) => Some(name.clone()),
        ValuePart::Literal(_) | ValuePart::Claim(_) => None,
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.dedup();
    names
}

/// A header that a policy may set on the request to the server.
fn settable(at: &str, name: &str) -> Result<String, String> {
    let lower = name.to_ascii_lowercase();
    let is_ours = lower.starts_with("mcp-") || lower.starts_with("x-mcp-");
    let reserved = [
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    if is_ours || reserved.contains(&lower.as_str()) {
        return Err(format!("{at}: {lower} is the gateway's own to set"));
    }
    match http::HeaderName::from_bytes(lower.as_bytes()) {
        Ok(_) => Ok(lower),
        Err(_) => Err(format!("{at}: {name:?} is not the name of a header")),
    }
}

fn parts(at: &str, text: &Text) -> Result<Vec<ValuePart>, String> {
    match (&text.value, &text.expression) {
        (Some(value), None) => {
            let value = plain(value);
            match http::HeaderValue::from_str(&value) {
                Ok(_) => Ok(vec![ValuePart::Literal(value)]),
                Err(_) => Err(format!(
                    "{at}.plain.value: it has a character that no header can have"
                )),
            }
        }
        (None, Some(expression)) => {
            cel::value(expression).map_err(|error| format!("{at}.plain.expression, {error}"))
        }
        _ => Err(format!(
            "{at}.plain: one of value and expression must be given"
        )),
    }
}
