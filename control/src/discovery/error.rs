//! Why a discovery failed, and whose fault it is.

use std::time::Duration;

use crate::gateway_client::SendError;
use crate::verdict::{Fault, Reason};

use super::ProtocolFault;

/// Why one pass over a server failed. Messages hold no credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The credential cannot stand in an HTTP header.
    #[error(transparent)]
    CredentialInvalid(#[from] crate::gateway_client::InvalidCredential),
    /// A policy of the gateway itself answered, not the server.
    #[error(
        "the gateway refused discovery ({by}): let requests that carry x-mcp-control through that policy"
    )]
    DiscoveryRefused {
        /// The policy, or what it answered.
        by: String,
    },
    /// The gateway did not answer. Nothing is known about the server, so nothing is taken from it.
    #[error(
        "{cause}; check that it runs and is reachable from here. What the servers offered last stays"
    )]
    GatewayUnreachable {
        /// What was seen.
        cause: String,
    },
    /// The server answered something that is not MCP, or breaks its rules.
    #[error("{step}: {fault}")]
    ProtocolError {
        /// The request that was answered so, by its method.
        step: &'static str,
        /// What was seen.
        fault: Box<ProtocolFault>,
    },
    /// Host or path of the registration cannot stand in a request.
    #[error(transparent)]
    Unwritable(SendError),
    /// The server did not answer in time.
    #[error(
        "no answer to {step} within {} s: check that the server runs and that the route leads to it",
        after.as_secs_f32()
    )]
    TimedOut {
        /// The request that was not answered, by its method.
        step: &'static str,
        /// How long the whole pass has waited.
        after: Duration,
    },
    /// The gateway has no way to the server.
    #[error(
        "{step}: {status} from the gateway, which has no connection to the server ({detail}): \
         check that the server runs, and the address, port and TLS settings behind the route"
    )]
    UpstreamUnreachable {
        /// The request that was answered so, by its method.
        step: &'static str,
        /// 502, 503 or 504 as a rule; 404 where no route matches.
        status: u16,
        /// The first characters of the body, usually Envoy's own words, and what else Envoy knows of it.
        detail: String,
    },
    /// The server wants another credential, or one at all.
    #[error(
        "{step}: the server answers {status}: {}",
        if *had_credential {
            "check the Secret that credentialRef names; its value is sent verbatim as Authorization"
        } else {
            "it wants a credential; name a Secret with it in credentialRef"
        }
    )]
    UpstreamRefused {
        /// The request that was answered so, by its method.
        step: &'static str,
        /// 401 or 403.
        status: u16,
        /// Whether the registration has a credential.
        had_credential: bool,
    },
}

impl DiscoveryError {
    /// The reason of the condition `Ready`.
    pub fn reason(&self) -> Reason {
        match self {
            Self::CredentialInvalid(_) => Reason::CredentialKeyMissing,
            Self::DiscoveryRefused { .. } => Reason::DiscoveryRefused,
            Self::GatewayUnreachable { .. } => Reason::GatewayUnreachable,
            Self::ProtocolError { .. } => Reason::ProtocolError,
            Self::TimedOut { .. } | Self::UpstreamUnreachable { .. } => Reason::UpstreamUnreachable,
            Self::Unwritable(_) => Reason::Invalid,
            Self::UpstreamRefused { .. } => Reason::UpstreamRefused,
        }
    }

    /// For the status of the registration.
    pub fn fault(&self) -> Fault {
        Fault::new(self.reason(), self.to_string())
    }

    /// Whether the failure tells something about the server. One of the gateway removes nothing.
    pub fn is_the_servers(&self) -> bool {
        !matches!(
            self,
            Self::GatewayUnreachable { .. } | Self::DiscoveryRefused { .. }
        )
    }

    /// Whether a gateway that is down, or not configured yet, could look like this.
    pub(super) fn is_of_the_network(&self) -> bool {
        match self {
            Self::CredentialInvalid(_) | Self::GatewayUnreachable { .. } | Self::Unwritable(_) => {
                false
            }
            Self::DiscoveryRefused { .. }
            | Self::ProtocolError { .. }
            | Self::TimedOut { .. }
            | Self::UpstreamRefused { .. }
            | Self::UpstreamUnreachable { .. } => true,
        }
    }
}

impl From<SendError> for DiscoveryError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Credential(error) => Self::CredentialInvalid(error),
            SendError::Gateway { .. } | SendError::Random(_) => Self::GatewayUnreachable {
                cause: error.to_string(),
            },
            SendError::Unwritable(_) => Self::Unwritable(error),
        }
    }
}
