//! An issuer of tokens (RFC 7519), and its tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_compact::{KeyPair, Seed};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// `iss`
pub const ISSUER: &str = "https://issuer.example.com";

/// `aud`
pub const AUDIENCE: &str = "mcp";

/// `kid`
const KEY_ID: &str = "1";

/// A minute, in seconds.
const MINUTE: i64 = 60;

/// A token that is in force.
pub fn good() -> String {
    of("ada")
}

/// A token of this user that is in force.
pub fn of(user: &str) -> String {
    with(user, &json!({}))
}

/// The same with claims more.
pub fn with(user: &str, more: &Value) -> String {
    signed(user, 10 * MINUTE, more)
}

/// A token whose time is over, by more than any clock is wrong.
pub fn expired() -> String {
    signed("ada", -10 * MINUTE, &json!({}))
}

/// A token that comes into force in ten minutes.
pub fn premature() -> String {
    with("ada", &json!({"nbf": now() + 10 * MINUTE}))
}

/// One that says no time at which it is over.
pub fn everlasting() -> String {
    let mut claims = good_claims();
    claims.as_object_mut().expect("claims").remove("exp");
    issued(&header(), &claims, sign)
}

/// A good one, but for its header.
pub fn with_header(header: &Value) -> String {
    issued(header, &good_claims(), sign)
}

/// One that says that it needs no signature (RFC 7515, appendix A.5).
pub fn unsigned() -> String {
    let header = json!({"alg": "none", "typ": "JWT", "kid": KEY_ID});
    issued(&header, &good_claims(), |_| Vec::new())
}

/// One that takes the public key for a shared secret (RFC 8725, section 2.1).
pub fn signed_with_the_public_key() -> String {
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": KEY_ID});
    issued(&header, &good_claims(), |signed| {
        let key = Hmac::<Sha256>::new_from_slice(&*pair().pk).expect("a key of any length");
        let mac = key.chain_update(signed).finalize();
        mac.into_bytes().to_vec()
    })
}

/// The keys by which tokens are verified (RFC 7517; RFC 8037 for the curve).
pub fn keys() -> Value {
    let public = URL_SAFE_NO_PAD.encode(*pair().pk);
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KEY_ID, "x": public}]})
}

/// A JWT (RFC 7519) that expires in so many seconds from now.
fn signed(user: &str, lifetime: i64, more: &Value) -> String {
    let mut claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": user, "exp": now() + lifetime});
    for (name, value) in more.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    issued(&header(), &claims, sign)
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "JWT", "kid": KEY_ID})
}

fn sign(signed: &[u8]) -> Vec<u8> {
    pair().sk.sign(signed, None).to_vec()
}

fn good_claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": now() + 10 * MINUTE})
}

fn issued(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn pair() -> KeyPair {
    KeyPair::from_seed(Seed::new([7; Seed::BYTES]))
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs().try_into().unwrap()
}
