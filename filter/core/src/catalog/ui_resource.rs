//! What tools name to be shown beside their results (MCP Apps 2026-01-26, Resource Discovery).
//!
//! Hosts read such a resource by its URI, and a server need not list it. So the gateway has to know from the tools whose
//! it is.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

/// How their URIs begin (UI Resource Format).
const SCHEME: &str = "ui://";

/// A resource that can be read, and that no list need have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UiResource {
    /// As tools name it to clients.
    pub uri: String,
    /// As its server knows it, where that is another: an older server has that URI.
    pub own_uri: Option<String>,
}

/// In order, each with its token's place.
type Named = Vec<(Range<usize>, String)>;

/// The URIs that a tool's definition names, in `_meta.ui.resourceUri`, and in `_meta["ui/resourceUri"]` as older hosts
/// read it.
pub(super) fn named(tool: &str) -> Named {
    find(tool).unwrap_or_default()
}

/// The definition with other URIs, where `other` has some. No other byte changes.
pub(super) fn renamed(tool: &str, other: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut text = String::with_capacity(tool.len());
    let mut at = 0;
    for (place, uri) in named(tool) {
        if let Some(uri) = other(&uri) {
            text.push_str(tool.get(at..place.start)?);
            text.push_str(&serde_json::Value::String(uri).to_string());
            at = place.end;
        }
    }
    text.push_str(tool.get(at..)?);
    Some(text)
}

fn find(tool: &str) -> Option<Named> {
    let meta = members(members(tool)?.get(b"_meta".as_slice())?.get())?;
    let ui = meta.get(b"ui".as_slice()).and_then(|ui| members(ui.get()));
    let tokens = [
        meta.get(b"ui/resourceUri".as_slice()).copied(),
        ui.and_then(|ui| ui.get(b"resourceUri".as_slice()).copied()),
    ];
    let mut named: Named = tokens
        .into_iter()
        .flatten()
        .filter_map(|token| {
            let uri: String = serde_json::from_str(token.get()).ok()?;
            // The token is a slice of `tool`.
            let start = token.get().as_ptr() as usize - tool.as_ptr() as usize;
            let is_shown = uri.starts_with(SCHEME);
            is_shown.then(|| (start..start + token.get().len(), uri))
        })
        .collect();
    named.sort_by_key(|(place, _)| place.start);
    Some(named)
}

/// Of two with one key the last counts, as for most parsers.
fn members(object: &str) -> Option<BTreeMap<Key, &RawValue>> {
    serde_json::from_str(object).ok()
}

/// Bytes: a key with half a surrogate is no text, and what stands beside it counts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key(Vec<u8>);

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Key;
            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a key")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Key, E> {
                Ok(Key(bytes.to_owned()))
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const TOOL: &str = r#"{ "name":"t","_meta":{"ui/resourceUri":"ui:\/\/a","x":1.0e5, "\u0075i":{"resourceUri" : "ui://b","visibility":["app"]}} }"#;

    fn uris(tool: &str) -> Vec<String> {
        named(tool).into_iter().map(|(_, uri)| uri).collect()
    }

    #[test]
    fn both_spellings_of_a_tools_view_are_found() {
        assert_eq!(uris(TOOL), ["ui://a", "ui://b"]);
    }

    #[test]
    fn what_names_no_view_names_nothing() {
        for meta in [
            "null",
            "7",
            "{}",
            r#"{"ui":null}"#,
            r#"{"ui":{"resourceUri":7}}"#,
            r#"{"ui":{"resourceUri":"https://example.com"}}"#,
            r#"{"ui":{"resourceUri":"\ud800"}}"#,
            r#"{"ui":"ui://a"}"#,
        ] {
            let tool = format!(r#"{{"name":"t","_meta":{meta}}}"#);
            assert_eq!(uris(&tool), [""; 0], "{meta}");
        }
        assert_eq!(uris(r#"{"name":"t"}"#), [""; 0]);
        assert_eq!(uris("["), [""; 0]);
    }

    #[test]
    fn a_view_is_found_beside_keys_that_are_no_text() {
        let tool = r#"{"\udc00":1,"_meta":{"\ud800":{"\ud800":"\ud800"},"ui":{"\ud800x":1,"resourceUri":"ui://a"}}}"#;
        assert_eq!(uris(tool), ["ui://a"]);
        let renamed = renamed(tool, |_| Some("ui://b".to_owned()));
        assert_eq!(renamed, Some(tool.replace("ui://a", "ui://b")));
    }

    #[test]
    fn of_two_members_with_one_key_the_last_counts() {
        let tool = r#"{"_meta":{"ui":{"resourceUri":"ui://a"},"ui":{"resourceUri":"ui://b"}}}"#;
        assert_eq!(uris(tool), ["ui://b"]);
        let meta = |uri: &str| format!(r#""_meta":{{"ui":{{"resourceUri":"{uri}"}}}}"#);
        let tool = format!("{{{},{}}}", meta("ui://a"), meta("ui://b"));
        assert_eq!(uris(&tool), ["ui://b"]);
        let other = |uri: &str| (uri == "ui://b").then(|| "ui://c".to_owned());
        let expected = tool.replace("ui://b", "ui://c");
        assert_eq!(renamed(&tool, other), Some(expected));
    }

    #[test]
    fn another_uri_changes_no_other_byte() {
        let other = |uri: &str| (uri == "ui://b").then(|| "ui://\"".to_owned());
        let expected = TOOL.replace(r#""ui://b""#, r#""ui://\"""#);
        assert_eq!(renamed(TOOL, other), Some(expected));
        assert_eq!(renamed(TOOL, |_| None).as_deref(), Some(TOOL));
        let both = renamed(TOOL, |_| Some("ui://c".to_owned())).unwrap();
        assert_eq!(uris(&both), ["ui://c", "ui://c"]);
    }
}
