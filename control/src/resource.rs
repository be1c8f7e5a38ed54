//! How an apiserver is asked for objects of a kind that has no type here.

use kube::core::{ApiResource, GroupVersionKind};

use crate::object::ObjectName;

/// One object, by its kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectKey {
    /// `apiVersion`
    pub(crate) version: &'static str,
    /// `kind`
    pub(crate) kind: &'static str,
    pub(crate) name: ObjectName,
}

/// `apiVersion` of Istio's `WasmPlugin`.
pub(crate) const WASM_PLUGIN_VERSION: &str = "extensions.istio.io/v1alpha1";

/// `kind` of the same.
pub(crate) const WASM_PLUGIN: &str = "WasmPlugin";

/// `apiVersion` of Istio's `EnvoyFilter`.
pub(crate) const ENVOY_FILTER_VERSION: &str = "networking.istio.io/v1alpha3";

/// `kind` of the same.
pub(crate) const ENVOY_FILTER: &str = "EnvoyFilter";

/// `apiVersion` of Istio's `RequestAuthentication`.
pub(crate) const REQUEST_AUTHENTICATION_VERSION: &str = "security.istio.io/v1";

/// `kind` of the same.
pub(crate) const REQUEST_AUTHENTICATION: &str = "RequestAuthentication";

/// A kind, by `apiVersion` and `kind` of its objects.
pub(crate) fn group_version_kind(api_version: &str, kind: &str) -> GroupVersionKind {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    GroupVersionKind::gvk(group, version, kind)
}

/// The same, with the plural that all kinds here have.
pub(crate) fn api_resource(api_version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&group_version_kind(api_version, kind))
}
