//! What is said on the stream of `subscriptions/listen`.

use axum::body::Bytes;
use serde_json::value::RawValue;

use super::request::ListenRequest;
use crate::catalog::Catalog;
use crate::event;
use crate::held::Voice;
use crate::subscription_id::{self, SUBSCRIPTION_ID};

/// See the module. There are no ids of events: a stream that is lost is asked for anew (MCP 2026-07-28, changes, 9).
#[derive(Clone, Debug)]
pub(super) struct ListenVoice {
    /// The request's id, as it was written: it names the subscription.
    id: Box<RawValue>,
    request: ListenRequest,
    seen: Catalog,
}

impl ListenVoice {
    pub(super) fn new(id: &RawValue, request: ListenRequest, seen: Catalog) -> Self {
        Self {
            id: id.to_owned(),
            request,
            seen,
        }
    }

    fn meta(&self) -> String {
        format!(r#""_meta":{{"{SUBSCRIPTION_ID}":{}}}"#, self.id.get())
    }

    fn notification(&self, method: &str, more: &str) -> Bytes {
        let params = format!("{{{}{more}}}", self.meta());
        let message = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#);
        event::message(None, message.as_bytes())
    }
}

impl Voice for ListenVoice {
    fn open(&mut self) -> Bytes {
        let honoured = format!(r#","notifications":{}"#, self.request.honoured());
        self.notification("notifications/subscriptions/acknowledged", &honoured)
    }

    fn tell(&mut self, catalog: &Catalog) -> Vec<Bytes> {
        let changed = catalog.changed_since(&self.seen);
        self.seen = *catalog;
        let wanted = changed.filter(|list| self.request.wants(*list));
        wanted
            .map(|list| self.notification(list.notification(), ""))
            .collect()
    }

    fn relay(&mut self, message: &[u8]) -> Option<Bytes> {
        let tagged = subscription_id::set(message, &self.id)?;
        Some(event::message(None, &tagged))
    }

    fn close(&mut self) -> Option<Bytes> {
        let (id, meta) = (self.id.get(), self.meta());
        let result = format!(r#"{{"resultType":"complete",{meta}}}"#);
        let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        Some(event::message(None, message.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    fn voice(notifications: &str) -> ListenVoice {
        let body = format!(r#"{{"id":"\u0031","params":{{"notifications":{notifications}}}}}"#);
        let message = Message::read(body.as_bytes()).unwrap();
        let request = ListenRequest::read(&message).unwrap();
        ListenVoice::new(message.id.unwrap(), request, Catalog::default())
    }

    fn text(event: &Bytes) -> &str {
        std::str::from_utf8(event).unwrap()
    }

    const PROMPTS: &str = r#"{"promptsListChanged":true}"#;

    #[test]
    fn a_subscription_is_acknowledged_under_the_id_as_it_was_written() {
        let expected = concat!(
            r#"data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":"#,
            r#"{"io.modelcontextprotocol/subscriptionId":"\u0031"},"notifications":{"promptsListChanged":true}}}"#,
            "\n\n"
        );
        assert_eq!(text(&voice(PROMPTS).open()), expected);
    }

    #[test]
    fn only_what_was_asked_for_is_told() {
        let mut voice = voice(PROMPTS);
        let now = Catalog {
            tools: 1,
            prompts: 1,
            resources: 1,
        };
        let told = voice.tell(&now);
        let expected = concat!(
            r#"data: {"jsonrpc":"2.0","method":"notifications/prompts/list_changed","params":{"_meta":"#,
            r#"{"io.modelcontextprotocol/subscriptionId":"\u0031"}}}"#,
            "\n\n"
        );
        assert_eq!(told.iter().map(text).collect::<Vec<_>>(), [expected]);
        assert!(voice.tell(&now).is_empty());
    }

    #[test]
    fn the_end_is_the_answer_to_the_request() {
        let expected = concat!(
            r#"data: {"jsonrpc":"2.0","id":"\u0031","result":{"resultType":"complete","_meta":"#,
            r#"{"io.modelcontextprotocol/subscriptionId":"\u0031"}}}"#,
            "\n\n"
        );
        let close = voice("{}").close();
        assert_eq!(close.as_ref().map(text), Some(expected));
    }
}
