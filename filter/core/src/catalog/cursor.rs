//! Page cursors: opaque to clients, without state here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ListKind;

const FORMAT: u8 = 1;
const BYTES: usize = 1 + 1 + 8 + 4;

/// A place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Which list.
    pub(crate) kind: ListKind,
    /// Digest of the list that the place is in.
    pub(crate) list: u64,
    /// Definitions before it.
    pub(crate) offset: u32,
}

/// A cursor that was not given out for this list, or for this list as it was before it changed.
///
/// MCP 2025-11-25, server/utilities/pagination, Error Handling: -32602.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list as it is now: list again from the start")]
pub struct InvalidCursor;

impl Cursor {
    pub(crate) fn encode(self) -> String {
        let mut bytes = [0; BYTES];
        let parts = [FORMAT, self.kind as u8]
            .into_iter()
            .chain(self.list.to_be_bytes())
            .chain(self.offset.to_be_bytes());
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        if text.len() != (BYTES * 4).div_ceil(3) {
            return None;
        }
        let bytes: [u8; BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let [format, kind, list @ .., o0, o1, o2, o3] = bytes;
        let kind = ListKind::ALL
            .into_iter()
            .find(|candidate| *candidate as u8 == kind)?;
        let offset = u32::from_be_bytes([o0, o1, o2, o3]);
        (format == FORMAT).then_some(Self {
            kind,
            list: u64::from_be_bytes(list),
            offset,
        })
    }
}
