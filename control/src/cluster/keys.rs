//! The keys that all controls of a cluster share: a Secret.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use mcp_filter_config::{ControlKeys, Sessions};

use super::lease::CONFLICT;
use super::session_keys::{Bytes, SessionKeys};
use crate::gateway_client::Signer;
use crate::labels::{PART_OF, PROJECT};
use crate::render::Keys;

/// The Secret's name.
const SECRET: &str = "mcp-control-keys";
/// With which session ids are minted: in JSON, in the order of their making.
const SESSION_KEYS: &str = "session-keys";
/// With which control signs its own requests: in base64.
const CONTROL_KEY: &str = "control-key";

/// Keys can be neither read nor made.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyError {
    #[error("Secret {namespace}/{SECRET}: {cause}")]
    Api {
        namespace: String,
        cause: Box<kube::Error>,
    },
    #[error(
        "Secret {namespace}/{SECRET}, key {key}: {reason}; delete the Secret and restart control for new keys, which ends \
         all sessions"
    )]
    Malformed {
        namespace: String,
        key: &'static str,
        reason: String,
    },
    #[error(
        "Secret {namespace}/{SECRET} was deleted or has another {CONTROL_KEY} than at the start: what was read then goes \
         on; restart control for new keys"
    )]
    Replaced { namespace: String },
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

impl KeyError {
    /// Whether another try may soon succeed.
    pub(super) fn is_for_now(&self) -> bool {
        matches!(self, Self::Api { .. })
    }
}

/// They are never printed.
pub(super) struct SharedKeys {
    secrets: Api<Secret>,
    namespace: String,
    content: Content,
    /// Of the Secret that was read last.
    metadata: ObjectMeta,
}

/// What the Secret holds.
#[derive(PartialEq, Eq)]
struct Content {
    sessions: SessionKeys,
    control: Bytes,
}

impl std::fmt::Debug for SharedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedKeys").finish_non_exhaustive()
    }
}

impl SharedKeys {
    /// Reads them, or makes them where there are none yet.
    pub(super) async fn open(client: Client, namespace: &str) -> Result<Self, KeyError> {
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        let failed = |cause| api_error(namespace, cause);
        let found = secrets.get_opt(SECRET).await.map_err(failed)?;
        let secret = match found {
            Some(secret) => secret,
            None => {
                let content = Content {
                    sessions: SessionKeys::first(&random()?, Timestamp::now()),
                    control: random()?,
                };
                let made = content.secret(ObjectMeta::default());
                match secrets.create(&PostParams::default(), &made).await {
                    Ok(secret) => secret,
                    Err(error) if is_conflict(&error) => {
                        secrets.get(SECRET).await.map_err(failed)?
                    }
                    Err(error) => return Err(failed(error)),
                }
            }
        };
        Ok(Self {
            content: Content::read(namespace, &secret)?,
            metadata: secret.metadata,
            secrets,
            namespace: namespace.to_owned(),
        })
    }

    /// Takes over what another control has changed since. What was read before goes on where that fails.
    pub(super) async fn read(&mut self) -> Result<(), KeyError> {
        let found = self.secrets.get_opt(SECRET).await;
        let found = found.map_err(|cause| api_error(&self.namespace, cause))?;
        let replaced = || KeyError::Replaced {
            namespace: self.namespace.clone(),
        };
        let secret = found.ok_or_else(replaced)?;
        let content = Content::read(&self.namespace, &secret)?;
        if content.control != self.content.control {
            return Err(replaced());
        }
        self.content = content;
        self.metadata = secret.metadata;
        Ok(())
    }

    /// Puts a new key of sessions beside those that were read last, where that is due. Only who leads may do so.
    pub(super) async fn rotate(&mut self, now: Timestamp) -> Result<(), KeyError> {
        let Some(sessions) = self.content.sessions.rotated(&random()?, now) else {
            return Ok(());
        };
        let content = Content {
            sessions,
            ..self.content
        };
        // With its version, so that of two that write at once one is refused.
        let renewed = content.secret(self.metadata.clone());
        let parameters = PostParams::default();
        let written = self.secrets.replace(SECRET, &parameters, &renewed).await;
        written.map_err(|cause| api_error(&self.namespace, cause))?;
        tracing::info!("the key of session ids is rotated: {:?}", content.sessions);
        self.content = content;
        Ok(())
    }

