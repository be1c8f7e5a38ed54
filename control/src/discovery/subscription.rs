//! What is said in a subscription (MCP 2026-07-28, basic/patterns/subscriptions): bytes come in as text, and what they
//! mean goes out.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::message::{Message, messages};
use super::quote::Quote;
use super::refusal::METHOD_NOT_FOUND;
use super::stateless::with_meta;
use super::tells::Tells;

/// The request that opens one.
pub(super) const LISTEN: &str = "subscriptions/listen";

/// Of the id of that request, and so of the subscription. Every other request has a number, so none that is made
/// meanwhile has the same (MCP 2026-07-28, basic, Requests).
pub(super) const ID_PREFIX: &str = "news-";

/// The first word of a server.
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// A list of which a server may tell that it has changed.
struct List {
    /// In the request, and in what is honoured of it.
    member: &'static str,
    is_told: fn(Tells) -> bool,
}

const LISTS: [List; 3] = [
    List {
        member: "toolsListChanged",
        is_told: |tells| tells.tools,
    },
    List {
        member: "promptsListChanged",
        is_told: |tells| tells.prompts,
    },
    List {
        member: "resourcesListChanged",
        is_told: |tells| tells.resources,
    },
];

/// What an event on the stream means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// News will come.
    Acknowledged,
    /// These lists have changed.
    Changed(Tells),
    /// The subscription is over; another may be had.
    Ended,
    /// Nothing will ever be told.
    NotOffered,
    /// Nothing that matters here.
    Other,
}

/// The request for news of what the server tells.
pub(super) fn request(tells: Tells, id: &str) -> String {
    let told = LISTS.iter().filter(|list| (list.is_told)(tells));
    let wanted: Map<String, Value> = told
        .map(|list| (list.member.to_owned(), Value::Bool(true)))
        .collect();
    let params = with_meta(json!({"notifications": wanted}));
    json!({"jsonrpc": "2.0", "id": id, "method": LISTEN, "params": params}).to_string()
}

/// The meaning of the data of an event in the subscription of this id.
pub(super) fn word(data: &[u8], quote: Quote<'_>, id: &str) -> Word {
    let messages = messages(data, quote).unwrap_or_default();
    let words = messages.iter().map(|message| meaning(message, id));
    words.fold(Word::Other, |one, other| match one {
        Word::Other | Word::Acknowledged => other,
        Word::Changed(told) => match other {
            Word::Changed(more) => Word::Changed(told.and(more)),
            _ => one,
        },
        Word::Ended | Word::NotOffered => one,
    })
}

fn meaning(message: &Message<'_>, id: &str) -> Word {
    let Some(method) = message.method.as_deref() else {
        return outcome(message, id);
    };
    let params = Params::of(message);
    if !params.meta.is_of(id) {
        return Word::Other;
    }
    match method {
        ACKNOWLEDGED if params.honours_nothing() => Word::NotOffered,
        ACKNOWLEDGED => Word::Acknowledged,
        told => match Tells::by(told) {
            told if told.any() => Word::Changed(told),
            _ => Word::Other,
        },
    }
}

/// A result ends a subscription in order.
fn outcome(message: &Message<'_>, asked: &str) -> Word {
    let id = message.id.map(|id| serde_json::from_str::<Value>(id.get()));
    // An error without an id belongs to the request, too: the server could not read it (JSON-RPC 2.0, 5.1).
    let is_foreign = matches!(id, Some(Ok(id)) if id != asked);
    match (&message.error, message.result) {
        _ if is_foreign => Word::Other,
        (Some(error), _) if error.code == METHOD_NOT_FOUND => Word::NotOffered,
        (None, None) => Word::Other,
        _ => Word::Ended,
    }
}

/// Of a notification; what is not there, or cannot be read, is not held against the server.
#[derive(Debug, Default, Deserialize)]
struct Params {
    #[serde(default, rename = "_meta")]
    meta: Meta,
    #[serde(default)]
    notifications: Option<Map<String, Value>>,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(default, rename = "io.modelcontextprotocol/subscriptionId")]
    subscription: Option<Value>,
}

impl Params {
    fn of(message: &Message<'_>) -> Self {
        let params = message.params;
        params
            .and_then(|params| serde_json::from_str(params.get()).ok())
            .unwrap_or_default()
    }

    /// An acknowledgement names what of the wanted will be told.
    fn honours_nothing(&self) -> bool {
        let honours = |honoured: &Map<String, Value>| {
            let mut lists = LISTS.iter();
            lists.any(|list| honoured.get(list.member) == Some(&Value::Bool(true)))
        };
        self.notifications
            .as_ref()
            .is_some_and(|honoured| !honours(honoured))
    }
}

