//! Envoy's `jwt_authn`: it verifies tokens and tells the filter their claims, and refuses nobody. That is the filter's.
//!
//! It is in the chain from the start, so that the listener stays the same when issuers come and go.

use serde_json::{Map, Value, json};

use super::Setup;
use super::response::{from_file, typed};
use super::subscription::Subscription;
use crate::network::Issuer;

const JWT_AUTHN: &str = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

/// The filter's name, also in Envoy's statistics and in its log.
pub const NAME: &str = "mcp-tokens";

/// Where the filter looks for claims, as where Istio verifies tokens.
const PAYLOAD: &str = "payload";

/// A request whose issuer's keys are not there yet waits this long for them.
const PATIENCE: &str = "5s";

/// How long keys are kept; new ones are fetched a little before. An issuer that changes its keys shows the new ones some
/// time before it uses them.
const KEPT: &str = "300s";

/// The HTTP filter, to be placed in the chain.
pub(super) fn filter(setup: &Setup) -> Value {
    json!({
        "name": NAME,
        "config_discovery": {
            "config_source": from_file(&Subscription::Issuers.path(setup)),
            "type_urls": [format!("type.googleapis.com/{JWT_AUTHN}")],
        },
    })
}

/// The resource that its file holds.
pub fn resource(issuers: &[Issuer]) -> Value {
    let providers = issuers
        .iter()
        .map(|issuer| (issuer.url.clone(), provider(issuer)));
    let providers: Map<_, _> = providers.collect();
    let verified_by = issuers
        .iter()
        .map(|issuer| json!({ "provider_name": issuer.url }));
    let requirements: Vec<_> = verified_by
        .chain([json!({ "allow_missing_or_failed": {} })])
        .collect();
    let rule = json!({
        "match": { "prefix": "/" },
        "requires": { "requires_any": { "requirements": requirements } },
    });
    let rules: Vec<_> = (!issuers.is_empty()).then_some(rule).into_iter().collect();
    let config = json!({ "providers": providers, "rules": rules });
    let config = json!({ "name": NAME, "typed_config": typed(JWT_AUTHN, config) });
    typed("envoy.config.core.v3.TypedExtensionConfig", config)
}

/// Unless it is told where tokens are, Envoy takes them from the URL, too.
fn provider(issuer: &Issuer) -> Value {
    json!({
        "issuer": issuer.url,
        "remote_jwks": {
            "http_uri": { "uri": issuer.keys, "cluster": issuer.cluster, "timeout": PATIENCE },
            "cache_duration": KEPT,
            "async_fetch": { "fast_listener": true },
        },
        "from_headers": [{ "name": "Authorization", "value_prefix": "Bearer " }],
        // What becomes of the header is the filter's to say.
        "forward": true,
        "payload_in_metadata": PAYLOAD,
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{assert_golden, issuer};
    use super::*;

    #[test]
    fn tokens_of_two_issuers_are_verified_and_nobody_is_refused() {
        let issuers = ["https://a.example/realms/mcp", "http://b.example"].map(issuer);
        let actual = resource(&issuers);
        assert_golden(&actual, include_str!("testdata/tokens.json"));
    }

    #[test]
    fn without_an_issuer_nothing_is_verified() {
        let actual = resource(&[]);
        assert_eq!(actual["typed_config"]["rules"], json!([]));
        assert_eq!(actual["typed_config"]["providers"], json!({}));
    }
}
