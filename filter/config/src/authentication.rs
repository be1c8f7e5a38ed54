use serde::{Deserialize, Serialize};

use crate::policy::{Denial, Rule};

/// Who may use an endpoint: callers whose token Envoy's `jwt_authn` has verified and one of these issuers has issued.
///
/// Whoever writes it names [`AUTHENTICATION`](crate::AUTHENTICATION) in `PluginConfig::requires`: a filter that does not
/// know it would let everybody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Authentication {
    /// `namespace/name` of the object it was made from, for logs and errors.
    pub policy: String,
    /// Whose tokens are taken, as far as they expire. Without any, nobody is let in.
    pub issuers: Vec<Issuer>,
    /// Sent byte for byte where no such token came with the request, or two did, or `jwt_authn` has refused it. To every
    /// request but those of control and those for [`ProtectedResource`].
    pub denial: Denial,
    /// Whether each `www-authenticate` of that denial gets the URL of the endpoint's [`ProtectedResource`] for
    /// `resource_metadata` (RFC 9728, section 5.1), where it has one.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub tells_metadata: bool,
    /// What a caller must satisfy beside that, evaluated in order; the first whose condition does not hold denies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// An issuer whose tokens are taken at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Issuer {
    /// The claim `iss`, compared exactly (RFC 7519, section 4.1.1).
    pub issuer: String,
    /// One of these must be in the claim `aud` (RFC 7519, section 4.1.3). Without any, the audience is not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
}

/// What `/.well-known/oauth-protected-resource` tells of an endpoint (RFC 9728, section 2), there and under the
/// endpoint's path. It is open to everybody, browsers of all origins included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProtectedResource {
    /// `resource`, an `http` or `https` URL. Where absent, the scheme and authority of the request with the endpoint's
    /// path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// All other members, as the text of one JSON object of at most 16 KiB: they go out byte for byte.
    pub members: String,
}
