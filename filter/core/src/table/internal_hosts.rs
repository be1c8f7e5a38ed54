//! Hosts that nobody may ask for from outside.

use std::collections::BTreeSet;

use mcp_filter_config::Upstream;

use super::endpoint::Endpoint;
use super::error::{CompileError, ensure, refuse};
use crate::host;

/// Normalised names and suffixes. Endpoints' own hosts never count.
#[derive(Clone, Debug, Default)]
pub(super) struct InternalHosts {
    exact: BTreeSet<Vec<u8>>,
    /// With the leading dot.
    suffixes: Vec<Vec<u8>>,
    public: BTreeSet<Vec<u8>>,
}

impl InternalHosts {
    pub(super) fn compile(
        config: &mcp_filter_config::PluginConfig,
        endpoints: &[Endpoint],
    ) -> Result<Self, CompileError> {
        let public = endpoints
            .iter()
            .flat_map(Endpoint::hosts)
            .map(|host| host.clone().into_bytes())
            .collect();
        let mut hosts = Self {
            public,
            ..Self::default()
        };
        for (index, host) in config.internal_hosts.iter().enumerate() {
            hosts.add_pattern(host, &format!("internalHosts[{index}]"))?;
        }
        for (index, server) in config.servers.iter().enumerate() {
            hosts.add_routed(
                &server.host,
                &server.upstream,
                &format!("servers[{index}].host"),
            )?;
        }
        if let Some(streams) = &config.streams {
            hosts.add_routed(&streams.host, &streams.upstream, "streams.host")?;
        }
        Ok(hosts)
    }

    fn add_routed(
        &mut self,
        host: &str,
        upstream: &Upstream,
        at: &str,
    ) -> Result<(), CompileError> {
        self.add_pattern(host, at)?;
        ensure(
            !host.starts_with("*."),
            at,
            "must be one host, not a pattern",
        )?;
        // An upstream may share a public host, such as 127.0.0.1 at another port.
        self.exact
            .insert(host::loosely(upstream.authority.as_bytes()));
        Ok(())
    }

    pub(super) fn contain(&self, authority: &[u8]) -> bool {
        let host = host::loosely(authority);
        !self.public.contains(&host)
            && (self.exact.contains(&host)
                || self.suffixes.iter().any(|suffix| host.ends_with(suffix)))
    }

    fn add_pattern(&mut self, pattern: &str, at: &str) -> Result<(), CompileError> {
        let reason = "must be a host name without port, or *. and a suffix";
        if let Some(suffix) = pattern.strip_prefix("*.") {
            let Some(suffix) = host::normalize_configured(suffix) else {
                return refuse(at, reason);
            };
            self.suffixes.push(format!(".{suffix}").into_bytes());
            return Ok(());
        }
        let Some(host) = host::normalize_configured(pattern) else {
            return refuse(at, reason);
        };
        let public = self.public.contains(host.as_bytes());
        ensure(
            !public,
            at,
            "is the host of an endpoint: clients could pass by the policies",
        )?;
        self.exact.insert(host.into_bytes());
        Ok(())
    }
}
