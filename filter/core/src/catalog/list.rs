//! One list of the catalog: where its definitions stand and what they are called.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hasher as _};
use std::ops::Range;

use super::cursor::{Cursor, InvalidCursor};
use super::page::{Filling, PageSize};
use super::{CacheScope, ListKind, Listed, ListedIn, Shown, ToolHints};

/// Server, key and place of each definition.
///
/// `entries[i].end < entries[i + 1].start`, and one comma stands between. `by_key` is a permutation of the places of
/// `entries`, sorted by key.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    entries: Vec<Entry>,
    by_key: Vec<u32>,
    digest: u64,
    /// A digest of each definition, once they were asked for.
    fingerprints: OnceCell<Vec<Fingerprint>>,
    /// One of all of them, likewise.
    whole: OnceCell<u64>,
}

/// Of one definition's bytes. It guards nothing, and is compared within one build alone.
type Fingerprint = u64;

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) server: u32,
    pub(super) key: Box<str>,
    /// In bytes of the packed form.
    pub(super) start: usize,
    /// One past the last.
    pub(super) end: usize,
    pub(super) hints: ToolHints,
    pub(super) listed_in: ListedIn,
}

/// The pieces of a list result's JSON, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListResult<'a> {
    open: &'static str,
    /// What stands one after another in the packed form, with its commas.
    runs: Vec<&'a [u8]>,
    close: Cow<'static, str>,
}

impl ListResult<'_> {
    /// To be written one after another.
    pub fn parts(&self) -> Vec<&[u8]> {
        let mut parts = Vec::with_capacity(2 * self.runs.len() + 2);
        parts.push(self.open.as_bytes());
        for (index, run) in self.runs.iter().enumerate() {
            if index > 0 {
                parts.push(b",".as_slice());
            }
            parts.push(run);
        }
        parts.push(self.close.as_bytes());
        parts
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
            fingerprints: OnceCell::new(),
            whole: OnceCell::new(),
        }
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

    pub(super) fn listed_in(&self, place: u32) -> ListedIn {
        let entry = self.entries.get(place as usize);
        entry.map_or_else(ListedIn::default, |entry| entry.listed_in)
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

    /// The place with which the page of `cursor` begins.
    pub(super) fn first(&self, kind: ListKind, cursor: Option<&str>) -> Result<u32, InvalidCursor> {
        let Some(text) = cursor else {
            return Ok(0);
        };
        let cursor = Cursor::decode(text)
            .filter(|cursor| cursor.kind == kind && cursor.list == self.digest)
            .filter(|cursor| (cursor.offset as usize) < self.entries.len());
        cursor.map(|cursor| cursor.offset).ok_or(InvalidCursor)
    }

    /// A page of this size of those definitions that are `shown`, from the place `first` on.
    pub(super) fn page<'a>(
        &self,
        bytes: &'a [u8],
        kind: ListKind,
        (first, size): (u32, PageSize),
        shown: &Shown<'_>,
    ) -> ListResult<'a> {
        let selected = shown
            .virtual_server
            .and_then(|virtual_server| virtual_server.places(kind));
        let (runs, next) = match (selected, shown.is_visible) {
            (None, None) => self.all(bytes, first, size),
            (None, Some(_)) => {
                let places = (first..).take_while(|place| (*place as usize) < self.entries.len());
                self.some(bytes, places, size, shown)
            }
            (Some(selected), _) => {
                let from = selected.partition_point(|place| *place < first);
                let places = selected.get(from..).unwrap_or_default().iter().copied();
                self.some(bytes, places, size, shown)
            }
        };
        let next = next.map(|offset| {
            let list = self.digest;
            Cursor { kind, list, offset }.encode()
        });
        ListResult {
            open: open(kind, shown.cache_scope.is_some()),
            runs,
            close: close(next, shown.cache_scope),
        }
    }

    /// Of all the definitions that are `shown`, and their order. That of all is made once.
    pub(super) fn digest(&self, bytes: &[u8], kind: ListKind, shown: &Shown<'_>) -> u64 {
        let digest = || {
            let mut hash = DefaultHasher::new();
            for fingerprint in self.fingerprints(bytes, kind, shown) {
                hash.write_u64(*fingerprint);
            }
            hash.finish()
        };
        match (shown.virtual_server, shown.is_visible) {
            (None, None) => *self.whole.get_or_init(digest),
            _ => digest(),
        }
    }

    /// Digests of the definitions that are `shown`, in order. Those of the bytes are made once for all views.
    pub(super) fn fingerprints<'a>(
        &'a self,
        bytes: &[u8],
        kind: ListKind,
        shown: &'a Shown<'_>,
    ) -> impl Iterator<Item = &'a Fingerprint> {
        let of_entry = |entry: &Entry| fingerprint(bytes.get(entry.start..entry.end));
        let prints = self
            .fingerprints
            .get_or_init(|| self.entries.iter().map(of_entry).collect());
        let shown = self.shown(kind, shown);
        shown.filter_map(|(place, _)| prints.get(place as usize))
    }

    /// The definitions that are `shown`, each with its place.
    pub(super) fn shown<'a>(
        &'a self,
        kind: ListKind,
        shown: &'a Shown<'_>,
    ) -> impl Iterator<Item = (u32, &'a Entry)> {
        let selected = shown
            .virtual_server
            .and_then(|virtual_server| virtual_server.places(kind));
        let is_selected =
            move |place| selected.is_none_or(|places| places.binary_search(&place).is_ok());
        (0..)
            .zip(&self.entries)
            .filter(move |(place, entry)| is_selected(*place) && entry.is_visible(shown))
    }

    /// Definitions without a gap, and the place behind them.
    fn all<'a>(&self, bytes: &'a [u8], first: u32, size: PageSize) -> (Vec<&'a [u8]>, Option<u32>) {
        let entries = self.entries.get(first as usize..).unwrap_or_default();
        let count = size.fitting(entries);
        let page = entries.get(..count).unwrap_or_default();
        let run = match (page.first(), page.last()) {
            (Some(first), Some(last)) => bytes.get(first.start..last.end),
            _ => None,
        };
        let next = u32::try_from(first as usize + count).ok();
        let next = next.filter(|_| count < entries.len());
        (run.into_iter().collect(), next)
    }

    /// Of `places`, those that are visible, and the place of the one behind them.
    fn some<'a>(
        &self,
        bytes: &'a [u8],
        places: impl Iterator<Item = u32>,
        size: PageSize,
        shown: &Shown<'_>,
    ) -> (Vec<&'a [u8]>, Option<u32>) {
        let entries = places.filter_map(|place| Some((place, self.entries.get(place as usize)?)));
        let visible = entries.filter(|(_, entry)| entry.is_visible(shown));
        let mut filling = Filling::new(size);
        let mut runs = Vec::new();
        let mut run: Option<(u32, Range<usize>)> = None;
        let mut next = None;
        for (place, entry) in visible {
            if !filling.take(entry) {
                next = Some(place);
                break;
            }
            run = match run {
                Some((last, range)) if last + 1 == place => Some((place, range.start..entry.end)),
                before => {
                    runs.extend(before.and_then(|(_, range)| bytes.get(range)));
                    Some((place, entry.start..entry.end))
                }
            };
        }
        runs.extend(run.and_then(|(_, range)| bytes.get(range)));
        (runs, next)
    }
}

