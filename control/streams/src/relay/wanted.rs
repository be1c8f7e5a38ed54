//! What of a server's messages is for whom.

use axum::body::Bytes;
use mcp_filter_core::Era;

use super::Audience;
use crate::catalog::List;
use crate::message::Message;
use crate::subscription_id;

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It is passed on.
    Message(Bytes),
    /// It is answered here.
    Answer(Bytes),
    /// It is for nobody.
    Nothing,
}

/// Sorts a message of a server of this era.
pub(super) fn wanted((audience, era): (Audience, Era), data: Bytes) -> Wanted {
    let Some(message) = Message::read(&data) else {
        return Wanted::Nothing;
    };
    let is_update = message.method() == "notifications/resources/updated";
    match (audience, era) {
        (Audience::Session, Era::Sessions) => {
            let of_list = |list: List| list.notification() == message.method();
            // What the client is asked comes on the stream of its own request: here an answer is nobody's.
            let is_for_client = !message.is_answer() && !List::ALL.into_iter().any(of_list);
            if is_for_client {
                Wanted::Message(data)
            } else {
                Wanted::Nothing
            }
        }
        // No session has subscriptions with ids.
        (Audience::Session, Era::Stateless) if is_update => Wanted::Message(
            subscription_id::remove(&data).map_or_else(|| data.clone(), Bytes::from),
        ),
        (Audience::Subscription, _) if is_update => Wanted::Message(data),
        (Audience::Subscription, Era::Sessions) => answer(&message),
        _ => Wanted::Nothing,
    }
}

/// A session that was opened here has no capabilities: what a server may ask in it is whether it is there
/// (MCP 2025-11-25, basic/utilities/ping).
fn answer(message: &Message<'_>) -> Wanted {
    let (Some(id), Some(method)) = (message.id, &message.method) else {
        return Wanted::Nothing;
    };
    let outcome = match method.as_ref() {
        "ping" => r#""result":{}"#,
        _ => r#""error":{"code":-32601,"message":"method not found"}"#,
    };
    Wanted::Answer(format!(r#"{{"jsonrpc":"2.0","id":{},{outcome}}}"#, id.get()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPDATED: &str = r#"{"method":"notifications/resources/updated","params":{"uri":"a:b"}}"#;
    const LOG: &str = r#"{"method":"notifications/message","params":{}}"#;
    const CHANGED: &str = r#"{"method":"notifications/tools/list_changed"}"#;
    const PING: &str = r#"{"id":"\u0031","method":"ping"}"#;
    const ASKS: &str = r#"{"id":1,"method":"roots/list"}"#;
    const ANSWER: &str = r#"{"id":1,"result":{}}"#;

    fn sort(audience: Audience, era: Era) -> [bool; 6] {
        [UPDATED, LOG, CHANGED, PING, ASKS, ANSWER].map(|message| {
            let data = Bytes::from(message);
            wanted((audience, era), data.clone()) == Wanted::Message(data)
        })
    }

    #[test]
    fn a_session_hears_all_but_what_the_gateway_tells_itself() {
        let heard = sort(Audience::Session, Era::Sessions);
        assert_eq!(heard, [true, true, false, true, true, false]);
        let heard = sort(Audience::Session, Era::Stateless);
        assert_eq!(heard, [true, false, false, false, false, false]);
    }

    #[test]
    fn a_subscription_hears_of_what_it_is_subscribed_to() {
        for era in [Era::Sessions, Era::Stateless] {
            let heard = sort(Audience::Subscription, era);
            assert_eq!(heard, [true, false, false, false, false, false]);
        }
    }

    #[test]
    fn a_server_that_asks_in_a_session_of_ours_is_answered() {
        let to = (Audience::Subscription, Era::Sessions);
        let pong = br#"{"jsonrpc":"2.0","id":"\u0031","result":{}}"#;
        assert_eq!(
            wanted(to, Bytes::from(PING)),
            Wanted::Answer(Bytes::from_static(pong))
        );
        let Wanted::Answer(refusal) = wanted(to, Bytes::from(ASKS)) else {
            panic!("no answer");
        };
        assert!(Message::read(&refusal).unwrap().error.is_some());
        assert_eq!(wanted(to, Bytes::from(ANSWER)), Wanted::Nothing);
        assert_eq!(wanted(to, Bytes::from("no JSON")), Wanted::Nothing);
    }

    #[test]
    fn a_session_is_not_told_of_subscription_ids() {
        let tagged = concat!(
            r#"{"method":"notifications/resources/updated","params":{"uri":"a:b","#,
            r#""_meta":{"io.modelcontextprotocol/subscriptionId":0}}}"#
        );
        let plain =
            r#"{"method":"notifications/resources/updated","params":{"uri":"a:b","_meta":{}}}"#;
        let heard = wanted((Audience::Session, Era::Stateless), Bytes::from(tagged));
        assert_eq!(heard, Wanted::Message(Bytes::from(plain)));
    }
}
