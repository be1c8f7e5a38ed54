//! The part of an AuthPolicy that can be enforced. Anything else is an error, since it may have been meant to deny.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::api::AuthPolicy;

/// Reads the specification of a policy.
///
/// # Errors
/// Names the field and what is not supported there.
pub(super) fn read<T: DeserializeOwned>(policy: &AuthPolicy) -> Result<T, String> {
    serde_path_to_error::deserialize(&policy.spec.0)
        .map_err(|error| format!("spec.{}: {}", error.path(), error.inner()))
}

/// Of a policy of an HTTPRoute.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RouteSpec {
    pub(super) target_ref: TargetRef,
    #[serde(default)]
    pub(super) rules: RouteRules,
}

/// Of a policy of a Gateway.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct GatewaySpec {
    #[serde(rename = "targetRef")]
    _target_ref: TargetRef,
    #[serde(default)]
    pub(super) when: Vec<When>,
    #[serde(default)]
    pub(super) rules: GatewayRules,
}

/// A condition for the policy to hold for a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct When {
    pub(super) predicate: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TargetRef {
    #[serde(rename = "group")]
    _group: Option<String>,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "name")]
    _name: String,
    pub(super) section_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RouteRules {
    #[serde(default)]
    pub(super) authorization: BTreeMap<String, Authorization>,
    #[serde(default)]
    pub(super) response: RouteResponse,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct GatewayRules {
    #[serde(default)]
    pub(super) authentication: BTreeMap<String, AuthenticationRule>,
    #[serde(default)]
    pub(super) authorization: BTreeMap<String, Authorization>,
    #[serde(default)]
    pub(super) response: GatewayResponse,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AuthenticationRule {
    pub(super) jwt: Jwt,
    pub(super) credentials: Option<Credentials>,
    /// An order among rules of which any will do.
    #[serde(rename = "priority")]
    _priority: Option<IgnoredAny>,
    #[serde(rename = "metrics")]
    _metrics: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Jwt {
    pub(super) issuer_url: String,
    /// How long keys are kept; ours are fetched anew after some minutes whatever it says.
    #[serde(rename = "ttl")]
    _ttl: Option<IgnoredAny>,
}

/// Where tokens are in a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Credentials {
    pub(super) authorization_header: Option<Prefixed>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Prefixed {
    #[serde(default)]
    pub(super) prefix: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Authorization {
    pub(super) pattern_matching: PatternMatching,
    /// An order among rules that all must hold.
    #[serde(rename = "priority")]
    _priority: Option<IgnoredAny>,
    #[serde(rename = "metrics")]
    _metrics: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PatternMatching {
    pub(super) patterns: Vec<Pattern>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Pattern {
    pub(super) predicate: Option<String>,
    pub(super) all: Option<Vec<Pattern>>,
    pub(super) any: Option<Vec<Pattern>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RouteResponse {
    pub(super) unauthorized: Option<DenyWith>,
    /// Without authentication rules there is no such answer.
    #[serde(rename = "unauthenticated")]
    _unauthenticated: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) success: Success,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct GatewayResponse {
    pub(super) unauthenticated: Option<DenyWith>,
    pub(super) unauthorized: Option<DenyWith>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DenyWith {
    pub(super) code: Option<u16>,
    pub(super) message: Option<Text>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Text>,
    pub(super) body: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Success {
    #[serde(default)]
    pub(super) headers: BTreeMap<String, SuccessHeader>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SuccessHeader {
    pub(super) plain: Text,
    /// The header's name, where it is not the rule's.
    pub(super) key: Option<String>,
    #[serde(rename = "priority")]
    _priority: Option<IgnoredAny>,
    #[serde(rename = "metrics")]
    _metrics: Option<IgnoredAny>,
}

/// A fixed value, or a CEL expression.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Text {
    pub(super) value: Option<Value>,
    pub(super) expression: Option<String>,
}
