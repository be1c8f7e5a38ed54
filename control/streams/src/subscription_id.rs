//! To which subscription a notification belongs: a member of its `params._meta` (MCP 2026-07-28, basic/utilities/subscriptions).

use mcp_filter_core::json::splice::member;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::message::Message;

/// The member's name.
pub(crate) const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(rename = "_meta", borrow, default)]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(rename = "io.modelcontextprotocol/subscriptionId", borrow, default)]
    id: Option<&'a RawValue>,
}

/// The notification with this id, all other bytes as they were; `None` when it is none, or has no place for one.
pub(crate) fn set(notification: &[u8], id: &RawValue) -> Option<Vec<u8>> {
    let message = Message::read(notification)?;
    let named = format!(r#""{SUBSCRIPTION_ID}":{}"#, id.get());
    let Some(params) = message.params else {
        let params = format!(r#""params":{{"_meta":{{{named}}}}}"#);
        return insert(
            notification,
            std::str::from_utf8(notification).ok()?.trim(),
            &params,
        );
    };
    let members: Params<'_> = serde_json::from_str(params.get()).ok()?;
    let Some(meta) = members.meta else {
        return insert(
            notification,
            params.get(),
            &format!(r#""_meta":{{{named}}}"#),
        );
    };
    let members: Meta<'_> = serde_json::from_str(meta.get()).ok()?;
    match members.id {
        Some(former) => replace(notification, former.get(), id.get()),
        None => insert(notification, meta.get(), &named),
    }
}

/// The notification without its id, all other bytes as they were; `None` when it has none.
pub(crate) fn remove(notification: &[u8]) -> Option<Vec<u8>> {
    let message = Message::read(notification)?;
    let params: Params<'_> = serde_json::from_str(message.params?.get()).ok()?;
    let meta: Meta<'_> = serde_json::from_str(params.meta?.get()).ok()?;
    let value = meta.id?.get();
    let at = offset(notification, value)?;
    let before = notification.get(..at)?;
    let colon = before.iter().rposition(|byte| *byte == b':')?;
    let key_end = before.get(..colon)?.trim_ascii_end().len();
    let (start, end) = member(notification, key_end, at + value.len())?;
    let (before, after) = (notification.get(..start)?, notification.get(end..)?);
    Some([before, after].concat())
}

/// Puts `member` first in `object`, which is a part of `whole`.
fn insert(whole: &[u8], object: &str, member: &str) -> Option<Vec<u8>> {
    let rest = object.strip_prefix('{')?;
    let comma = if rest.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    let at = offset(whole, rest)?;
    let (before, after) = whole.split_at_checked(at)?;
    Some([before, member.as_bytes(), comma.as_bytes(), after].concat())
}

/// Puts `with` in the place of `part`, which is a part of `whole`.
fn replace(whole: &[u8], part: &str, with: &str) -> Option<Vec<u8>> {
    let at = offset(whole, part)?;
    let (before, rest) = whole.split_at_checked(at)?;
    let after = rest.get(part.len()..)?;
    Some([before, with.as_bytes(), after].concat())
}

/// Where `part` begins, which was borrowed from `whole`.
fn offset(whole: &[u8], part: &str) -> Option<usize> {
    let at = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    (at <= whole.len()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_id(notification: &str) -> Option<String> {
        let id = RawValue::from_string("\"\\u0031\"".to_owned()).unwrap();
        let set = set(notification.as_bytes(), &id)?;
        Some(String::from_utf8(set).unwrap())
    }

    const ID: &str = r#""io.modelcontextprotocol/subscriptionId":"\u0031""#;

    #[test]
    fn an_id_is_put_where_there_is_none() {
        for (before, after) in [
            (
                r#" {"method":"a"} "#,
                format!(r#" {{"params":{{"_meta":{{{ID}}}}},"method":"a"}} "#),
            ),
            (
                r#"{"params": { }}"#,
                format!(r#"{{"params": {{"_meta":{{{ID}}} }}}}"#),
            ),
            (
                r#"{"params":{"x":1e2}}"#,
                format!(r#"{{"params":{{"_meta":{{{ID}}},"x":1e2}}}}"#),
            ),
            (
                r#"{"params":{"_meta":{"a":1}}}"#,
                format!(r#"{{"params":{{"_meta":{{{ID},"a":1}}}}}}"#),
            ),
        ] {
            assert_eq!(with_id(before), Some(after));
        }
    }

    #[test]
    fn another_id_is_replaced() {
        let before = r#"{"params":{"_meta":{"io.modelcontextprotocol/subscriptionId": 7 ,"a":1}}}"#;
        let after =
            r#"{"params":{"_meta":{"io.modelcontextprotocol/subscriptionId": "\u0031" ,"a":1}}}"#;
        assert_eq!(with_id(before).as_deref(), Some(after));
    }

    #[test]
    fn an_id_is_removed() {
        let id = r#""io.modelcontextprotocol\/subscriptionId" : 7"#;
        for (with, without) in [
            (
                format!(r#"{{"params":{{"_meta":{{{id} }}}}}}"#),
                r#"{"params":{"_meta":{ }}}"#,
            ),
            (
                format!(r#"{{"params":{{"_meta":{{{id} ,"a":1}}}}}}"#),
                r#"{"params":{"_meta":{"a":1}}}"#,
            ),
            (
                format!(r#"{{"params":{{"_meta":{{"a":1, {id}}}}}}}"#),
                r#"{"params":{"_meta":{"a":1}}}"#,
            ),
        ] {
            let removed = remove(with.as_bytes()).unwrap();
            assert_eq!(std::str::from_utf8(&removed), Ok(without));
        }
        assert_eq!(remove(br#"{"params":{"_meta":{}}}"#), None);
    }

    #[test]
    fn what_has_no_place_for_an_id_gets_none() {
        for strange in ["", "[]", r#"{"params":[]}"#, r#"{"params":{"_meta":1}}"#] {
            assert_eq!(with_id(strange), None, "{strange}");
        }
    }
}
