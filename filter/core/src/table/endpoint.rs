//! A URL at which clients reach the gateway.

use std::rc::Rc;

use super::error::{CompileError, ensure, refuse};
use super::protected_resource::{ProtectedResource, WELL_KNOWN};
use crate::authentication::Authentication;
use crate::headers::Headers;
use crate::host::{self, Origin};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    hosts: Vec<String>,
    path: String,
    origins: Vec<Origin>,
    authentication: Option<Rc<Authentication>>,
    protected_resource: Option<ProtectedResource>,
}

impl Endpoint {
    pub(super) fn compile(
        endpoint: &mcp_filter_config::Endpoint,
        at: &str,
    ) -> Result<Self, CompileError> {
        ensure(
            !endpoint.hosts.is_empty(),
            format_args!("{at}.hosts"),
            "must have at least one host",
        )?;
        let hosts = endpoint.hosts.iter().enumerate().map(|(index, host)| {
            let reason = "must be a host name or an IP literal, without port";
            host::normalize_configured(host)
                .map_or_else(|| refuse(format_args!("{at}.hosts[{index}]"), reason), Ok)
        });
        let origins = endpoint.origins.iter().enumerate().map(|(index, origin)| {
            let reason = "must be an origin such as https://app.example.com";
            Origin::parse(origin.as_bytes())
                .map_or_else(|| refuse(format_args!("{at}.origins[{index}]"), reason), Ok)
        });
        ensure(
            is_path(&endpoint.path),
            format_args!("{at}.path"),
            "must begin with / and have no query",
        )?;
        let authentication = endpoint.authentication.as_ref().map(|authentication| {
            Authentication::compile(authentication, &format!("{at}.authentication"))
        });
        let protected_resource = endpoint.protected_resource.as_ref().map(|resource| {
            ProtectedResource::compile(resource, &format!("{at}.protectedResource"))
        });
        Ok(Self {
            hosts: hosts.collect::<Result<_, _>>()?,
            path: endpoint.path.clone(),
            origins: origins.collect::<Result<_, _>>()?,
            authentication: authentication.transpose()?.map(Rc::new),
            protected_resource: protected_resource.transpose()?,
        })
    }

    /// Absolute path, without query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What of `path`, which has no query, stands behind the endpoint's own: nothing, or a slash and what may name a
    /// virtual server.
    pub(super) fn behind<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        let behind = path.strip_prefix(self.path.as_bytes())?;
        (behind.is_empty() || behind.starts_with(b"/")).then_some(behind)
    }

    /// The virtual server that `path` names, with or without query; nothing where it is the endpoint's own.
    pub(crate) fn named_below<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        let behind = self.behind(super::without_query(path))?;
        behind.strip_prefix(b"/")
    }

    /// Normalised host names.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Whether a page of this `Origin` may send a request to `authority`, which is one of the endpoint's hosts: a page of
    /// the same host and port, or one that is listed. Every value of the header must be asked for; `null` and what is no
    /// origin are foreign. Whoever listens at another port of the same machine is somebody else.
    ///
    /// MCP 2025-11-25, basic/transports, Security Warning.
    pub fn allows_origin(&self, origin: &[u8], authority: &[u8]) -> bool {
        Origin::parse(origin).is_some_and(|origin| {
            origin.is_web_page_of(authority) || self.origins.contains(&origin)
        })
    }

    /// Who may use it; `None`: everybody.
    pub(crate) fn authentication(&self) -> Option<&Rc<Authentication>> {
        self.authentication.as_ref()
    }

    /// What tells callers where they get their tokens, for a request with these headers. `None` where nothing does.
    pub(crate) fn protected_resource(&self, headers: &Headers) -> Option<Vec<u8>> {
        let resource = self.protected_resource.as_ref()?;
        Some(resource.document(&self.path, headers))
    }

    /// Where that is told. `None` where it is not, or where the URL could not stand between quotation marks.
    pub(crate) fn metadata_url(&self, headers: &Headers) -> Option<String> {
        let resource = self.protected_resource.as_ref()?;
        let url = resource.metadata_url(&self.path, headers);
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        url.bytes().all(is_plain).then_some(url)
    }

    /// Whether that is told at `path`, which has no query.
    pub(super) fn tells_at(&self, path: &[u8]) -> bool {
        let told = path
            .strip_prefix(WELL_KNOWN.as_bytes())
            .filter(|_| self.protected_resource.is_some());
        told.is_some_and(|behind| behind.is_empty() || behind == self.path.as_bytes())
    }

    pub(super) fn has_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|candidate| candidate == host)
    }
}

/// Whether `path` is absolute and has neither query nor a byte that no request line has.
fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'))
}
