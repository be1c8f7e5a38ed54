//! The definitions of this project's own kinds, as files for `kubectl`; and, apart from these, that of AuthPolicy.

mod auth_policy;

pub use auth_policy::AUTH_POLICIES;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;
use kube::core::crd::merge_crds;
use serde_json::{Value, json};

use crate::api::{McpGatewayExtension, McpServer, McpServerRegistration, McpVirtualServer};
use crate::labels::{PART_OF, PROJECT};

/// The version that the guides write; `v1` is stored.
const OLDER_VERSION: &str = "v1alpha1";

/// The first lines of each file.
const HEAD: &str = "# Made by scripts/generate-crds from control/src/api.\n";

/// One file of the folder `crds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionFile {
    /// Without the folder.
    pub name: String,
    /// YAML.
    pub text: String,
}

/// Why a definition cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    /// Its versions do not go together.
    #[error(transparent)]
    Versions(#[from] kube::core::crd::MergeError),
    /// It has no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It has no YAML.
    #[error(transparent)]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// The folder of the definition that is installed only by who wants it.
const APART: &str = "auth-policies/";

/// All files of the folder `crds`, its `kustomization.yaml` included, and that of the folder within.
///
/// # Errors
/// By a mistake in the types alone.
pub fn files() -> Result<Vec<DefinitionFile>, Unwritable> {
    let mut files = folder("", definitions()?)?;
    files.extend(folder(APART, [auth_policy::definition()?])?);
    Ok(files)
}

/// The definitions in a folder, and what applies them all.
fn folder(
    path: &str,
    definitions: impl IntoIterator<Item = CustomResourceDefinition>,
) -> Result<Vec<DefinitionFile>, Unwritable> {
    let mut files = Vec::new();
    let mut resources = Vec::new();
    for mut definition in definitions {
        let labels = definition.metadata.labels.get_or_insert_default();
        labels.insert(PART_OF.to_owned(), PROJECT.to_owned());
        let spec = &definition.spec;
        let name = format!("{}_{}.yaml", spec.group, spec.names.plural);
        files.push(file(format!("{path}{name}"), &manifest(&definition)?)?);
        resources.push(name);
    }
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": resources,
    });
    files.push(file(format!("{path}kustomization.yaml"), &kustomization)?);
    Ok(files)
}

/// The names of the definitions.
pub fn names() -> [&'static str; 4] {
    [
        McpServerRegistration::crd_name(),
        McpVirtualServer::crd_name(),
        McpGatewayExtension::crd_name(),
        McpServer::crd_name(),
    ]
}

/// Which of a cluster's definitions of these names are somebody else's, and what to do: a sentence for each. Two
/// programs that answer one object would write over each other's status without end.
pub fn foreign(definitions: &[Value]) -> Vec<String> {
    let label = |definition: &Value| {
        definition
            .pointer("/metadata/labels")?
            .get(PART_OF)?
            .as_str()
            .map(str::to_owned)
    };
    definitions
        .iter()
        .filter(|definition| label(definition).as_deref() != Some(PROJECT))
        .filter_map(|definition| definition.pointer("/metadata/name")?.as_str())
        .filter(|name| names().contains(name))
        .map(told)
        .collect()
}

fn told(name: &str) -> String {
    format!(
        "CustomResourceDefinition {name} has another owner: it lacks the label {PART_OF}={PROJECT}. Remove the MCP \
         gateway that it belongs to, with its definitions, and install again; or, where nothing else answers these \
         objects, hand it over: kubectl label --overwrite crd {name} {PART_OF}={PROJECT}"
    )
}

fn definitions() -> Result<[CustomResourceDefinition; 4], Unwritable> {
    Ok([
        with_older_version(McpServerRegistration::crd())?,
        with_older_version(McpVirtualServer::crd())?,
        with_older_version(McpGatewayExtension::crd())?,
        McpServer::crd(),
    ])
}

