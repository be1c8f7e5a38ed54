//! Which configurations a filter can read.

use std::collections::{BTreeMap, BTreeSet};

use mcp_filter_config::PluginConfig;
use serde_json::Value;

/// Annotation of an image of the filter: the versions of configurations that it reads, with commas between them.
pub const VERSIONS: &str = "mcp-proxy-wasm.config.versions";

/// The same of the names in `requires`. Absent where it knows none.
pub const REQUIREMENTS: &str = "mcp-proxy-wasm.config.requirements";

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Understood {
    versions: BTreeSet<u32>,
    requirements: BTreeSet<String>,
}

impl Understood {
    /// What the annotations of an image say. Nothing where they are not those of a filter's.
    pub fn of_annotations(annotations: &BTreeMap<String, String>) -> Option<Self> {
        let versions = listed(annotations.get(VERSIONS)?).map(str::parse);
        let versions: BTreeSet<_> = versions.collect::<Result<_, _>>().ok()?;
        let requirements = annotations.get(REQUIREMENTS).map(String::as_str);
        let requirements = listed(requirements.unwrap_or_default()).map(str::to_owned);
        (!versions.is_empty()).then(|| Self {
            versions,
            requirements: requirements.collect(),
        })
    }

    /// Of a filter that was given this configuration before, by whoever had looked at its image then.
    pub fn of_given(config: &Value) -> Self {
        let version = config.get("version").and_then(Value::as_u64);
        let version = version.and_then(|version| u32::try_from(version).ok());
        let required = config.get("requires").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        Self {
            versions: version.into_iter().collect(),
            requirements: required.map(str::to_owned).collect(),
        }
    }

    /// Why it could not read a configuration; `None` if it can.
    pub fn lacks(&self, config: &PluginConfig) -> Option<String> {
        if !self.versions.contains(&config.version) {
            let versions: Vec<_> = self.versions.iter().map(ToString::to_string).collect();
            return Some(format!(
                "it reads configurations of version {}, and control writes version {}",
                versions.join(" and "),
                config.version
            ));
        }
        let mut required = config.requires.iter();
        let unknown = required.find(|name| !self.requirements.contains(*name))?;
        Some(format!(
            "it does not know `{unknown}`, which the configuration requires"
        ))
    }
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    let names = text.split(',').map(str::trim);
    names.filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(versions: &str, requirements: Option<&str>) -> Option<Understood> {
        let annotations = [(VERSIONS, Some(versions)), (REQUIREMENTS, requirements)];
        let annotations = annotations.into_iter();
        let annotations =
            annotations.filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
        Understood::of_annotations(&annotations.collect())
    }

    fn config(version: u32, requires: &[&str]) -> PluginConfig {
        let mut config: PluginConfig =
            serde_json::from_str(r#"{"version": 1, "role": "route"}"#).unwrap();
        config.version = version;
        config.requires = requires.iter().map(ToString::to_string).collect();
        config
    }

    #[test]
    fn a_filter_reads_the_versions_that_its_image_names() {
        let understood = understood("1, 2", None).unwrap();
        assert_eq!(understood.lacks(&config(1, &[])), None);
        assert_eq!(understood.lacks(&config(2, &[])), None);
        let told = understood.lacks(&config(3, &[])).unwrap();
        assert_eq!(
            told,
            "it reads configurations of version 1 and 2, and control writes version 3"
        );
    }

    #[test]
    fn a_filter_knows_the_requirements_that_its_image_names() {
        let understood = understood("1", Some("streams,claims")).unwrap();
        assert_eq!(understood.lacks(&config(1, &["claims"])), None);
        let told = understood.lacks(&config(1, &["claims", "tasks"])).unwrap();
        assert!(told.contains("`tasks`"), "{told}");
    }

    #[test]
    fn an_image_that_does_not_say_so_in_numbers_is_no_filters() {
        for versions in ["", ",", "one", "1,x"] {
            assert_eq!(understood(versions, None), None, "{versions:?}");
        }
        assert_eq!(Understood::of_annotations(&BTreeMap::new()), None);
    }

    #[test]
    fn a_filter_reads_again_what_it_was_given_before() {
        let before = config(1, &["claims"]);
        let given = Understood::of_given(&serde_json::to_value(&before).unwrap());
        assert_eq!(given.lacks(&before), None);
        assert!(given.lacks(&config(2, &[])).is_some());
        assert!(given.lacks(&config(1, &["tasks"])).is_some());
        let nothing = Understood::of_given(&Value::Null);
        assert!(nothing.lacks(&before).is_some());
    }
}
