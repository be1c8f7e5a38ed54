//! Sessions that are opened here for clients that have none.

use axum::body::Bytes;
use http::{Method, StatusCode};
use mcp_filter_core::version::ProtocolVersion;
use tokio::time::timeout;

use super::{Gateway, PATIENCE, Purpose, Unreachable};
use crate::caller::Caller;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSession {
    /// See [`Unreachable`].
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The gateway refuses.
    #[error("the gateway answers `initialize` with {0}")]
    Refused(StatusCode),
}

impl Gateway {
    /// Opens a session for `caller` with these client capabilities, a JSON object (MCP 2025-11-25, basic/lifecycle).
    ///
    /// # Errors
    /// When the gateway does not answer, or refuses.
    pub(crate) async fn open_session(
        &self,
        caller: &Caller,
        capabilities: &str,
    ) -> Result<Caller, NoSession> {
        let newcomer = caller.without_session();
        let reply = self
            .soon(self.post(&newcomer, &Purpose::Call, initialize(capabilities)))
            .await?;
        let (true, Some(id)) = (reply.status() == StatusCode::OK, reply.session()) else {
            return Err(NoSession::Refused(reply.status()));
        };
        let member = caller.in_session(id);
        let initialized =
            Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        let reply = self
            .soon(self.post(&member, &Purpose::Call, initialized))
            .await?;
        if reply.status().is_success() {
            Ok(member)
        } else {
            Err(NoSession::Refused(reply.status()))
        }
    }

    /// Ends the session of `member`, which [`Self::open_session`] has made.
    pub(crate) async fn close_session(&self, member: &Caller) {
        let headers = member.inner_headers(Purpose::Call.header());
        let closed = self
            .soon(self.send(Method::DELETE, member, (headers, Bytes::new())))
            .await;
        if let Err(error) = closed {
            tracing::debug!(%error, "a session was not closed, and expires");
        }
    }

    /// What needs no server, within its time.
    pub(super) async fn soon<T>(
        &self,
        answer: impl Future<Output = Result<T, Unreachable>>,
    ) -> Result<T, Unreachable> {
        let late = |_| Unreachable(format!("silent for {PATIENCE:?}"));
        timeout(PATIENCE, answer).await.map_err(late)?
    }
}

fn initialize(capabilities: &str) -> Bytes {
    let revision = ProtocolVersion::LATEST.as_str();
    let version = env!("CARGO_PKG_VERSION");
    let client = format!(r#"{{"name":"mcp-streams","version":"{version}"}}"#);
    let params = format!(
        r#"{{"protocolVersion":"{revision}","capabilities":{capabilities},"clientInfo":{client}}}"#
    );
    format!(r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{params}}}"#).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    #[test]
    fn a_session_is_asked_for_with_the_capabilities_as_they_were_written() {
        let body = initialize(r#"{ "roots" : {} }"#);
        let message = Message::read(&body).unwrap();
        assert_eq!(message.method(), "initialize");
        let params = message.params.unwrap().get();
        assert!(
            params.contains(r#""capabilities":{ "roots" : {} },"#),
            "{params}"
        );
    }
}
