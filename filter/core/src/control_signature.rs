//! How control is told from everybody else: an Ed25519 signature over the request, of which the filter knows only the
//! public key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_compact::{KeyPair, Seed, Signature};
use sha2::{Digest as _, Sha256};

use crate::host;

/// Carries the signature; never passed on.
pub const CONTROL_HEADER: &str = "x-mcp-control";
/// Carries the credential that becomes `authorization` on a request that control has signed; never passed on.
pub const CREDENTIAL_HEADER: &str = "x-mcp-upstream-authorization";
/// On responses to control: the content digest of the configuration in force.
pub const GENERATION_HEADER: &str = "x-mcp-generation";
/// On responses to control: `upstream`, or `envoy` where no server has answered.
pub const RESPONSE_FROM_HEADER: &str = "x-mcp-response-from";
/// On responses to control that no server has written: Envoy's response code details.
pub const RESPONSE_DETAILS_HEADER: &str = "x-mcp-response-details";
/// How far a signature's time may be from now, in milliseconds.
pub const WINDOW_MS: u64 = 60_000;

const FORMAT: &str = "v1";
const LABEL: &[u8] = b"mcp control request v1";

/// Random bytes of one signature, which is good for one request.
pub type Nonce = [u8; 16];

/// What a signature covers beside its time and nonce.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// `:method`
    pub method: &'a [u8],
    /// `:authority`, compared as hosts are.
    pub host: &'a [u8],
    /// `:path`, the query included.
    pub path: &'a [u8],
    /// The value of [`CREDENTIAL_HEADER`].
    pub credential: Option<&'a [u8]>,
}

/// Control's private key.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "must not be printed")]
pub struct SigningKey(KeyPair);

impl SigningKey {
    /// From the 32 bytes of an Ed25519 seed (RFC 8032, section 5.1.5). Control draws them at random.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(KeyPair::from_seed(Seed::new(seed)))
    }

    /// What the filter is given.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.pk)
    }

    /// The value of [`CONTROL_HEADER`] for `request`. `now_ms` is since the Unix epoch.
    pub fn sign(&self, request: &SignedRequest<'_>, now_ms: u64, nonce: &Nonce) -> String {
        let signature = self.0.sk.sign(request.message(now_ms, nonce), None);
        format!(
            "{FORMAT}.{now_ms}.{}.{}",
            URL_SAFE_NO_PAD.encode(nonce),
            URL_SAFE_NO_PAD.encode(signature.as_ref())
        )
    }
}

/// A key by which control is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(ed25519_compact::PublicKey);

impl PublicKey {
    /// From the 32 bytes of RFC 8032, section 5.1.5; `None` for a point that no honest key has.
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        let key = ed25519_compact::PublicKey::new(bytes);
        key.validate().is_ok().then_some(Self(key))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The nonce of a request that one of `keys` has signed within [`WINDOW_MS`] of `now_ms`, or `None`.
///
/// The caller must then see that the nonce is new, with [`crate::slots::is_first_use`].
pub fn verify(
    keys: &[PublicKey],
    request: &SignedRequest<'_>,
    now_ms: u64,
    value: &[u8],
) -> Option<Nonce> {
    let mut parts = std::str::from_utf8(value).ok()?.split('.');
    let (format, time, nonce, signature) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if format != FORMAT || parts.next().is_some() || time.len() > 16 {
        return None;
    }
    let time_ms: u64 = time.parse().ok()?;
    if time_ms.abs_diff(now_ms) > WINDOW_MS {
        return None;
    }
    let nonce: Nonce = decode(nonce)?;
    let signature = Signature::new(decode(signature)?);
    let message = request.message(time_ms, &nonce);
    keys.iter()
        .any(|key| key.0.verify(&message, &signature).is_ok())
        .then_some(nonce)
}

impl SignedRequest<'_> {
    /// Each field with its length before it, so that no two requests have one message.
    fn message(&self, time_ms: u64, nonce: &Nonce) -> Vec<u8> {
        let host = host::loosely(self.host);
        let credential = self.credential.map(Sha256::digest);
        let credential = credential
            .as_ref()
            .map_or(&[] as &[u8], |digest| digest.as_slice());
        let time = time_ms.to_le_bytes();
        let fields = [
            LABEL,
            self.method,
            &host,
            self.path,
            &time,
            nonce,
            credential,
        ];
        let mut message = Vec::with_capacity(fields.iter().map(|field| field.len() + 8).sum());
        for field in fields {
            message.extend((field.len() as u64).to_le_bytes());
            message.extend_from_slice(field);
        }
        message
    }
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Checked before decoding, so that a long header costs nothing.
    if text.len() != (N * 4).div_ceil(3) {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::{Nonce, PublicKey, SignedRequest, SigningKey, WINDOW_MS, verify};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW_MS: u64 = 1_790_000_000_000;
    const NONCE: Nonce = [7; 16];
    const REQUEST: SignedRequest<'_> = SignedRequest {
        method: b"POST",
        host: b"github.mcp.local",
        path: b"/mcp?x=1",
        credential: Some(b"Bearer secret"),
    };

