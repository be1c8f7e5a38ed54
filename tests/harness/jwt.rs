//! An issuer of tokens (RFC 7519), and its tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_compact::{KeyPair, Seed};
use serde_json::{Value, json};

/// `iss`
pub const ISSUER: &str = "https://issuer.example.com";

/// `aud`
pub const AUDIENCE: &str = "mcp";

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

/// The keys by which tokens are verified (RFC 7517; RFC 8037 for the curve).
pub fn keys() -> Value {
    let public = URL_SAFE_NO_PAD.encode(*pair().pk);
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "1", "x": public}]})
}

/// A JWT (RFC 7519) that expires in so many seconds from now.
fn signed(user: &str, lifetime: i64, more: &Value) -> String {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "1"});
    let mut claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": user, "exp": now() + lifetime});
    for (name, value) in more.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = pair().sk.sign(&signed, None);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(*signature))
}

fn pair() -> KeyPair {
    KeyPair::from_seed(Seed::new([7; Seed::BYTES]))
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs().try_into().unwrap()
}
