use mcp_filter_core::Claims;
use mcp_filter_core::claims::UnreadableClaim;

use crate::host;

/// What the token says that the caller of the stream has shown whose context is in effect.
///
/// All claims come in one hostcall. A claim that the host cannot write, such as null, keeps it from that; then those of
/// `paths` are asked for one by one.
pub(crate) fn claims(paths: &[Vec<String>]) -> Claims {
    let all = match host::token_claims() {
        Ok(None) => return Claims::NONE,
        Ok(Some(block)) => Claims::of_block(block),
        Err(_) => None,
    };
    all.unwrap_or_else(|| {
        Claims::one_by_one(paths, |path| {
            host::token_claim(path).map_err(|_| UnreadableClaim)
        })
    })
}
