//! The file form of an xDS answer.

use std::path::Path;

use serde_json::{Value, json};

/// A `DiscoveryResponse`. Envoy reports `version` in the `version_text` of its statistics once it has taken the file.
pub fn response(version: &str, resources: &[Value]) -> Value {
    json!({ "version_info": version, "resources": resources })
}

/// A `google.protobuf.Any` of the Envoy type `name`, whose fields are `fields`.
pub(super) fn typed(name: &str, mut fields: Value) -> Value {
    if let Value::Object(members) = &mut fields {
        members.insert(
            "@type".to_owned(),
            format!("type.googleapis.com/{name}").into(),
        );
    }
    fields
}

/// A `ConfigSource` that reads `path`, anew whenever another file is moved to that name.
pub(super) fn from_file(path: &Path) -> Value {
    json!({ "path_config_source": { "path": text(path) }, "resource_api_version": "V3" })
}

/// A path as JSON, which knows no other bytes than UTF-8.
pub(super) fn text(path: &Path) -> Value {
    path.to_string_lossy().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_carries_version_and_resources() {
        let resource = typed("envoy.config.cluster.v3.Cluster", json!({ "name": "a" }));
        assert_eq!(
            response("7", &[resource]),
            json!({
                "version_info": "7",
                "resources": [
                    { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "a" }
                ],
            })
        );
    }
}