impl Meta {
    fn is_of(&self, id: &str) -> bool {
        self.subscription.as_ref().is_none_or(|told| told == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "news-1";

    const ALL: Tells = Tells {
        tools: true,
        prompts: true,
        resources: true,
    };

    fn meaning_of(event: &str) -> Word {
        word(event.as_bytes(), Quote(None), ID)
    }

    fn notification(method: &str, params: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{params}}}"#)
    }

    const OURS: &str = r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":"news-1"}}"#;

    fn acknowledged(honoured: &str) -> String {
        let params = format!(
            r#"{{"_meta":{{"io.modelcontextprotocol/subscriptionId":"news-1"}},"notifications":{honoured}}}"#
        );
        notification("subscriptions/acknowledged", &params)
    }

    #[test]
    fn only_what_was_announced_is_asked_for() {
        let asked = |tells| -> Value {
            let request: Value = serde_json::from_str(&request(tells, ID)).unwrap();
            assert_eq!(request["id"], "news-1");
            assert_eq!(request["method"], "subscriptions/listen");
            let version = &request["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
            assert_eq!(version, "2026-07-28");
            request["params"]["notifications"].clone()
        };
        let all = json!({"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true});
        assert_eq!(asked(ALL), all);
        let prompts = Tells {
            prompts: true,
            ..Tells::default()
        };
        assert_eq!(asked(prompts), json!({"promptsListChanged": true}));
    }

    #[test]
    fn a_subscription_is_acknowledged_where_something_of_it_is_honoured() {
        for honoured in [
            r#"{"toolsListChanged":true}"#,
            r#"{"toolsListChanged":false,"resourcesListChanged":true}"#,
        ] {
            assert_eq!(meaning_of(&acknowledged(honoured)), Word::Acknowledged);
        }
        for honoured in [
            "{}",
            r#"{"toolsListChanged":false}"#,
            r#"{"resourceSubscriptions":["a:b"]}"#,
        ] {
            assert_eq!(meaning_of(&acknowledged(honoured)), Word::NotOffered);
        }
        let bare = notification("subscriptions/acknowledged", "{}");
        assert_eq!(meaning_of(&bare), Word::Acknowledged);
    }

    #[test]
    fn news_are_those_of_lists_in_this_subscription() {
        for list in ["tools", "prompts", "resources"] {
            let method = format!("{list}/list_changed");
            let told = Tells::by(&format!("notifications/{method}"));
            for params in [OURS, "{}", "7"] {
                let meaning = meaning_of(&notification(&method, params));
                assert_eq!(meaning, Word::Changed(told));
            }
            for foreign in [r#""other""#, r#""news-2""#, "7"] {
                let params = OURS.replace(r#""news-1""#, foreign);
                assert_eq!(meaning_of(&notification(&method, &params)), Word::Other);
            }
        }
        let bare = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
        assert!(matches!(meaning_of(bare), Word::Changed(told) if told.tools));
        for other in ["message", "resources/updated", "progress"] {
            assert_eq!(meaning_of(&notification(other, OURS)), Word::Other);
        }
    }

    #[test]
    fn a_result_or_an_error_ends_it() {
        for (answer, meant) in [
            (
                r#"{"jsonrpc":"2.0","id":"news-1","result":{"resultType":"complete"}}"#,
                Word::Ended,
            ),
            (
                r#"{"jsonrpc":"2.0","id":"n\u0065ws-1","error":{"code":-32603,"message":"x"}}"#,
                Word::Ended,
            ),
            (
                r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"x"}}"#,
                Word::Ended,
            ),
            (
                r#"{"jsonrpc":"2.0","id":"news-1","error":{"code":-32601,"message":"x"}}"#,
                Word::NotOffered,
            ),
            (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, Word::Other),
            (
                r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601}}"#,
                Word::Other,
            ),
        ] {
            assert_eq!(meaning_of(answer), meant, "{answer}");
        }
    }

    #[test]
    fn garbage_means_nothing() {
        for garbage in [
            "",
            "{",
            "null",
            "[]",
            "7",
            "{}",
            "\u{e9}",
            r#"{"method":7}"#,
            r#"{"jsonrpc":"2.0","id":"news-1"}"#,
            r#"{"id":"news-1","id":"news-1","result":{}}"#,
        ] {
            assert_eq!(meaning_of(garbage), Word::Other, "{garbage}");
        }
        assert_eq!(word(b"\xff", Quote(None), ID), Word::Other);
    }

    #[test]
    fn of_several_messages_in_one_event_none_is_lost() {
        let first = acknowledged(r#"{"toolsListChanged":true}"#);
        let all = ["tools", "prompts", "resources"]
            .map(|list| notification(&format!("{list}/list_changed"), OURS));
        let all = all.join(",");
        for event in [format!("[{first},{all}]"), format!("[{all},{first}]")] {
            assert_eq!(meaning_of(&event), Word::Changed(ALL));
        }
    }
}
