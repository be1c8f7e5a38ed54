//! A JSON object's members as slices of the text that it was read from.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Members in the order in which they were written, duplicates included, values untouched.
#[derive(Debug)]
pub(super) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Fails where `json` is no object, or a key is no Unicode text.
    pub(super) fn read(json: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(json)
    }

    /// The value of the last member `key`, as most parsers have it.
    pub(super) fn last(&self, key: &str) -> Option<&'a RawValue> {
        self.iter()
            .rfind(|(candidate, _)| *candidate == key)
            .map(|(_, value)| value)
    }

    /// The first key that stands twice.
    pub(super) fn duplicate(&self) -> Option<&str> {
        let mut seen = std::collections::HashSet::new();
        self.iter()
            .map(|(key, _)| key)
            .find(|key| !seen.insert(*key))
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), *value))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
