//! What tells callers where they get their tokens: RFC 9728.

use mcp_filter_config as config;

use super::error::{CompileError, ensure};
use crate::headers::Headers;
use crate::json::splice::string_token;

/// Where the document of each endpoint is, its path behind this, and that of the first one without (RFC 9728, section
/// 3.1).
pub(super) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// In bytes.
const LARGEST_MEMBERS: usize = 16 * 1024;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProtectedResource {
    resource: Option<String>,
    /// What is behind `resource`: the other members and the closing brace.
    rest: String,
}

impl ProtectedResource {
    pub(super) fn compile(
        resource: &config::ProtectedResource,
        at: &str,
    ) -> Result<Self, CompileError> {
        let url = resource.resource.as_deref();
        ensure(
            url.is_none_or(is_url),
            format_args!("{at}.resource"),
            "must be an http or https URL without fragment, in visible ASCII",
        )?;
        let members = resource.members.trim_ascii();
        let is_object = serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(members)
            .is_ok_and(|object| !object.contains_key("resource"));
        ensure(
            is_object && resource.members.len() <= LARGEST_MEMBERS,
            format_args!("{at}.members"),
            format_args!(
                "must be the text of a JSON object without resource, of at most {LARGEST_MEMBERS} bytes"
            ),
        )?;
        let rest = members.strip_prefix('{').unwrap_or(members);
        let joint = if rest.trim_start().starts_with('}') {
            ""
        } else {
            ","
        };
        Ok(Self {
            resource: resource.resource.clone(),
            rest: format!("{joint}{rest}"),
        })
    }

    /// The document of the endpoint at `path`, for a request with these headers.
    pub(super) fn document(&self, path: &str, headers: &Headers) -> Vec<u8> {
        let of_request = || format!("{}{path}", origin(headers));
        let resource = self.resource.clone().unwrap_or_else(of_request);
        let resource = string_token(&resource);
        [b"{\"resource\":", resource.as_slice(), self.rest.as_bytes()].concat()
    }

    /// Where it is: RFC 9728, section 3.1.
    pub(super) fn metadata_url(&self, path: &str, headers: &Headers) -> String {
        let of_resource = self.resource.as_deref().and_then(origin_of);
        let origin = of_resource.map_or_else(|| origin(headers), str::to_owned);
        format!("{origin}{WELL_KNOWN}{path}")
    }
}

/// Of an `http` or `https` URL.
fn origin_of(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.find(['/', '?']).unwrap_or(rest.len());
    url.get(..scheme.len() + "://".len() + authority)
}

/// To which a request with these headers was sent.
fn origin(headers: &Headers) -> String {
    let authority = headers.first(":authority").unwrap_or_default();
    format!(
        "{}://{}",
        scheme(headers),
        String::from_utf8_lossy(authority)
    )
}

/// By which the client has come, as far as Envoy knows it or believes who stands before it.
fn scheme(headers: &Headers) -> &'static str {
    let told = ["x-forwarded-proto", ":scheme"].map(|name| headers.first(name));
    let is_https = |told: &[u8]| told.eq_ignore_ascii_case(b"https");
    if told.into_iter().flatten().next().is_some_and(is_https) {
        "https"
    } else {
        "http"
    }
}

fn is_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_plain))
}
