//! What a client can be asked for.

use serde_json::value::RawValue;

use super::members::Members;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    form: bool,
    /// To follow a link.
    pub(crate) url: bool,
    sampling: bool,
    roots: bool,
}

impl Declared {
    /// Of a client's capabilities, an object. What is odd in it counts as not declared.
    ///
    /// MCP 2025-11-25, client/elicitation, Capabilities: an empty object means form alone.
    pub(crate) fn of(capabilities: &str) -> Self {
        let declared: Members<'_> = serde_json::from_str(capabilities).unwrap_or_default();
        let has = |name: &str| declared.get(name).is_some_and(is_object);
        let elicitation = declared.get("elicitation").and_then(Members::of);
        let modes = elicitation.unwrap_or_default();
        let is_mode = |name: &str| modes.get(name).is_some_and(is_object);
        let url = is_mode("url");
        Self {
            form: has("elicitation") && (is_mode("form") || !url),
            url,
            sampling: has("sampling"),
            roots: has("roots"),
        }
    }

    /// Whether a server may ask for this.
    ///
    /// MCP 2026-07-28, basic/patterns/mrtr: only for what the request has declared.
    pub(crate) fn allows(self, method: &str, params: Option<&RawValue>) -> bool {
        match method {
            "elicitation/create" => {
                let params = params.and_then(Members::of).unwrap_or_default();
                if params.text("mode").as_deref() == Some("url") {
                    self.url
                } else {
                    self.form
                }
            }
            "sampling/createMessage" => self.sampling,
            "roots/list" => self.roots,
            _ => false,
        }
    }
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(capabilities: &str) -> [bool; 4] {
        let link = RawValue::from_string(r#"{"mode":"url"}"#.to_owned()).unwrap();
        let declared = Declared::of(capabilities);
        [
            declared.allows("elicitation/create", None),
            declared.allows("elicitation/create", Some(&link)),
            declared.allows("sampling/createMessage", None),
            declared.allows("roots/list", None),
        ]
    }

    #[test]
    fn a_client_is_asked_for_what_it_has_declared() {
        for (capabilities, expected) in [
            ("{}", [false; 4]),
            (r#"{"elicitation":{}}"#, [true, false, false, false]),
            (r#"{"elicitation":{"url":{}}}"#, [false, true, false, false]),
            (
                r#"{"elicitation":{"url":{},"form":{}},"roots":{}}"#,
                [true, true, false, true],
            ),
            (r#"{"sampling":{"x":1}}"#, [false, false, true, false]),
            (r#"{"sampling":true,"roots":null}"#, [false; 4]),
            ("7", [false; 4]),
        ] {
            assert_eq!(asked(capabilities), expected, "{capabilities}");
        }
    }

    #[test]
    fn nobody_is_asked_for_anything_else() {
        let all = r#"{"elicitation":{},"sampling":{},"roots":{}}"#;
        assert!(!Declared::of(all).allows("tools/call", None));
    }
}
