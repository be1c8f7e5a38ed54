//! Whether a client may have its stream, and what its lists are.

use axum::body::Bytes;
use http::StatusCode;
use mcp_filter_core::streams;

use super::{Gateway, Purpose, Reply, Unreachable};
use crate::caller::Caller;
use crate::catalog::Catalog;

/// What the gateway says of a client's stream.
#[derive(Debug)]
pub(crate) enum Checked {
    /// The client may have it; that is what the lists are.
    Good(Catalog),
    /// The client may not have it, or no longer.
    Ended(Reply),
    /// Who answers does not take the question for this program's, as where the caller's ticket has lapsed: the client may
    /// ask anew, by which it gets another one.
    Strange,
}

impl Gateway {
    /// Asks what the lists are, and whether `caller` may still have its stream. Renews its ticket.
    ///
    /// # Errors
    /// When the gateway does not say.
    pub(crate) async fn check(&self, caller: &Caller) -> Result<Checked, Unreachable> {
        self.soon(self.ask(caller)).await
    }

    async fn ask(&self, caller: &Caller) -> Result<Checked, Unreachable> {
        let reply = self.get(caller, &Purpose::Catalog).await?;
        match reply.status() {
            StatusCode::OK => {}
            // The gateway refuses what has no good ticket; without streams, nobody listens there.
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED => return Ok(Checked::Ended(reply)),
            other => return Err(Unreachable(format!("status {other}"))),
        }
        // A stream has no end that could be waited for.
        if reply.is_stream() {
            return Ok(Checked::Strange);
        }
        let Some(ticket) = reply.headers().get(streams::TICKET) else {
            return Ok(Checked::Strange);
        };
        caller.renew(ticket);
        let body = reply.read().await.unwrap_or_else(Bytes::new);
        let catalog = Catalog::read(&body).ok_or_else(|| Unreachable("no catalog".to_owned()))?;
        Ok(Checked::Good(catalog))
    }
}