impl Entry {
    fn is_visible(&self, shown: &Shown<'_>) -> bool {
        let listed = Listed {
            server: self.server,
            key: &self.key,
            listed_in: self.listed_in,
        };
        shown.is_visible.is_none_or(|is| is(listed))
    }
}

fn fingerprint(definition: Option<&[u8]>) -> Fingerprint {
    let mut hash = DefaultHasher::new();
    hash.write(definition.unwrap_or_default());
    hash.finish()
}

/// What stands before the definitions.
fn open(kind: ListKind, is_stateless: bool) -> &'static str {
    match (kind, is_stateless) {
        (ListKind::Tools, false) => r#"{"tools":["#,
        (ListKind::Tools, true) => r#"{"resultType":"complete","tools":["#,
        (ListKind::Prompts, false) => r#"{"prompts":["#,
        (ListKind::Prompts, true) => r#"{"resultType":"complete","prompts":["#,
        (ListKind::Resources, false) => r#"{"resources":["#,
        (ListKind::Resources, true) => r#"{"resultType":"complete","resources":["#,
        (ListKind::ResourceTemplates, false) => r#"{"resourceTemplates":["#,
        (ListKind::ResourceTemplates, true) => r#"{"resultType":"complete","resourceTemplates":["#,
    }
}

/// What stands behind the definitions; the cursor of the next page, and what only stateless clients are told.
fn close(next: Option<String>, scope: Option<CacheScope>) -> Cow<'static, str> {
    if next.is_none() && scope.is_none() {
        return Cow::Borrowed("]}");
    }
    let mut close = "]".to_owned();
    if let Some(cursor) = next {
        close.push_str(&format!(",\"nextCursor\":\"{cursor}\""));
    }
    if let Some(scope) = scope {
        close.push(',');
        close.push_str(scope.members());
    }
    close.push('}');
    Cow::Owned(close)
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
