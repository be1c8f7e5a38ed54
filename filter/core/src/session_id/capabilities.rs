//! What a client can do for a server, as far as a gateway can pass it on.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::extension;

/// The capabilities that lead to requests of a server to its client, and that of showing views (MCP Apps), one bit each.
///
/// MCP 2025-11-25, basic/lifecycle, Capability Negotiation. What is not here cannot be served back and is not passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientCapabilities(u8);

const ROOTS: u8 = 1;
const ROOTS_LIST_CHANGED: u8 = 1 << 1;
const SAMPLING: u8 = 1 << 2;
const SAMPLING_TOOLS: u8 = 1 << 3;
const SAMPLING_CONTEXT: u8 = 1 << 4;
const ELICITATION_FORM: u8 = 1 << 5;
const ELICITATION_URL: u8 = 1 << 6;
const APPS: u8 = 1 << 7;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Declared<'a> {
    #[serde(borrow)]
    roots: Option<&'a RawValue>,
    #[serde(borrow)]
    sampling: Option<&'a RawValue>,
    #[serde(borrow)]
    elicitation: Option<&'a RawValue>,
    #[serde(borrow)]
    extensions: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extensions {
    #[serde(rename = "io.modelcontextprotocol/ui")]
    apps: Apps,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Apps {
    mime_types: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Details<'a> {
    #[serde(borrow)]
    list_changed: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
    #[serde(borrow)]
    form: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
}

impl ClientCapabilities {
    /// Reads the `capabilities` of an `initialize` request. What is odd in it counts as not declared.
    pub fn from_json(json: &[u8]) -> Self {
        let declared: Declared<'_> = serde_json::from_slice(json).unwrap_or_default();
        let mut bits = 0;
        if let Some(roots) = details(declared.roots) {
            bits |= ROOTS;
            bits |= bit(
                ROOTS_LIST_CHANGED,
                roots
                    .list_changed
                    .is_some_and(|value| value.get() == "true"),
            );
        }
        if let Some(sampling) = details(declared.sampling) {
            bits |= SAMPLING;
            bits |= bit(SAMPLING_TOOLS, is_object(sampling.tools));
            bits |= bit(SAMPLING_CONTEXT, is_object(sampling.context));
        }
        if let Some(elicitation) = details(declared.elicitation) {
            let url = is_object(elicitation.url);
            // MCP 2025-11-25, client/elicitation, Capabilities: an empty object means form alone.
            bits |= bit(ELICITATION_FORM, is_object(elicitation.form) || !url);
            bits |= bit(ELICITATION_URL, url);
        }
        bits |= bit(APPS, shows_apps(declared.extensions));
        Self(bits)
    }

    /// Those that change what a server shows, and lead to no request of its own.
    pub(crate) fn without_requests(self) -> Self {
        Self(self.0 & APPS)
    }

    /// Of a caller that has not introduced itself: what a server answers to who can show views can be read by others, too.
    ///
    /// MCP Apps 2026-01-26, Graceful Degradation.
    pub(crate) fn of_nobody() -> Self {
        Self(APPS)
    }

    /// The `capabilities` of an `initialize` request to a server on this client's behalf.
    pub fn to_json(self) -> String {
        let mut members = Vec::with_capacity(4);
        if self.has(ROOTS) {
            let inner = if self.has(ROOTS_LIST_CHANGED) {
                "\"listChanged\":true"
            } else {
                ""
            };
            members.push(format!("\"roots\":{{{inner}}}"));
        }
        if self.has(SAMPLING) {
            let inner = self.objects(&[(SAMPLING_TOOLS, "tools"), (SAMPLING_CONTEXT, "context")]);
            members.push(format!("\"sampling\":{{{inner}}}"));
        }
        match (self.has(ELICITATION_FORM), self.has(ELICITATION_URL)) {
            (false, false) => {}
            // The spelling of 2025-06-18, which later revisions read as form.
            (true, false) => members.push("\"elicitation\":{}".to_owned()),
            _ => {
                let inner = self.objects(&[(ELICITATION_FORM, "form"), (ELICITATION_URL, "url")]);
                members.push(format!("\"elicitation\":{{{inner}}}"));
            }
        }
        if self.has(APPS) {
            members.push(format!(
                r#""extensions":{{"{}":{{"mimeTypes":["{}"]}}}}"#,
                extension::APPS,
                extension::APPS_MIME_TYPE,
            ));
        }
        format!("{{{}}}", members.join(","))
    }

    /// Whether it can do nothing that a server could ask for.
    pub fn is_empty(self) -> bool {
        self.0 & !APPS == 0
    }

    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    pub(crate) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    fn objects(self, members: &[(u8, &str)]) -> String {
        let declared: Vec<String> = members
            .iter()
            .filter(|(bit, _)| self.has(*bit))
            .map(|(_, name)| format!("\"{name}\":{{}}"))
            .collect();
        declared.join(",")
    }
}

fn details(declared: Option<&RawValue>) -> Option<Details<'_>> {
    let value = declared.filter(|value| value.get().starts_with('{'))?;
    Some(serde_json::from_str(value.get()).unwrap_or_default())
}

