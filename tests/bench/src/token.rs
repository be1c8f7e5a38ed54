//! A token, and Envoy's filter that verifies it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_compact::{KeyPair, Seed};
use serde_json::{Value, json};

use crate::case;

/// Its claim `iss`.
pub(crate) const ISSUER: &str = "https://issuer.example.com";

/// How many tools of each server its claim `tools` names.
pub(crate) const TOOLS: usize = 25;

/// What stands in `Authorization`. It expires in the year 2100.
pub(crate) fn bearer() -> String {
    let tools: Vec<_> = (0..TOOLS).map(case::tool_name).collect();
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "1"});
    let claims = json!({"iss": ISSUER, "aud": "mcp", "sub": "ada", "exp": 4_102_444_800_u64, "tools": tools});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = URL_SAFE_NO_PAD.encode(*pair().sk.sign(&signed, None));
    format!("Bearer {signed}.{signature}")
}

/// Envoy's `jwt_authn` as Istio has it: it tells claims, and lets go on who has no token.
pub(crate) fn filter() -> Value {
    let key = URL_SAFE_NO_PAD.encode(*pair().pk);
    let keys =
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "1", "x": key}]});
    json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"issuer": {
                "issuer": ISSUER,
                "local_jwks": {"inline_string": keys.to_string()},
                "forward": true,
                "payload_in_metadata": "payload"
            }},
            "rules": [{
                "match": {"prefix": "/"},
                "requires": {"requires_any": {"requirements": [
                    {"provider_name": "issuer"}, {"allow_missing": {}}
                ]}}
            }]
        }
    })
}

fn pair() -> KeyPair {
    KeyPair::from_seed(Seed::new([7; Seed::BYTES]))
}
