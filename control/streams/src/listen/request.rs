//! What a client asks to be told.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::catalog::List;
use crate::message::Message;
use crate::refusal::Refusal;
use crate::uris::{Uri, Uris};

/// See the module. Every kind is opt-in; what is not known here is not honoured, and so left out of the acknowledgement.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListenRequest {
    tools: bool,
    prompts: bool,
    resources: bool,
    /// Resources of which updates are asked for.
    pub(crate) uris: Uris,
    /// `params._meta`, as it was written.
    pub(crate) meta: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, default)]
    notifications: Option<&'a RawValue>,
    #[serde(rename = "_meta", default)]
    meta: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Notifications<'a> {
    tools_list_changed: bool,
    prompts_list_changed: bool,
    resources_list_changed: bool,
    #[serde(borrow)]
    resource_subscriptions: Vec<&'a RawValue>,
}

const MISSING: Refusal = Refusal::InvalidParams("params.notifications is missing");
const WRONG: Refusal = Refusal::InvalidParams(
    "params.notifications is not of its form, or has a URI of more than 8 KiB",
);

impl ListenRequest {
    /// Reads the request's `params`.
    ///
    /// # Errors
    /// When `notifications` is missing or not of its form.
    pub(crate) fn read(message: &Message<'_>) -> Result<Self, Refusal> {
        let params = message.params.ok_or(MISSING)?;
        let params: Params<'_> = serde_json::from_str(params.get()).map_err(|_| WRONG)?;
        let notifications = params.notifications.ok_or(MISSING)?.get();
        if !notifications.starts_with('{') {
            return Err(WRONG);
        }
        let asked: Notifications<'_> = serde_json::from_str(notifications).map_err(|_| WRONG)?;
        let uris = asked.resource_subscriptions.into_iter().map(Uri::read);
        let uris: Option<Uris> = uris.collect();
        Ok(Self {
            tools: asked.tools_list_changed,
            prompts: asked.prompts_list_changed,
            resources: asked.resources_list_changed,
            uris: uris.ok_or(WRONG)?,
            meta: params.meta,
        })
    }

    /// Whether changes of this list are asked for.
    pub(crate) fn wants(&self, list: List) -> bool {
        match list {
            List::Tools => self.tools,
            List::Prompts => self.prompts,
            List::Resources => self.resources,
        }
    }

    /// What is honoured, as the acknowledgement tells it.
    pub(crate) fn honoured(&self) -> String {
        let kinds = [
            (self.tools, r#""toolsListChanged":true"#),
            (self.prompts, r#""promptsListChanged":true"#),
            (self.resources, r#""resourcesListChanged":true"#),
        ];
        let wanted = kinds.into_iter().filter(|(wanted, _)| *wanted);
        let mut members: Vec<String> = wanted.map(|(_, member)| member.to_owned()).collect();
        if !self.uris.is_empty() {
            members.push(format!(r#""resourceSubscriptions":{}"#, self.uris.array()));
        }
        format!("{{{}}}", members.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(params: &str) -> Result<ListenRequest, Refusal> {
        let body = format!(r#"{{"id":1,"method":"subscriptions/listen","params":{params}}}"#);
        ListenRequest::read(&Message::read(body.as_bytes()).unwrap())
    }

    #[test]
    fn what_is_asked_for_is_honoured_and_nothing_else() {
        let asked = r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":false,"taskIds":["a"],
            "resourceSubscriptions":["a:\/b","a:/b"]}}"#;
        let request = read(asked).unwrap();
        let wanted = List::ALL.map(|list| request.wants(list));
        assert_eq!(wanted, [true, false, false]);
        let honoured = r#"{"toolsListChanged":true,"resourceSubscriptions":["a:\/b"]}"#;
        assert_eq!(request.honoured(), honoured);
        assert_eq!(read(r#"{"notifications":{}}"#).unwrap().honoured(), "{}");
    }

    #[test]
    fn notifications_must_be_an_object() {
        for params in [
            "{}",
            "[]",
            r#"{"notifications":null}"#,
            r#"{"notifications":[]}"#,
            r#"{"notifications":[true]}"#,
            r#"{"notifications":{"toolsListChanged":1}}"#,
            r#"{"notifications":{"resourceSubscriptions":[1]}}"#,
        ] {
            let refused = read(params).unwrap_err();
            assert!(
                matches!(refused, Refusal::InvalidParams(_)),
                "{params}: {refused:?}"
            );
        }
        let without = Message::read(br#"{"id":1}"#).unwrap();
        assert!(ListenRequest::read(&without).is_err());
    }
}
