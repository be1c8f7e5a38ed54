//! Protocol revisions, named by their dates.

/// The date of the revision without sessions. It has no handshake that could negotiate it, so it stands apart from
/// [`ProtocolVersion`].
pub const STATELESS_REVISION: &str = "2026-07-28";

/// A revision of MCP with sessions that this gateway speaks, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProtocolVersion {
    /// 2025-03-26
    V2025_03_26,
    /// 2025-06-18
    V2025_06_18,
    /// 2025-11-25
    V2025_11_25,
}

impl ProtocolVersion {
    /// All of them, oldest first.
    pub const ALL: [Self; 3] = [Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25];

    /// What `initialize` answers to a revision it does not know.
    pub const LATEST: Self = Self::V2025_11_25;

    /// The revision with this date.
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str().as_bytes() == text)
    }

    /// MCP 2025-11-25, basic/lifecycle, Version Negotiation: the requested one where it is spoken, else the latest.
    pub fn negotiate(requested: &str) -> Self {
        Self::parse(requested.as_bytes()).unwrap_or(Self::LATEST)
    }

    /// Its date.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_known_revision_is_negotiated_as_requested() {
        for date in ["2025-03-26", "2025-06-18", "2025-11-25"] {
            assert_eq!(ProtocolVersion::negotiate(date).as_str(), date);
        }
    }

    #[test]
    fn an_unknown_or_stateless_revision_is_answered_with_the_latest_session_revision() {
        for date in ["2024-11-05", "2026-07-28", "", "v1"] {
            assert_eq!(ProtocolVersion::negotiate(date), ProtocolVersion::LATEST);
        }
    }
}
