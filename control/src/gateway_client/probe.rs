//! Asking the filter which configuration it serves.

use std::time::Duration;

use http::{HeaderMap, Method};
use serde::Deserialize;

use super::{Call, GatewayClient, ReadError, SendError};

/// The filter answers by itself, so a live one is quick.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the gateway could not tell its generation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLive {
    /// No connection.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The answer was cut.
    #[error("the gateway's answer cannot be read: {0}")]
    Read(#[from] ReadError),
    /// Nothing came in time.
    #[error("the gateway has not answered within {} s", PROBE_TIMEOUT.as_secs())]
    TimedOut,
    /// Somebody answered, but not the filter to control.
    #[error(
        "the gateway answers {status}, not its generation: the filter is not configured yet, or not with this control's key"
    )]
    Answer {
        /// HTTP status.
        status: u16,
    },
}

#[derive(Deserialize)]
struct Live {
    generation: String,
}

impl GatewayClient {
    /// The generation that the filter serves at an MCP endpoint: public host and path as clients spell them.
    ///
    /// # Errors
    /// See [`NotLive`]; all of them are the gateway's fault.
    pub async fn generation(&self, host: &str, path: &str) -> Result<String, NotLive> {
        let asked = self.ask(host, path);
        tokio::time::timeout(PROBE_TIMEOUT, asked)
            .await
            .map_err(|_| NotLive::TimedOut)?
    }

    async fn ask(&self, host: &str, path: &str) -> Result<String, NotLive> {
        let call = Call {
            method: Method::GET,
            host,
            path,
            headers: HeaderMap::new(),
            credential: None,
            body: Vec::new(),
        };
        let mut reply = self.send(call).await?;
        let status = reply.status();
        if !status.is_success() || reply.media_type() != "application/json" {
            return Err(NotLive::Answer {
                status: status.as_u16(),
            });
        }
        let live: Option<Live> = serde_json::from_slice(&reply.bytes().await?).ok();
        live.map(|live| live.generation).ok_or(NotLive::Answer {
            status: status.as_u16(),
        })
    }
}
