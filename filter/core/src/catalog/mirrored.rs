//! Parameters of a tool that requests repeat in headers (MCP 2026-07-28, server/tools, x-mcp-header).

use memchr::memmem;
use serde_json::Value;

const ANNOTATION: &str = "x-mcp-header";

/// A parameter and its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirrored {
    /// The names that lead to it, from the arguments inwards.
    pub(crate) path: Vec<String>,
    /// The header's name, in lower case.
    pub(crate) header: String,
}

impl Mirrored {
    /// All of a tool's, by its definition. Control has left out tools that break the rules of the annotation, so what
    /// is none by these is only passed over.
    pub(crate) fn of_tool(definition: &[u8]) -> Vec<Self> {
        let mut found = Vec::new();
        // The annotation, or some name of ASCII that is spelled with escapes.
        let may_have = memmem::find(definition, ANNOTATION.as_bytes()).is_some()
            || memmem::find(definition, br"\u00").is_some();
        if may_have {
            let tool: Value = serde_json::from_slice(definition).unwrap_or_default();
            if let Some(schema) = tool.get("inputSchema") {
                visit(schema, &mut Vec::new(), &mut found);
            }
        }
        found
    }
}

/// Looks at what is reached through `properties` alone. Recursion ends where the parser's nesting does.
fn visit(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Mirrored>) {
    let annotation = schema.get(ANNOTATION).and_then(Value::as_str);
    if let Some(name) = annotation.filter(|name| !path.is_empty() && is_token(name)) {
        found.push(Mirrored {
            path: path.clone(),
            header: format!("mcp-param-{}", name.to_ascii_lowercase()),
        });
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        path.push(name.clone());
        visit(schema, path, found);
        path.pop();
    }
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn found(schema: &str) -> Vec<(String, String)> {
        let tool = format!(r#"{{"name":"t","inputSchema":{schema}}}"#);
        let found = Mirrored::of_tool(tool.as_bytes());
        found
            .into_iter()
            .map(|one| (one.path.join("/"), one.header))
            .collect()
    }

    fn one(path: &str, header: &str) -> (String, String) {
        (path.to_owned(), header.to_owned())
    }

    #[test]
    fn parameters_are_found_at_any_depth() {
        let schema = r#"{"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "where":{"properties":{"zone":{"type":"integer","x-mcp-header":"zone-1!"}}},
            "plain":{"type":"string"}}}"#;
        let expected = [
            one("region", "mcp-param-region"),
            one("where/zone", "mcp-param-zone-1!"),
        ];
        assert_eq!(found(schema), expected);
    }

    #[test]
    fn an_annotation_that_is_spelled_with_escapes_is_one() {
        let schema = r#"{"properties":{"a":{"x\u002dmcp-header":"A"}}}"#;
        assert_eq!(found(schema), [one("a", "mcp-param-a")]);
    }

    #[test]
    fn what_stands_elsewhere_is_none() {
        for schema in [
            r#"{"x-mcp-header":"A"}"#,
            r#"{"properties":{"a":{"items":{"x-mcp-header":"A"}}}}"#,
            r#"{"properties":{"a":{"x-mcp-header":"a b"}}}"#,
            r#"{"properties":{"a":{"x-mcp-header":""}}}"#,
            r#"{"properties":{"a":{"x-mcp-header":7}}}"#,
            r#"{"properties":{"x-mcp-header":{"type":"string"}}}"#,
            r#"{"properties":["x-mcp-header"]}"#,
            "null",
        ] {
            assert_eq!(found(schema), [], "{schema}");
        }
    }
}
