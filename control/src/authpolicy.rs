//! Kuadrant's AuthPolicy, compiled to what the filter enforces. What cannot be enforced denies.

mod spec;

use mcp_filter_config::{Condition, Denial, HeaderValue, Policy, Rule, SetHeader, ValuePart};
use serde::Deserialize;
use serde_json::Value;

use crate::api::AuthPolicy;
use crate::cel;
use crate::object::ObjectName;
use spec::{DenyWith, Pattern, Spec, Text};

/// What a policy is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An HTTPRoute in the policy's namespace.
    Route(String),
    /// A Gateway in the policy's namespace, or one of its listeners.
    Gateway(String),
    /// Something that no policy can be for.
    Other {
        /// Its kind, misspelt perhaps.
        kind: String,
        /// Its name.
        name: String,
    },
    /// The policy does not say in a readable way, so it is for all of its namespace.
    Unreadable,
}

/// What a policy is for.
pub fn target(policy: &AuthPolicy) -> Target {
    let target = policy.spec.0.get("targetRef");
    let field = |name: &str| target.and_then(|t| t.get(name)).and_then(Value::as_str);
    match (field("kind"), field("name")) {
        (Some("HTTPRoute"), Some(name)) => Target::Route(name.to_owned()),
        (Some("Gateway"), Some(name)) => Target::Gateway(name.to_owned()),
        (Some(kind), Some(name)) => Target::Other {
            kind: kind.to_owned(),
            name: name.to_owned(),
        },
        _ => Target::Unreadable,
    }
}

/// Compiles a policy of an HTTPRoute.
///
/// # Errors
/// Names the field and what is not supported there.
pub fn compile(name: &ObjectName, policy: &AuthPolicy) -> Result<Policy, String> {
    let spec: Spec = serde_path_to_error::deserialize(&policy.spec.0)
        .map_err(|error| format!("spec.{}: {}", error.path(), error.inner()))?;
    if spec.target_ref.section_name.is_some() {
        return Err(
            "spec.targetRef.sectionName: a policy can be for a whole HTTPRoute only".to_owned(),
        );
    }
    let mut conditions = Vec::new();
    for (rule, authorization) in &spec.rules.authorization {
        let at = format!("spec.rules.authorization.{rule}.patternMatching.patterns");
        conditions.extend(patterns(&at, &authorization.pattern_matching.patterns)?);
    }
    let denial = denial(spec.rules.response.unauthorized.as_ref())?;
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
        ValuePart::Literal(_) => None,
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.dedup();
    names
}

fn patterns(at: &str, patterns: &[Pattern]) -> Result<Vec<Condition>, String> {
    let each = patterns.iter().enumerate();
    each.map(|(index, pattern)| one_pattern(&format!("{at}[{index}]"), pattern))
        .collect()
}

fn one_pattern(at: &str, pattern: &Pattern) -> Result<Condition, String> {
    match (&pattern.predicate, &pattern.all, &pattern.any) {
        (Some(text), None, None) => {
            cel::predicate(text).map_err(|error| format!("{at}.predicate, {error}"))
        }
        (None, Some(inner), None) => Ok(Condition::All(patterns(&format!("{at}.all"), inner)?)),
        (None, None, Some(inner)) => Ok(Condition::Any(patterns(&format!("{at}.any"), inner)?)),
        _ => Err(format!("{at}: one of predicate, all and any must be given")),
    }
}

/// The filter adds its own words.
fn wordless(status: u16) -> Denial {
    Denial {
        status,
        headers: Vec::new(),
        body: String::new(),
    }
}

/// As Kuadrant has it, the status is 403 unless the policy says otherwise.
fn denial(deny: Option<&DenyWith>) -> Result<Denial, String> {
    let at = "spec.rules.response.unauthorized";
    let Some(deny) = deny else {
        return Ok(wordless(403));
    };
    let status = deny.code.unwrap_or(403);
    if !(400..=599).contains(&status) {
        return Err(format!(
            "{at}.code {status}: a denial has a status from 400 to 599"
        ));
    }
    let mut headers = Vec::new();
    if let Some(message) = &deny.message {
        let value = literal(&format!("{at}.message"), message)?;
        headers.push(header(
            &format!("{at}.message"),
            "x-ext-auth-reason",
            value,
        )?);
    }
    for (name, text) in &deny.headers {
        let at = format!("{at}.headers.{name}");
        headers.push(header(&at, name, literal(&at, text)?)?);
    }
    let body = deny
        .body
        .as_ref()
        .map(|body| literal(&format!("{at}.body"), body));
    let body = body.transpose()?.unwrap_or_default();
    headers.extend(content_type(&headers, &body));
    Ok(Denial {
        status,
        headers,
        body,
    })
}

/// A body in JSON is told to be that, unless the policy says what it is. Envoy would call it plain text.
fn content_type(headers: &[HeaderValue], body: &str) -> Option<HeaderValue> {
    let is_told = headers.iter().any(|header| header.name == "content-type");
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
    (is_json && !is_told).then(|| HeaderValue {
        name: "content-type".to_owned(),
        value: "application/json".to_owned(),
    })
}

fn header(at: &str, name: &str, value: String) -> Result<HeaderValue, String> {
    let lower = name.to_ascii_lowercase();
    // Sizes and framing are Envoy's to tell.
    let is_framing = matches!(
        lower.as_str(),
        "content-length" | "transfer-encoding" | "connection"
    );
    if is_framing || http::HeaderName::from_bytes(lower.as_bytes()).is_err() {
        return Err(format!(
            "{at}: {name:?} is not a header that a denial can have"
        ));
    }
    let value = value.trim_end_matches('\n').to_owned();
    if http::HeaderValue::from_str(&value).is_err() {
        return Err(format!(
            "{at}: the value has a character that no header can have"
        ));
    }
    Ok(HeaderValue { name: lower, value })
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

/// A text that is the same for every request.
fn literal(at: &str, text: &Text) -> Result<String, String> {
    match (&text.value, &text.expression) {
        (Some(value), None) => Ok(plain(value)),
        (None, Some(expression)) => cel::text(expression).map_err(|error| {
            format!("{at}.expression, {error}; only strings and + are supported here")
        }),
        _ => Err(format!("{at}: one of value and expression must be given")),
    }
}

fn plain(value: &Value) -> String {
    String::deserialize(value).unwrap_or_else(|_| value.to_string())
}

#[cfg(test)]
mod tests;
