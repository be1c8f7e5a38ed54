//! A URL at which clients reach the gateway.

use super::error::{CompileError, ensure, refuse};
use crate::host::{self, Origin};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    hosts: Vec<String>,
    path: String,
    origins: Vec<Origin>,
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
        Ok(Self {
            hosts: hosts.collect::<Result<_, _>>()?,
            path: endpoint.path.clone(),
            origins: origins.collect::<Result<_, _>>()?,
        })
    }

    /// Absolute path, without query.
    pub fn path(&self) -> &str {
        &self.path
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