    fn key() -> SigningKey {
        SigningKey::from_seed([1; 32])
    }

    fn accepts(request: &SignedRequest<'_>, now_ms: u64, value: &[u8]) -> bool {
        verify(&[key().public_key()], request, now_ms, value).is_some()
    }

    #[test]
    fn a_signed_request_is_recognised_and_gives_its_nonce() {
        let value = key().sign(&REQUEST, NOW_MS, &NONCE);
        let other = SigningKey::from_seed([2; 32]).public_key();
        assert_eq!(
            verify(
                &[other, key().public_key()],
                &REQUEST,
                NOW_MS,
                value.as_bytes()
            ),
            Some(NONCE)
        );
        assert!(value.bytes().all(|byte| byte.is_ascii_graphic()));
    }

    #[test]
    fn the_spelling_of_the_host_does_not_count() {
        let value = key().sign(&REQUEST, NOW_MS, &NONCE);
        assert!(accepts(
            &SignedRequest {
                host: b"GitHub.mcp.local:8001",
                ..REQUEST
            },
            NOW_MS,
            value.as_bytes()
        ));
    }

    #[test]
    fn another_request_is_not_recognised() {
        let value = key().sign(&REQUEST, NOW_MS, &NONCE);
        for request in [
            SignedRequest {
                method: b"DELETE",
                ..REQUEST
            },
            SignedRequest {
                host: b"slack.mcp.local",
                ..REQUEST
            },
            SignedRequest {
                path: b"/mcp",
                ..REQUEST
            },
            SignedRequest {
                credential: Some(b"Bearer other"),
                ..REQUEST
            },
            SignedRequest {
                credential: None,
                ..REQUEST
            },
            SignedRequest {
                method: b"POSTg",
                host: b"ithub.mcp.local",
                ..REQUEST
            },
        ] {
            assert!(!accepts(&request, NOW_MS, value.as_bytes()));
        }
    }

    #[test]
    fn a_signature_is_good_for_a_minute_around_its_time() {
        let value = key().sign(&REQUEST, NOW_MS, &NONCE);
        for (now_ms, good) in [
            (NOW_MS - WINDOW_MS, true),
            (NOW_MS + WINDOW_MS, true),
            (NOW_MS - WINDOW_MS - 1, false),
            (NOW_MS + WINDOW_MS + 1, false),
        ] {
            assert_eq!(
                accepts(&REQUEST, now_ms, value.as_bytes()),
                good,
                "{now_ms}"
            );
        }
    }

    #[test]
    fn another_key_and_no_key_recognise_nobody() {
        let value = key().sign(&REQUEST, NOW_MS, &NONCE);
        let other = SigningKey::from_seed([2; 32]).public_key();
        assert_eq!(verify(&[other], &REQUEST, NOW_MS, value.as_bytes()), None);
        assert_eq!(verify(&[], &REQUEST, NOW_MS, value.as_bytes()), None);
    }

    #[test]
    fn a_changed_value_is_not_recognised() {
        let value = key().sign(&REQUEST, NOW_MS, &NONCE).into_bytes();
        for at in 0..value.len() {
            let mut changed = value.clone();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(!accepts(&REQUEST, NOW_MS, &changed), "{at}");
        }
        for odd in [
            &b""[..],
            b"v1",
            b"v1...",
            b"v1.1.2.3.4",
            b"\xff",
            &[value.as_slice(), b"."].concat(),
        ] {
            assert!(!accepts(&REQUEST, NOW_MS, odd), "{}", odd.escape_ascii());
        }
    }

    #[test]
    fn points_that_no_honest_key_has_are_no_keys() {
        assert_eq!(PublicKey::from_bytes([0; 32]), None);
        let key = key().public_key();
        assert_eq!(PublicKey::from_bytes(*key.as_bytes()), Some(key));
    }
}
