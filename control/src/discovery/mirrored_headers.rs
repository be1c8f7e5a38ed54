//! Annotations of a tool's parameters that are repeated in headers (MCP 2026-07-28, basic/transports/streamable-http,
//! Schema Extension; server/tools, x-mcp-header).

use std::collections::HashSet;

use mcp_filter_core::version::STATELESS_REVISION;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

const ANNOTATION: &str = "x-mcp-header";

/// Keywords of JSON Schema (2020-12 and before) whose value is a schema or an array of schemas.
const SCHEMAS: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Those whose value has a schema in each member. A parameter is found through `properties` alone, which stands apart.
const MAPS_OF_SCHEMAS: &[&str] = &[
    "$defs",
    "definitions",
    "dependentSchemas",
    "patternProperties",
];

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    /// Every request that has the parameter has it at one and the same path.
    Parameter,
    Elsewhere,
}

/// Why no client of the revision may list this tool. What has the shape of a tool is looked into, nothing else.
pub(super) fn check(tool: &RawValue) -> Result<(), String> {
    let tool: Value = serde_json::from_str(tool.get()).unwrap_or_default();
    let Some(schema) = tool.get("inputSchema") else {
        return Ok(());
    };
    let mut names = HashSet::new();
    let path = Path {
        above: None,
        keyword: "inputSchema",
        name: "",
    };
    visit(schema, (Place::Root, &path), &mut names)
        .map_err(|fault| format!("{fault} (MCP {STATELESS_REVISION})"))
}

/// The way to a schema, spelled only where there is a fault: a server may send millions of schemas with long names.
struct Path<'a> {
    above: Option<&'a Path<'a>>,
    keyword: &'a str,
    /// Of the member; empty where there is none.
    name: &'a str,
}

/// As much of a path as is told.
const MOST_TOLD: usize = 120;

impl Path<'_> {
    fn to<'a>(&'a self, keyword: &'a str, name: &'a str) -> Path<'a> {
        let above = Some(self);
        Path {
            above,
            keyword,
            name,
        }
    }

    /// With the last steps of it, escaped.
    fn told(&self) -> String {
        let mut steps = Vec::new();
        let (mut at, mut length) = (Some(self), 0);
        while let Some(path) = at.filter(|_| length < MOST_TOLD) {
            let name: String = path.name.chars().take(MOST_TOLD).collect();
            let step = match name.as_str() {
                "" => path.keyword.to_owned(),
                name => format!("{}.{}", path.keyword, name.escape_debug()),
            };
            length += step.len();
            steps.push(step);
            at = path.above;
        }
        if at.is_some() {
            steps.push("...".to_owned());
        }
        steps.reverse();
        steps.join(".")
    }
}

