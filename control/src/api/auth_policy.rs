use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kuadrant's AuthPolicy. Its specification is kept as it came, so that none of it can be overlooked:
/// a policy that cannot be read denies, it is never dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthPolicy {
    /// `kuadrant.io/v1`
    pub api_version: String,
    /// `AuthPolicy`
    pub kind: String,
    /// Metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// See [`AuthPolicySpec`].
    #[serde(default)]
    pub spec: AuthPolicySpec,
}

/// `spec` of an AuthPolicy, read by `authpolicy`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthPolicySpec(pub Value);
