//! What callers are answered whom a policy does not let through.

use mcp_filter_config::{Denial, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use super::spec::{DenyWith, Text};
use crate::cel;

/// The filter adds its own words.
pub(super) fn wordless(status: u16) -> Denial {
    Denial {
        status,
        headers: Vec::new(),
        body: String::new(),
    }
}

/// The denial that stands at `at`, with this status unless the policy says otherwise.
pub(super) fn denial(at: &str, deny: Option<&DenyWith>, usual: u16) -> Result<Denial, String> {
    let Some(deny) = deny else {
        return Ok(wordless(usual));
    };
    let status = deny.code.unwrap_or(usual);
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

pub(super) fn plain(value: &Value) -> String {
    String::deserialize(value).unwrap_or_else(|_| value.to_string())
}
