//! The keys that all controls of a cluster share.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use mcp_filter_config::{ControlKeys, SessionKey, Sessions};

use crate::gateway_client::Signer;
use crate::labels::{PART_OF, PROJECT};
use crate::render::Keys;

/// The Secret's name.
const SECRET: &str = "mcp-control-keys";
/// With which session ids are minted.
const SESSION_KEY: &str = "session-key";
/// With which control signs its own requests.
const CONTROL_KEY: &str = "control-key";

const KEY_BYTES: usize = 32;

/// The only key of the sessions.
const SESSION_KEY_ID: u8 = 1;

/// Keys can be neither read nor made.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyError {
    #[error("Secret {namespace}/{SECRET}: {cause}")]
    Api {
        namespace: String,
        cause: Box<kube::Error>,
    },
    #[error(
        "Secret {namespace}/{SECRET}, key {key}: not {KEY_BYTES} bytes in base64; delete the Secret for new keys, which \
         ends all sessions"
    )]
    Malformed {
        namespace: String,
        key: &'static str,
    },
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

/// 32 bytes each. They are never printed.
pub(super) struct KeyPair {
    session: String,
    control: [u8; KEY_BYTES],
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").finish_non_exhaustive()
    }
}

impl KeyPair {
    /// Reads them, or makes them where there are none yet.
    pub(super) async fn open(client: Client, namespace: &str) -> Result<Self, KeyError> {
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        let failed = |cause| KeyError::Api {
            namespace: namespace.to_owned(),
            cause: Box::new(cause),
        };
        if let Some(secret) = secrets.get_opt(SECRET).await.map_err(failed)? {
            return Self::read(namespace, &secret);
        }
        let made = secrets.create(&PostParams::default(), &made()?).await;
        match made {
            Ok(secret) => Self::read(namespace, &secret),
            // Another control was faster.
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let secret = secrets.get(SECRET).await.map_err(failed)?;
                Self::read(namespace, &secret)
            }
            Err(cause) => Err(failed(cause)),
        }
    }

    fn read(namespace: &str, secret: &Secret) -> Result<Self, KeyError> {
        let key = |key: &'static str| {
            let data = secret.data.as_ref().and_then(|data| data.get(key));
            let decoded = data.and_then(|data| STANDARD.decode(data.0.trim_ascii()).ok());
            let bytes: Option<[u8; KEY_BYTES]> = decoded.and_then(|bytes| bytes.try_into().ok());
            bytes.ok_or_else(|| KeyError::Malformed {
                namespace: namespace.to_owned(),
                key,
            })
        };
        Ok(Self {
            session: STANDARD.encode(key(SESSION_KEY)?),
            control: key(CONTROL_KEY)?,
        })
    }

    /// Signs requests to a gateway.
    pub(super) fn signer(&self) -> Signer {
        Signer::new(self.control)
    }

    /// What filters are given.
    pub(super) fn for_filters(&self) -> Keys {
        let key = SessionKey {
            id: SESSION_KEY_ID,
            secret: self.session.clone(),
        };
        Keys {
            sessions: Sessions {
                keys: vec![key],
                ..Sessions::default()
            },
            control: ControlKeys {
                public_keys: vec![self.signer().public_key()],
            },
        }
    }
}

fn made() -> Result<Secret, KeyError> {
    let key = || -> Result<ByteString, KeyError> {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
        Ok(ByteString(STANDARD.encode(bytes).into_bytes()))
    };
    let data = BTreeMap::from([
        (SESSION_KEY.to_owned(), key()?),
        (CONTROL_KEY.to_owned(), key()?),
    ]);
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(SECRET.to_owned()),
            labels: Some(BTreeMap::from([(PART_OF.to_owned(), PROJECT.to_owned())])),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..Secret::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_were_made_can_be_read() {
        let keys = KeyPair::read("mcp-system", &made().unwrap()).unwrap();
        let others = KeyPair::read("mcp-system", &made().unwrap()).unwrap();
        assert_eq!(keys.for_filters().control.public_keys.len(), 1);
        assert_ne!(keys.for_filters(), others.for_filters());
    }

    #[test]
    fn damaged_keys_are_told_with_what_to_do() {
        let mut secret = made().unwrap();
        let data = secret.data.as_mut().unwrap();
        data.insert(CONTROL_KEY.to_owned(), ByteString(b"c2hvcnQ=".to_vec()));
        let error = KeyPair::read("mcp-system", &secret).err().unwrap();
        let text = error.to_string();
        assert!(
            text.contains("control-key") && text.contains("delete"),
            "{text}"
        );
    }
}