fn with_older_version(
    newer: CustomResourceDefinition,
) -> Result<CustomResourceDefinition, Unwritable> {
    let mut older = newer.clone();
    for version in &mut older.spec.versions {
        version.name = OLDER_VERSION.to_owned();
    }
    Ok(merge_crds(vec![newer, older], "v1")?)
}

/// What stands in a manifest: no status.
fn manifest(definition: &CustomResourceDefinition) -> Result<Value, Unwritable> {
    let mut definition = serde_json::to_value(definition)?;
    if let Some(members) = definition.as_object_mut() {
        members.remove("status");
    }
    forbid_null(&mut definition);
    Ok(definition)
}

/// Takes `nullable` away, which stands at each field that may be absent: a null would be there for `has` in a rule, and
/// say nothing.
fn forbid_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.retain(|name, value| name != "nullable" || !value.is_boolean());
            members.values_mut().for_each(forbid_null);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        _ => {}
    }
}

fn file(name: String, content: &Value) -> Result<DefinitionFile, Unwritable> {
    let text = format!("{HEAD}{}", serde_saphyr::to_string(content)?);
    Ok(DefinitionFile { name, text })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::{Value, json};

    use super::{APART, definitions, files, foreign, names};

    #[test]
    fn the_folder_holds_what_the_types_say() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crds"));
        let there = |within: &str| {
            let entries = std::fs::read_dir(folder.join(within)).unwrap();
            let entries = entries.map(|entry| entry.unwrap());
            let files = entries.filter(|entry| entry.path().is_file());
            let names = files.map(|entry| entry.file_name().into_string().unwrap());
            names
                .map(|name| format!("{within}{name}"))
                .collect::<Vec<_>>()
        };
        let mut there: BTreeSet<_> = [there(""), there(APART)].concat().into_iter().collect();
        for file in files().unwrap() {
            let text = std::fs::read_to_string(folder.join(&file.name)).unwrap_or_default();
            assert!(
                text == file.text,
                "{} is stale: run scripts/generate-crds",
                file.name
            );
            there.remove(&file.name);
        }
        assert_eq!(there, BTreeSet::new(), "made by nothing");
    }

    /// As a cluster has them.
    fn own() -> Vec<Value> {
        let files = files().unwrap();
        let texts = files.iter().map(|file| serde_saphyr::from_str(&file.text));
        let objects = texts.map(|object| object.unwrap());
        objects
            .filter(|object: &Value| {
                let name = object["metadata"]["name"].as_str();
                object["kind"] == "CustomResourceDefinition"
                    && name.is_some_and(|name| names().contains(&name))
            })
            .collect()
    }

    #[test]
    fn own_definitions_are_not_foreign() {
        assert_eq!(foreign(&own()), Vec::<String>::new());
    }

    #[test]
    fn the_names_are_those_of_the_definitions() {
        let definitions = definitions().unwrap();
        let there = definitions.map(|definition| definition.metadata.name.unwrap());
        assert_eq!(there, names());
    }

    #[test]
    fn a_definition_without_the_label_is_foreign_and_told_with_what_to_do() {
        let mut definitions = own();
        definitions[1]["metadata"]["labels"] = json!({"app.kubernetes.io/part-of": "another"});
        definitions[3]["metadata"]["labels"].take();
        definitions.push(json!({"metadata": {"name": "gateways.example.com"}}));
        let told = foreign(&definitions);
        assert_eq!(told.len(), 2, "{told:?}");
        for (told, name) in told.iter().zip([
            "mcpvirtualservers.mcp.kuadrant.io",
            "mcpservers.mcp.kagenti.com",
        ]) {
            assert!(
                told.starts_with(&format!("CustomResourceDefinition {name} ")),
                "{told}"
            );
            assert!(
                told.ends_with(&format!(
                    "crd {name} app.kubernetes.io/part-of=mcp-proxy-wasm"
                )),
                "{told}"
            );
        }
    }
}
