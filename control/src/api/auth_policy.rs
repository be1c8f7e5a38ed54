use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
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

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthPolicyStatus {
    /// `Accepted`, `Enforced`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Of which `metadata.generation` this is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}
