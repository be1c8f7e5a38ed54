use std::fmt;

use serde::{Deserialize, Serialize};

/// Keys and lifetime of the session ids that the filter mints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Sessions {
    /// The first mints; all are accepted, so that a rotation ends no session.
    pub keys: Vec<SessionKey>,
    /// Age at which a session id is no longer accepted, in seconds.
    pub ttl_seconds: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            ttl_seconds: 24 * 60 * 60,
        }
    }
}

/// A key for message authentication. Of low value on purpose: a session id carries no authority.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionKey {
    /// Stands in each id minted with it.
    pub id: u8,
    /// 32 bytes, standard base64.
    pub secret: String,
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// How the filter recognises control.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ControlKeys {
    /// Ed25519 public keys (RFC 8032), 32 bytes each, standard base64.
    pub public_keys: Vec<String>,
}
