//! JSON objects whose members keep their order, and whose values keep their bytes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in their order, each value as it was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Of the object that `json` is; `None` where it is none.
    pub(crate) fn of(json: &'a RawValue) -> Option<Self> {
        serde_json::from_str(json.get()).ok()
    }

    /// The value of the member with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().find(|(candidate, _)| candidate == name);
        found.map(|(_, value)| *value)
    }

    /// The text of the member with this name, where it is a string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// Whether it has no member.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(map.size_hint().unwrap_or_default());
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// Writes one object.
#[derive(Debug, Default)]
pub(crate) struct ObjectWriter(String);

impl ObjectWriter {
    /// One member more, whose value is JSON already.
    pub(crate) fn member(mut self, name: &str, json: &str) -> Self {
        let separator = if self.0.is_empty() { '{' } else { ',' };
        self.0.push(separator);
        self.0 += &string(name);
        self.0.push(':');
        self.0 += json;
        self
    }

    /// The object.
    pub(crate) fn end(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }
}

/// A JSON string.
pub(crate) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_their_bytes() {
        let json = r#"{"b": 1.0e5, "a":{"z":1,"y":[ ]},"b2":"\u0041"}"#;
        let members: Members<'_> = serde_json::from_str(json).unwrap();
        let written = members
            .iter()
            .fold(ObjectWriter::default(), |object, (name, value)| {
                object.member(name, value.get())
            });
        assert_eq!(
            written.end(),
            r#"{"b":1.0e5,"a":{"z":1,"y":[ ]},"b2":"\u0041"}"#
        );
        assert_eq!(members.text("b2").as_deref(), Some("A"));
        assert_eq!(members.text("b"), None);
    }

    #[test]
    fn an_object_without_members_is_written_as_one() {
        assert_eq!(ObjectWriter::default().end(), "{}");
    }
}
