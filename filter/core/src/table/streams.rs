//! Where `mcp-streams` is reached.

use super::error::{CompileError, ensure};
use super::server::{check_upstream, is_path};
use crate::sealed_id::ServerDigest;
use crate::streams::NAME;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Streams {
    /// `:authority` of routed requests.
    pub(crate) host: String,
    /// `:path` of routed requests.
    pub(crate) path: String,
    /// In the place of a server's: what it asks of clients is sealed with this.
    pub(crate) digest: ServerDigest,
}

impl Streams {
    /// Its host is checked with all that are internal.
    pub(super) fn compile(streams: &mcp_filter_config::Streams) -> Result<Self, CompileError> {
        ensure(
            is_path(&streams.path),
            "streams.path",
            "must be an absolute path",
        )?;
        check_upstream(&streams.upstream, "streams.upstream")?;
        Ok(Self {
            host: streams.host.clone(),
            path: streams.path.clone(),
            digest: ServerDigest::of(NAME),
        })
    }
}
