//! The definitions of this project's own kinds, as files for `kubectl`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;
use kube::core::crd::merge_crds;
use serde_json::{Value, json};

use crate::api::{McpGatewayExtension, McpServer, McpServerRegistration, McpVirtualServer};

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

/// All files of the folder `crds`, its `kustomization.yaml` included.
///
/// # Errors
/// By a mistake in the types alone.
pub fn files() -> Result<Vec<DefinitionFile>, Unwritable> {
    let definitions = [
        with_older_version(McpServerRegistration::crd())?,
        with_older_version(McpVirtualServer::crd())?,
        with_older_version(McpGatewayExtension::crd())?,
        McpServer::crd(),
    ];
    let mut files = Vec::new();
    for definition in definitions {
        let spec = &definition.spec;
        let name = format!("{}_{}.yaml", spec.group, spec.names.plural);
        files.push(file(name, &manifest(&definition)?)?);
    }
    let resources: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": resources,
    });
    let kustomization = file("kustomization.yaml".to_owned(), &kustomization)?;
    files.push(kustomization);
    Ok(files)
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

    use super::files;

    #[test]
    fn the_folder_holds_what_the_types_say() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crds"));
        let there = std::fs::read_dir(folder).unwrap();
        let mut there: BTreeSet<_> = there
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
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
}