/// MCP Apps 2026-01-26, Client<>Server Capability Negotiation: `mimeTypes` says what of them.
fn shows_apps(extensions: Option<&RawValue>) -> bool {
    let extensions = extensions.and_then(|value| serde_json::from_str(value.get()).ok());
    let Extensions { apps } = extensions.unwrap_or_default();
    let mut types = apps.mime_types.iter();
    types.any(|mime_type| mime_type == extension::APPS_MIME_TYPE)
}

fn is_object(value: Option<&RawValue>) -> bool {
    value.is_some_and(|value| value.get().starts_with('{'))
}

fn bit(bit: u8, set: bool) -> u8 {
    if set { bit } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::ClientCapabilities;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn passed_on(declared: &str) -> String {
        ClientCapabilities::from_json(declared.as_bytes()).to_json()
    }

    #[test]
    fn what_can_be_served_back_is_passed_on_as_declared() {
        for declared in [
            r#"{}"#,
            r#"{"roots":{}}"#,
            r#"{"roots":{"listChanged":true}}"#,
            r#"{"sampling":{}}"#,
            r#"{"sampling":{"tools":{},"context":{}}}"#,
            r#"{"elicitation":{}}"#,
            r#"{"elicitation":{"url":{}}}"#,
            r#"{"roots":{},"sampling":{"context":{}},"elicitation":{"form":{},"url":{}}}"#,
            r#"{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}}}"#,
        ] {
            assert_eq!(passed_on(declared), declared);
        }
    }

    #[test]
    fn what_cannot_be_served_back_is_left_out() {
        assert_eq!(
            passed_on(r#"{"experimental":{"x":1},"tasks":{},"extensions":{},"roots":{"y":1}}"#),
            r#"{"roots":{}}"#
        );
    }

    #[test]
    fn views_are_passed_on_where_hosts_show_those_that_there_are() {
        let declared = |apps: &str| {
            let json =
                format!(r#"{{"extensions":{{"x/y":1,"io.modelcontextprotocol/ui":{apps}}}}}"#);
            ClientCapabilities::from_json(json.as_bytes())
        };
        let shown = declared(r#"{"mimeTypes":["a/b","text/html;profile=mcp-app"],"features":[]}"#);
        assert_ne!(shown.to_json(), "{}");
        // No server asks for anything because of them.
        assert!(shown.is_empty());
        for other in [
            "{}",
            "null",
            r#"{"mimeTypes":["text/html"]}"#,
            r#"{"mimeTypes":"text/html;profile=mcp-app"}"#,
        ] {
            assert_eq!(declared(other).to_json(), "{}", "{other}");
        }
    }

    #[test]
    fn form_is_the_same_whether_it_is_said_or_not() {
        assert_eq!(
            passed_on(r#"{"elicitation":{"form":{}}}"#),
            r#"{"elicitation":{}}"#
        );
    }

    #[test]
    fn odd_values_count_as_not_declared() {
        for odd in [
            "",
            "null",
            "[]",
            "7",
            "{",
            r#"{"roots":null,"sampling":true,"elicitation":[]}"#,
            r#"{"roots":{},"roots":{}}"#,
            "\"\\ud800\"",
        ] {
            assert_eq!(passed_on(odd), "{}", "{odd}");
        }
        assert_eq!(
            passed_on(r#"{"roots":{"listChanged":"true"},"sampling":{"tools":1}}"#),
            r#"{"roots":{},"sampling":{}}"#
        );
    }
}
