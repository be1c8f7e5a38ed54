//! In which eras a server lists a definition.

use serde::{Deserialize, Serialize};

/// See the module. Only servers that speak both eras have definitions that one of them lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ListedIn {
    /// In every era that its server speaks.
    #[default]
    Both,
    /// Only in sessions.
    SessionsOnly,
    /// Only in the stateless revision.
    StatelessOnly,
}

impl ListedIn {
    /// As it stands in the packed form; what is listed in both stands nowhere.
    pub(super) fn code(self) -> Option<u8> {
        match self {
            Self::Both => None,
            Self::SessionsOnly => Some(0),
            Self::StatelessOnly => Some(1),
        }
    }

    pub(super) fn of_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::SessionsOnly),
            1 => Some(Self::StatelessOnly),
            _ => None,
        }
    }
}
