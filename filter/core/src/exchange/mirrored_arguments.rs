//! Arguments that a call repeats in headers, for a client whose revision knows nothing of that.
//!
//! MCP 2026-07-28, basic/transports/streamable-http, Custom Headers from Tool Parameters: a server refuses a call without
//! them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::upstream_headers::header_value;
use crate::catalog::Mirrored;
use crate::json::text;
use crate::rejection::Rejection;

/// Beyond these a number is not the same in every implementation.
const LARGEST_SAFE: f64 = 9_007_199_254_740_991.0;

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// Of all values together: more could end the connection to the server, which others share.
const MOST_BYTES: usize = 8 * 1024;

/// Headers by their names.
type HeaderValues = Vec<(Cow<'static, str>, Vec<u8>)>;

/// The headers of the call with this body to a tool with these parameters.
///
/// # Errors
/// Where they are too large for headers.
pub(super) fn headers(body: &[u8], parameters: &[Mirrored]) -> Result<HeaderValues, Rejection> {
    if parameters.is_empty() {
        return Ok(Vec::new());
    }
    let call: Option<Call<'_>> = serde_json::from_slice(body).ok();
    let Some(arguments) = call.and_then(|call| call.params.arguments) else {
        return Ok(Vec::new());
    };
    let of = |parameter: &Mirrored| {
        let value = value(at(arguments, &parameter.path)?)?;
        Some((Cow::Owned(parameter.header.clone()), value))
    };
    let headers: HeaderValues = parameters.iter().filter_map(of).collect();
    if headers.iter().map(|(_, value)| value.len()).sum::<usize>() > MOST_BYTES {
        return Err(Rejection::InvalidParams(
            "arguments, of which those that the tool wants in headers take more than 8 KiB",
        ));
    }
    Ok(headers)
}

/// The value at this path of members.
fn at<'a>(value: &'a RawValue, path: &[String]) -> Option<&'a RawValue> {
    path.iter().try_fold(value, |value, name| {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
        members.get(name).copied()
    })
}

/// As it stands in a header; `None` for null and for what is no simple value.
///
/// MCP 2026-07-28, basic/transports/streamable-http, Value Encoding.
fn value(argument: &RawValue) -> Option<Vec<u8>> {
    let token = argument.get();
    match token.as_bytes().first()? {
        b'"' => Some(header_value(&text::decode(token.as_bytes())?)),
        b't' | b'f' => Some(token.into()),
        b'-' | b'0'..=b'9' => Some(decimal(token).into_bytes()),
        _ => None,
    }
}

/// An integer without fraction and exponent, in whatever way it is written.
fn decimal(token: &str) -> String {
    let is_plain = token != "-0" && token.bytes().all(|byte| !b".eE".contains(&byte));
    match token.parse::<f64>() {
        Ok(number) if !is_plain && number.fract() == 0.0 && number.abs() <= LARGEST_SAFE => {
            // Adding zero takes the sign of zero away.
            format!("{:.0}", number + 0.0)
        }
        _ => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// What the header says of an argument that is written so.
    fn told(argument: &str) -> Option<String> {
        let parameter = Mirrored {
            path: vec!["a".to_owned(), "b".to_owned()],
            header: "mcp-param-x".to_owned(),
        };
        let body = format!(r#"{{"params":{{"arguments":{{"a":{{"b":{argument}}}}}}}}}"#);
        let mut headers = headers(body.as_bytes(), &[parameter]).unwrap();
        let (name, value) = headers.pop()?;
        assert_eq!(name, "mcp-param-x");
        Some(String::from_utf8(value).unwrap())
    }

    #[test]
    fn simple_values_are_told_as_the_revision_spells_them() {
        for (argument, value) in [
            (r#""us-west1""#, "us-west1"),
            (r#""a b""#, "a b"),
            (r#""""#, ""),
            (r#"" a""#, "=?base64?IGE=?="),
            (r#""a\n""#, "=?base64?YQo=?="),
            (r#""\u65e5\u672c""#, "=?base64?5pel5pys?="),
            (r#""=?base64?YQ==?=""#, "=?base64?PT9iYXNlNjQ/WVE9PT89?="),
            ("true", "true"),
            ("false", "false"),
            ("42", "42"),
            ("-7", "-7"),
            ("42.0", "42"),
            ("4.2e1", "42"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1.5", "1.5"),
            ("9007199254740993", "9007199254740993"),
            ("1e400", "1e400"),
        ] {
            assert_eq!(told(argument).as_deref(), Some(value), "{argument}");
        }
    }

    #[test]
    fn what_is_too_large_for_headers_is_refused() {
        let parameter = Mirrored {
            path: vec!["a".to_owned()],
            header: "mcp-param-x".to_owned(),
        };
        let refused = |bytes: usize| {
            let body = format!(
                r#"{{"params":{{"arguments":{{"a":"{}"}}}}}}"#,
                "a".repeat(bytes)
            );
            headers(body.as_bytes(), std::slice::from_ref(&parameter)).is_err()
        };
        assert!(!refused(MOST_BYTES) && refused(MOST_BYTES + 1));
    }

    #[test]
    fn what_is_absent_or_no_simple_value_has_no_header() {
        for argument in ["null", "{}", "[1]", r#""\ud800""#] {
            assert_eq!(told(argument), None, "{argument}");
        }
        let parameter = Mirrored {
            path: vec!["a".to_owned()],
            header: "mcp-param-x".to_owned(),
        };
        for params in [
            "{}",
            r#"{"arguments":null}"#,
            r#"{"arguments":{}}"#,
            r#"{"arguments":[]}"#,
            r#"{"arguments":{"a":1},"arguments":{"a":2}}"#,
        ] {
            let body = format!(r#"{{"params":{params}}}"#);
            let headers = headers(body.as_bytes(), std::slice::from_ref(&parameter)).unwrap();
            assert_eq!(headers, [], "{params}");
        }
    }
}
