//! What a server offers in the stateless revision, and what is remembered of that from pass to pass.

use std::time::Duration;

use super::capabilities::Capabilities;
use super::connection::Connection;
use super::deadline::Deadline;
use super::lists::{Lists, read_all};
use super::stateless::{DISCOVER, discover};
use super::{DiscoveryError, ProtocolFault};

/// For `server/discover`, where a server has sessions: one that never answers what it does not know is served all the
/// same.
const DISCOVER_TIME: Duration = Duration::from_secs(2);

/// Passes over a server with sessions that do not ask again after it said that it does not speak the revision.
const PASSES_UNASKED: u32 = 4;

/// Passes in a row for which the last good reading stands while the server does not answer in this era alone.
const PASSES_IN_DOUBT: u32 = 3;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) capabilities: Capabilities,
    pub(super) lists: Lists,
}

/// How it went beside the lists of a session.
#[derive(Debug)]
pub(super) enum Beside {
    /// It speaks the revision, too.
    Side(Box<Side>),
    /// It does not.
    None,
    /// It says so, but its lists cannot be read.
    Unreadable(DiscoveryError),
}

/// What earlier passes over a server with sessions have seen.
#[derive(Debug, Default)]
pub(super) struct Memory {
    last: Option<Box<Side>>,
    in_doubt: u32,
    unasked: u32,
}

impl Memory {
    /// Asks, unless the server said no a short while ago.
    pub(super) async fn beside_sessions(
        &mut self,
        mut connection: Connection,
        deadline: Deadline,
    ) -> Beside {
        if self.unasked > 0 {
            self.unasked -= 1;
            return Beside::None;
        }
        let asking = deadline.within(DISCOVER_TIME);
        let read = match discover(&mut connection, asking).await {
            Ok(Some(capabilities)) => read(&mut connection, capabilities, deadline).await,
            Ok(None) => return self.not_spoken(),
            Err(error) => Err(error),
        };
        match read {
            Ok(side) => {
                let side = Box::new(side);
                self.last = Some(side.clone());
                self.in_doubt = 0;
                Beside::Side(side)
            }
            Err(error) => self.failed(error),
        }
    }

    /// The server may be another one by now.
    pub(super) fn ask_again(&mut self) {
        self.unasked = 0;
    }

    fn not_spoken(&mut self) -> Beside {
        *self = Self {
            unasked: PASSES_UNASKED,
            ..Self::default()
        };
        Beside::None
    }

    fn failed(&mut self, error: DiscoveryError) -> Beside {
        let is_passing = is_passing(&error);
        if let Some(last) = self
            .last
            .as_ref()
            .filter(|_| is_passing && self.in_doubt < PASSES_IN_DOUBT)
        {
            self.in_doubt += 1;
            return Beside::Side(last.clone());
        }
        self.last = None;
        if is_of_discover(&error) {
            return if is_passing {
                Beside::None
            } else {
                self.not_spoken()
            };
        }
        Beside::Unreadable(error)
    }
}

/// What a server offers that has refused `initialize` as one may that has no sessions.
///
/// # Errors
/// `refused`, unless it turns out to speak the revision.
pub(super) async fn alone(
    mut connection: Connection,
    deadline: Deadline,
    refused: DiscoveryError,
) -> Result<Side, DiscoveryError> {
    match discover(&mut connection, deadline).await {
        Ok(Some(capabilities)) => read(&mut connection, capabilities, deadline).await,
        Err(error) if is_passing(&error) && says_stateless(&refused) => Err(error),
        Ok(None) | Err(_) => Err(refused),
    }
}

async fn read(
    connection: &mut Connection,
    capabilities: Capabilities,
    deadline: Deadline,
) -> Result<Side, DiscoveryError> {
    let lists = read_all(connection, capabilities, deadline).await?;
    Ok(Side {
        capabilities,
        lists,
    })
}

/// Whether a server that speaks the revision could look like this for a while.
fn is_passing(error: &DiscoveryError) -> bool {
    match error {
        DiscoveryError::ProtocolError { fault, .. } => match **fault {
            ProtocolFault::Answer { status, .. } => matches!(status, 408 | 429 | 500..),
            ProtocolFault::Cut(_) | ProtocolFault::NoResponse => true,
            _ => false,
        },
        DiscoveryError::DiscoveryRefused { .. }
        | DiscoveryError::GatewayUnreachable { .. }
        | DiscoveryError::TimedOut { .. }
        | DiscoveryError::UpstreamUnreachable { .. } => true,
        DiscoveryError::CredentialInvalid(_)
        | DiscoveryError::Unwritable(_)
        | DiscoveryError::UpstreamRefused { .. } => false,
    }
}

fn is_of_discover(error: &DiscoveryError) -> bool {
    match error {
        DiscoveryError::ProtocolError { step, .. }
        | DiscoveryError::TimedOut { step, .. }
        | DiscoveryError::UpstreamRefused { step, .. }
        | DiscoveryError::UpstreamUnreachable { step, .. } => *step == DISCOVER,
        _ => true,
    }
}

fn says_stateless(error: &DiscoveryError) -> bool {
    matches!(
        error,
        DiscoveryError::ProtocolError { fault, .. } if matches!(**fault, ProtocolFault::ModernOnly { .. })
    )
}