/// Recursion ends where nesting does, which is bounded before.
fn visit(
    schema: &Value,
    (place, path): (Place, &Path<'_>),
    names: &mut HashSet<String>,
) -> Result<(), String> {
    let Some(members) = schema.as_object() else {
        return Ok(());
    };
    if let Some(annotation) = members.get(ANNOTATION) {
        take(annotation, members, place, names)
            .map_err(|fault| format!("{ANNOTATION} at {} {fault}", path.told()))?;
    }
    let below = match place {
        Place::Root | Place::Parameter => Place::Parameter,
        Place::Elsewhere => Place::Elsewhere,
    };
    for (name, schema) in members_of(members, "properties") {
        visit(schema, (below, &path.to("properties", name)), names)?;
    }
    for keyword in SCHEMAS {
        let value = members.get(*keyword);
        let schemas = value.map_or(&[] as &[Value], |value| {
            value
                .as_array()
                .map_or(std::slice::from_ref(value), Vec::as_slice)
        });
        for schema in schemas {
            visit(schema, (Place::Elsewhere, &path.to(keyword, "")), names)?;
        }
    }
    for keyword in MAPS_OF_SCHEMAS {
        for (name, schema) in members_of(members, keyword) {
            visit(schema, (Place::Elsewhere, &path.to(keyword, name)), names)?;
        }
    }
    Ok(())
}

fn members_of<'a>(
    schema: &'a Map<String, Value>,
    keyword: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    schema
        .get(keyword)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn take(
    annotation: &Value,
    schema: &Map<String, Value>,
    place: Place,
    names: &mut HashSet<String>,
) -> Result<(), &'static str> {
    if place != Place::Parameter {
        return Err("does not stand at a parameter that is reached through properties alone");
    }
    let name = annotation.as_str().filter(|name| is_token(name));
    let name = name.ok_or("is not a header's name")?;
    let kind = schema.get("type").and_then(Value::as_str);
    if !matches!(kind, Some("integer" | "string" | "boolean")) {
        return Err("stands at a parameter that is no integer, string or boolean");
    }
    if !names.insert(name.to_ascii_lowercase()) {
        return Err("names a header that another parameter has");
    }
    Ok(())
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_escaped_and_not_at_any_length() {
        let long = "x\n".repeat(1_000);
        let schema = format!(
            r#"{{"properties":{{{}:{{"items":{{"x-mcp-header":"X"}}}}}}}}"#,
            Value::from(long)
        );
        let fault = checked(&schema).unwrap_err();
        assert!(fault.len() < 600 && !fault.contains('\n'), "{fault}");
        assert!(fault.contains(".items does not stand at"), "{fault}");
    }

    fn checked(schema: &str) -> Result<(), String> {
        let tool = format!(r#"{{"name":"t","inputSchema":{schema}}}"#);
        check(&RawValue::from_string(tool).unwrap())
    }

    /// Of an object with this one property.
    fn property(schema: &str) -> Result<(), String> {
        checked(&format!(
            r#"{{"type":"object","properties":{{"p":{schema}}}}}"#
        ))
    }

    #[test]
    fn parameters_of_simple_types_may_be_repeated_at_any_depth() {
        for kind in ["string", "integer", "boolean"] {
            let schema = format!(r#"{{"type":"{kind}","x-mcp-header":"Region-1!"}}"#);
            property(&schema).unwrap();
            property(&format!(
                r#"{{"type":"object","properties":{{"q":{schema}}}}}"#
            ))
            .unwrap();
        }
    }

    #[test]
    fn a_schema_without_annotations_is_nobodys_concern() {
        for schema in [
            "null",
            "{}",
            r#"{"properties":7,"items":[{"properties":{}}],"$defs":[1]}"#,
            r#"{"properties":{"x-mcp-header":{"type":"object"}}}"#,
            r#"{"default":{"x-mcp-header":7},"examples":[{"x-mcp-header":""}],"const":{"x-mcp-header":""}}"#,
        ] {
            checked(schema).unwrap();
        }
    }

    #[test]
    fn what_no_header_could_be_called_is_refused() {
        for name in [
            r#""""#,
            r#""a b""#,
            r#""a:b""#,
            r#""a\r\n""#,
            r#""é""#,
            "7",
            "null",
            "{}",
        ] {
            let error =
                property(&format!(r#"{{"type":"string","x-mcp-header":{name}}}"#)).unwrap_err();
            assert!(
                error.contains("inputSchema.properties.p is not a header's name"),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn what_no_header_could_hold_is_refused() {
        for kind in [
            r#""type":"number","#,
            r#""type":"object","#,
            r#""type":"array","#,
            r#""type":["string","null"],"#,
            "",
        ] {
            let error = property(&format!(r#"{{{kind}"x-mcp-header":"A"}}"#)).unwrap_err();
            assert!(
                error.contains("no integer, string or boolean"),
                "{kind}: {error}"
            );
        }
    }

    #[test]
    fn a_name_that_differs_in_case_alone_is_the_same() {
        let schema = r#"{"properties":{"a":{"type":"string","x-mcp-header":"Region"},
            "b":{"properties":{"c":{"type":"string","x-mcp-header":"REGION"}}}}}"#;
        let error = checked(schema).unwrap_err();
        assert!(error.contains("another parameter has"), "{error}");
    }

    #[test]
    fn what_is_not_always_at_one_place_is_refused() {
        let annotated = r#"{"type":"string","x-mcp-header":"A"}"#;
        checked(annotated).unwrap_err();
        for keyword in SCHEMAS {
            for value in [annotated.to_owned(), format!("[{annotated}]")] {
                let error = property(&format!(r#"{{"{keyword}":{value}}}"#)).unwrap_err();
                assert!(
                    error.contains("through properties alone"),
                    "{keyword}: {error}"
                );
            }
            let below = format!(r#"{{"{keyword}":{{"properties":{{"q":{annotated}}}}}}}"#);
            checked(&below).expect_err(keyword);
        }
        for keyword in MAPS_OF_SCHEMAS {
            checked(&format!(r#"{{"{keyword}":{{"q":{annotated}}}}}"#)).expect_err(keyword);
        }
    }
}
