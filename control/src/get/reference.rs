//! Which object something is about.

use std::fmt;

use serde::Serialize;

use crate::manifests::Identity;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) kind: &'static str,
    /// Empty where the kind has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) namespace: String,
    pub(super) name: String,
}

impl From<Identity> for Reference {
    fn from(identity: Identity) -> Self {
        Self {
            kind: identity.kind.as_str(),
            namespace: identity.name.namespace,
            name: identity.name.name,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}
