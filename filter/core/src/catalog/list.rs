//! One list of the catalog: where its definitions stand and what they are called.

use std::borrow::Cow;

use super::cursor::{Cursor, InvalidCursor};
use super::{ListKind, ToolHints};

/// Server, key and place of each definition.
///
/// `entries[i].end < entries[i + 1].start`, and one comma stands between. `by_key` is a permutation of the places of
/// `entries`, sorted by key.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    entries: Vec<Entry>,
    by_key: Vec<u32>,
    digest: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) server: u32,
    pub(super) key: Box<str>,
    /// In bytes of the packed form.
    pub(super) start: usize,
    /// One past the last.
    pub(super) end: usize,
    pub(super) hints: ToolHints,
}

/// The pieces of a list result's JSON, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListResult<'a> {
    open: &'static str,
    definitions: &'a [u8],
    close: Cow<'static, str>,
}

impl ListResult<'_> {
    /// To be written one after another.
    pub fn parts(&self) -> [&[u8]; 3] {
        [
            self.open.as_bytes(),
            self.definitions,
            self.close.as_bytes(),
        ]
    }
}

impl List {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let mut by_key: Vec<u32> = (0..).take(entries.len()).collect();
        let key = |place: &u32| entries.get(*place as usize).map(|entry| &*entry.key);
        by_key.sort_by(|a, b| key(a).cmp(&key(b)));
        let digest = digest(&entries);
        Self {
            entries,
            by_key,
            digest,
        }
    }

    pub(super) fn server_of(&self, key: &str) -> Option<u32> {
        self.find(key).map(|(_, entry)| entry.server)
    }

    /// The definition with exactly this key, and its place.
    pub(super) fn find(&self, key: &str) -> Option<(u32, &Entry)> {
        let entry = |place: &u32| self.entries.get(*place as usize);
        let found = self
            .by_key
            .binary_search_by(|place| entry(place).map(|entry| &*entry.key).cmp(&Some(key)))
            .ok()?;
        let place = self.by_key.get(found)?;
        Some((*place, entry(place)?))
    }

    pub(super) fn key(&self, place: u32) -> Option<&str> {
        self.entries.get(place as usize).map(|entry| &*entry.key)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, &str)> {
        self.entries.iter().map(|entry| (entry.server, &*entry.key))
    }

    /// A key that stands twice.
    pub(super) fn duplicate(&self) -> Option<&str> {
        let key = |place: &u32| self.entries.get(*place as usize).map(|entry| &*entry.key);
        self.by_key
            .array_windows()
            .find(|[a, b]| key(a) == key(b))
            .and_then(|[a, _]| key(a))
    }

    pub(super) fn definition<'a>(&self, bytes: &'a [u8], index: usize) -> Option<&'a [u8]> {
        self.entries
            .get(index)
            .and_then(|entry| bytes.get(entry.start..entry.end))
    }

    pub(super) fn result<'a>(
        &self,
        bytes: &'a [u8],
        kind: ListKind,
        cursor: Option<&str>,
        page_items: u32,
    ) -> Result<ListResult<'a>, InvalidCursor> {
        let first = match cursor {
            None => 0,
            Some(text) => {
                let cursor = Cursor::decode(text)
                    .filter(|cursor| cursor.kind == kind && cursor.list == self.digest);
                let place = cursor.ok_or(InvalidCursor)?.offset as usize;
                if place >= self.entries.len() {
                    return Err(InvalidCursor);
                }
                place
            }
        };
        let next = first.saturating_add(page_items as usize);
        let page = self
            .entries
            .get(first..next.min(self.entries.len()))
            .unwrap_or_default();
        let definitions = match (page.first(), page.last()) {
            (Some(first), Some(last)) => bytes.get(first.start..last.end).unwrap_or_default(),
            _ => &[],
        };
        let close = if next < self.entries.len() {
            let offset = u32::try_from(next).unwrap_or(u32::MAX);
            let cursor = Cursor {
                kind,
                list: self.digest,
                offset,
            }
            .encode();
            Cow::Owned(format!("],\"nextCursor\":\"{cursor}\"}}"))
        } else {
            Cow::Borrowed("]}")
        };
        Ok(ListResult {
            open: open(kind),
            definitions,
            close,
        })
    }
}

fn open(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Tools => "{\"tools\":[",
        ListKind::Prompts => "{\"prompts\":[",
        ListKind::Resources => "{\"resources\":[",
        ListKind::ResourceTemplates => "{\"resourceTemplates\":[",
    }
}

/// FNV-1a over keys, servers and lengths. It tells lists apart that one gateway has had, and guards nothing.
fn digest(entries: &[Entry]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut feed = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for entry in entries {
        feed(entry.key.as_bytes());
        feed(&[0xff]);
        feed(&entry.server.to_le_bytes());
        feed(&((entry.end - entry.start) as u64).to_le_bytes());
    }
    hash
}
