//! The labels by which this project's objects are told from others in a cluster, as Kubernetes recommends them ("Recommended
//! Labels").

/// The project that an object belongs to.
pub const PART_OF: &str = "app.kubernetes.io/part-of";
/// Whose it is among its like: of a WasmPlugin or EnvoyFilter, the Gateway.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// Its part: of a WasmPlugin, `route` or `gate`; of an EnvoyFilter, `hold`.
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// The program that makes, changes and deletes it.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Of which version it is.
pub const VERSION: &str = "app.kubernetes.io/version";

/// The project, as it stands in [`PART_OF`].
pub const PROJECT: &str = "mcp-proxy-wasm";
/// This program, as it stands in [`MANAGED_BY`].
pub const PROGRAM: &str = "mcp-control";

/// A label of an object.
pub(crate) fn label<'a>(object: &'a serde_json::Value, label: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(label)?.as_str()
}
