//! What is said on the stream of `GET`.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use axum::body::Bytes;
use http::header::HeaderValue;
use mcp_filter_core::version::ProtocolVersion;

use crate::catalog::Catalog;
use crate::event;
use crate::held::Voice;

/// After how many milliseconds a client that has lost its stream comes back.
const RETRY: u32 = 1_000;

/// Ids of events are unique in a session, over all its streams (MCP 2025-11-25, basic/transports, "Resumability and
/// Redelivery"): they are numbered from the time at which the program has started.
static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.as_micros());
    AtomicU64::new(u64::try_from(micros).unwrap_or_default())
});

/// See the module. The id of an event says what the client knows once it has read it, so nothing is stored for one that
/// comes back.
#[derive(Clone, Debug)]
pub(super) struct GetVoice {
    seen: Catalog,
    /// What the client speaks, where it says so.
    revision: Option<ProtocolVersion>,
}

/// What a client has seen whose last event had this id; one that has none, or one that was not given out here, has seen what
/// there is.
pub(super) fn seen(last_event: Option<&HeaderValue>, now: Catalog) -> Catalog {
    let text = last_event.and_then(|id| id.to_str().ok());
    text.and_then(Catalog::parse).unwrap_or(now)
}

impl GetVoice {
    pub(super) fn new(seen: Catalog, revision: Option<&HeaderValue>) -> Self {
        let revision = revision.and_then(|date| ProtocolVersion::parse(date.as_bytes()));
        Self { seen, revision }
    }

    fn id(&self) -> String {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        format!("{}.{number:x}", self.seen.write())
    }
}

impl Voice for GetVoice {
    fn open(&mut self) -> Bytes {
        let with_data = self.revision >= Some(ProtocolVersion::V2025_11_25);
        event::priming(&self.id(), RETRY, with_data)
    }

    fn tell(&mut self, catalog: &Catalog) -> Vec<Bytes> {
        let changed = catalog.changed_since(&self.seen);
        let told = changed.map(|list| {
            self.seen.adopt(list, catalog);
            let message = format!(r#"{{"jsonrpc":"2.0","method":"{}"}}"#, list.notification());
            event::message(Some(&self.id()), message.as_bytes())
        });
        told.collect()
    }

    fn relay(&mut self, message: &[u8]) -> Option<Bytes> {
        Some(event::message(Some(&self.id()), message))
    }

    fn close(&mut self) -> Option<Bytes> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: Catalog = Catalog {
        tools: 1,
        prompts: 2,
        resources: 3,
    };
    const NOW: Catalog = Catalog {
        tools: 7,
        prompts: 2,
        resources: 8,
    };

    fn id(event: &Bytes) -> HeaderValue {
        let line = event.split(|byte| *byte == b'\n').next().unwrap();
        HeaderValue::from_bytes(line.strip_prefix(b"id: ").unwrap()).unwrap()
    }

    #[test]
    fn each_list_that_has_changed_is_told_once() {
        let mut voice = GetVoice::new(THEN, None);
        let told = voice.tell(&NOW);
        let texts = told.iter().map(|event| std::str::from_utf8(event).unwrap());
        let data: Vec<&str> = texts
            .filter_map(|text| text.split_once('\n'))
            .map(|(_, data)| data)
            .collect();
        let expected = [
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/list_changed\"}\n\n",
        ];
        assert_eq!(data, expected);
        assert!(voice.tell(&NOW).is_empty());
    }

    #[test]
    fn who_comes_back_hears_what_was_not_heard() {
        let mut voice = GetVoice::new(seen(None, THEN), None);
        assert_eq!(seen(Some(&id(&voice.open())), NOW), THEN);
        let told = voice.tell(&NOW);
        let after_first = seen(Some(&id(&told[0])), NOW);
        assert_eq!(GetVoice::new(after_first, None).tell(&NOW).len(), 1);
        let after_last = seen(Some(&id(&told[1])), NOW);
        assert!(GetVoice::new(after_last, None).tell(&NOW).is_empty());
    }

    #[test]
    fn a_foreign_id_counts_as_none() {
        for foreign in ["", "0", "mcp-server_7"] {
            let id = HeaderValue::from_str(foreign).unwrap();
            assert_eq!(seen(Some(&id), NOW), NOW, "{foreign}");
        }
    }

    #[test]
    fn only_clients_that_know_of_empty_events_get_one() {
        for (date, knows) in [
            ("2025-11-25", true),
            ("2025-06-18", false),
            ("2026-07-28", false),
        ] {
            let date = HeaderValue::from_static(date);
            let event = GetVoice::new(THEN, Some(&date)).open();
            assert_eq!(event.ends_with(b"\ndata:\n\n"), knows, "{date:?}");
        }
        assert!(
            GetVoice::new(THEN, None)
                .open()
                .ends_with(b"\nretry: 1000\n\n")
        );
    }

    #[test]
    fn no_two_events_have_one_id() {
        let mut voice = GetVoice::new(THEN, None);
        let other = GetVoice::new(THEN, None).open();
        let (one, two) = (voice.open(), voice.relay(b"{}").unwrap());
        assert!(id(&one) != id(&two) && id(&one) != id(&other));
    }
}
