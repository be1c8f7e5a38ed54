//! What a tool says of itself in its `annotations`.

use serde::Deserialize;
use serde_json::Value;

/// The names that go with the header's values, and the members of `annotations` that they come from.
const HINTS: [(&str, &str); 4] = [
    ("readOnly", "readOnlyHint"),
    ("destructive", "destructiveHint"),
    ("idempotent", "idempotentHint"),
    ("openWorld", "openWorldHint"),
];

/// The four hints of MCP 2025-11-25, schema, ToolAnnotations, each of which may be absent.
///
/// In one number: two bits for each hint, that for read-only in the lowest, then destructive, idempotent, open-world. 0 is
/// absent, 1 false, and 2 true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolHints(u8);

#[derive(Default, Deserialize)]
struct Annotated {
    #[serde(default)]
    annotations: Value,
}

impl ToolHints {
    /// Reads a tool's definition. What is no boolean is no hint.
    pub(super) fn of_tool(json: &str) -> Self {
        let tool: Annotated = serde_json::from_str(json).unwrap_or_default();
        let code = HINTS.iter().rev().fold(0, |code, (_, member)| {
            let hint = tool.annotations.get(member).and_then(Value::as_bool);
            code << 2 | hint.map_or(0, |hint| 1 + u8::from(hint))
        });
        Self(code)
    }

    /// The inverse of [`ToolHints::code`]. A hint that is not known is absent.
    pub(super) fn of_code(code: u8) -> Self {
        Self(code)
    }

    /// As it stands in the packed form.
    pub(super) fn code(self) -> u8 {
        self.0
    }

    /// Whether the tool gives no hint.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// The value of `x-mcp-annotation-hints`: all four, such as `readOnly=true,destructive=unspecified,...`.
    pub fn header_value(self) -> String {
        let mut value = String::with_capacity(80);
        for (place, (name, _)) in HINTS.iter().enumerate() {
            if place > 0 {
                value.push(',');
            }
            value.push_str(name);
            value.push_str(match self.0 >> (2 * place) & 3 {
                1 => "=false",
                2 => "=true",
                _ => "=unspecified",
            });
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn each_hint_is_told_as_the_tool_gives_it() {
        let all = r#"{"annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":false,"title":"x"}}"#;
        for (json, value) in [
            (
                all,
                "readOnly=true,destructive=false,idempotent=true,openWorld=false",
            ),
            (
                r#"{"annotations":{"openWorldHint":true}}"#,
                "readOnly=unspecified,destructive=unspecified,idempotent=unspecified,openWorld=true",
            ),
            (
                r#"{"annotations":{"readOnlyHint":false,"idempotentHint":"true"}}"#,
                "readOnly=false,destructive=unspecified,idempotent=unspecified,openWorld=unspecified",
            ),
        ] {
            let hints = ToolHints::of_tool(json);
            assert_eq!(hints.header_value(), value);
            assert_eq!(ToolHints::of_code(hints.code()), hints);
            assert!(!hints.is_empty());
        }
    }

    #[test]
    fn a_tool_without_hints_has_none() {
        for json in [
            r#"{"name":"a"}"#,
            r#"{"annotations":{"title":"x"}}"#,
            r#"{"annotations":["readOnlyHint"]}"#,
            r#"{"annotations":null}"#,
            r#"{"annotations":{},"annotations":{"readOnlyHint":true}}"#,
        ] {
            assert!(ToolHints::of_tool(json).is_empty(), "{json}");
        }
    }
}