    /// Signs requests to a gateway.
    pub(super) fn signer(&self) -> Signer {
        Signer::new(self.content.control)
    }

    /// What filters are given now.
    pub(super) fn for_filters(&self, now: Timestamp) -> Keys {
        Keys {
            sessions: Sessions {
                keys: self.content.sessions.in_force(now),
                ..Sessions::default()
            },
            control: ControlKeys {
                public_keys: vec![self.signer().public_key()],
            },
        }
    }
}

impl Content {
    fn read(namespace: &str, secret: &Secret) -> Result<Self, KeyError> {
        let malformed = |key, reason: String| KeyError::Malformed {
            namespace: namespace.to_owned(),
            key,
            reason,
        };
        let value = |key: &'static str| {
            let data = secret.data.as_ref().and_then(|data| data.get(key));
            data.map(|data| data.0.as_slice())
                .ok_or_else(|| malformed(key, "is missing".to_owned()))
        };
        let control = STANDARD.decode(value(CONTROL_KEY)?.trim_ascii()).ok();
        let control: Option<Bytes> = control.and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            sessions: serde_json::from_slice(value(SESSION_KEYS)?)
                .map_err(|error| malformed(SESSION_KEYS, no_keys(&error)))?,
            control: control
                .ok_or_else(|| malformed(CONTROL_KEY, "is not 32 bytes in base64".to_owned()))?,
        })
    }

    fn secret(&self, metadata: ObjectMeta) -> Secret {
        // Numbers, letters and lists alone: cannot fail.
        let sessions = serde_json::to_vec(&self.sessions).unwrap_or_default();
        let control = STANDARD.encode(self.control).into_bytes();
        let mut labels = metadata.labels.unwrap_or_default();
        labels.insert(PART_OF.to_owned(), PROJECT.to_owned());
        Secret {
            metadata: ObjectMeta {
                name: Some(SECRET.to_owned()),
                labels: Some(labels),
                ..metadata
            },
            data: Some(BTreeMap::from([
                (SESSION_KEYS.to_owned(), ByteString(sessions)),
                (CONTROL_KEY.to_owned(), ByteString(control)),
            ])),
            ..Secret::default()
        }
    }
}

fn random() -> Result<Bytes, KeyError> {
    let mut bytes = Bytes::default();
    getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
    Ok(bytes)
}

/// Where the mistake is. The error's own words may quote a key.
fn no_keys(error: &serde_json::Error) -> String {
    format!(
        "is no list of keys, each with id, secret and from: line {}, column {}",
        error.line(),
        error.column()
    )
}

fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == CONFLICT)
}

fn api_error(namespace: &str, cause: kube::Error) -> KeyError {
    KeyError::Api {
        namespace: namespace.to_owned(),
        cause: Box::new(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Content {
        Content {
            sessions: SessionKeys::first(&random().unwrap(), Timestamp::now()),
            control: random().unwrap(),
        }
    }

    #[test]
    fn keys_that_were_made_can_be_read() {
        let made = made();
        let read = Content::read("mcp-system", &made.secret(ObjectMeta::default()));
        assert!(read.unwrap() == made);
    }

    #[test]
    fn keys_that_stand_in_a_damaged_secret_are_not_printed() {
        let mut secret = made().secret(ObjectMeta::default());
        let key = STANDARD.encode([7; 32]);
        let damaged = ByteString(format!("{key:?}").into_bytes());
        let data = secret.data.as_mut().unwrap();
        data.insert(SESSION_KEYS.to_owned(), damaged);
        let error = Content::read("mcp-system", &secret).err().unwrap();
        assert!(!error.to_string().contains(&key), "{error}");
    }

    #[test]
    fn damaged_keys_are_told_with_what_to_do() {
        for key in [CONTROL_KEY, SESSION_KEYS] {
            let mut secret = made().secret(ObjectMeta::default());
            let data = secret.data.as_mut().unwrap();
            for damage in [Some("c2hvcnQ="), None] {
                match damage {
                    Some(text) => {
                        data.insert(key.to_owned(), ByteString(text.as_bytes().to_vec()));
                    }
                    None => {
                        data.remove(key);
                    }
                }
                let secret = Secret {
                    data: Some(data.clone()),
                    ..Secret::default()
                };
                let error = Content::read("mcp-system", &secret).err().unwrap();
                let text = error.to_string();
                assert!(text.contains(key) && text.contains("delete"), "{text}");
            }
        }
    }
}
