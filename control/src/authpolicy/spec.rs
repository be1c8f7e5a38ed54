//! The part of an AuthPolicy that can be enforced. Anything else is an error, since it may have been meant to deny.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    pub(super) target_ref: TargetRef,
    #[serde(default)]
    pub(super) rules: Rules,
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
pub(super) struct Rules {
    #[serde(default)]
    pub(super) authorization: BTreeMap<String, Authorization>,
    #[serde(default)]
    pub(super) response: Response,
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
pub(super) struct Response {
    pub(super) unauthorized: Option<DenyWith>,
    /// Without authentication rules there is no such answer.
    #[serde(rename = "unauthenticated")]
    _unauthenticated: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) success: Success,
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
