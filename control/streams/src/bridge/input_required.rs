//! Results that ask for input before the call can be done.
//!
//! MCP 2026-07-28, basic/patterns/mrtr.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::members::{Members, ObjectWriter, string};
use super::message;

/// The code of an error of 2025-11-25 that asks the user to follow links before the call is made again
/// (MCP 2025-11-25, client/elicitation, URL Elicitation Required Error).
pub(crate) const LINKS_FIRST: i64 = -32042;

/// One thing that a server wants of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// What names it in `inputRequests` and `inputResponses`.
    pub(crate) key: String,
    /// The request of the session revisions for it.
    pub(crate) method: String,
    /// Its parameters as the server wrote them.
    pub(crate) params: Option<String>,
}

/// A result that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputRequired {
    /// In the server's order.
    pub(crate) questions: Vec<Question>,
    /// What the server wants back, as it wrote it.
    pub(crate) state: Option<String>,
}

/// Whether a server may ask for this in a result.
pub(crate) fn is_askable(method: &str) -> bool {
    matches!(
        method,
        "elicitation/create" | "sampling/createMessage" | "roots/list"
    )
}

/// The result that asks a stateless client, as the answer to the request with this id.
pub(crate) fn ask<'q>(
    id: &str,
    questions: impl Iterator<Item = &'q Question>,
    state: &str,
) -> String {
    let mut requests = ObjectWriter::default();
    for question in questions {
        let request = ObjectWriter::default().member("method", &string(&question.method));
        let request = match &question.params {
            Some(params) => request.member("params", params),
            None => request,
        };
        requests = requests.member(&question.key, &request.end());
    }
    let result = ObjectWriter::default()
        .member("resultType", "\"input_required\"")
        .member("inputRequests", &requests.end())
        .member("requestState", &string(state));
    message::result(id, &result.end())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskingResult<'a> {
    #[serde(borrow, default)]
    input_requests: Option<Members<'a>>,
    #[serde(borrow)]
    request_state: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct AskedRequest<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// What a stateless server's result asks for; `None` where it asks for nothing. An error: it does so in no way that is
/// understood.
pub(crate) fn read(result: &RawValue) -> Result<Option<InputRequired>, NotUnderstood> {
    let Some(members) = Members::of(result) else {
        return Ok(None);
    };
    if members.text("resultType").as_deref() != Some("input_required") {
        return Ok(None);
    }
    let asking: AskingResult<'_> = serde_json::from_str(result.get()).map_err(|_| NotUnderstood)?;
    let requests = asking.input_requests.unwrap_or_default();
    let state = asking.request_state;
    if requests.is_empty() && state.is_none() {
        return Err(NotUnderstood);
    }
    let questions: Option<Vec<Question>> = requests.iter().map(question).collect();
    Ok(Some(InputRequired {
        questions: questions.ok_or(NotUnderstood)?,
        state: state.map(|state| state.get().to_owned()),
    }))
}

/// See [`read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server asked for input in a way that is not understood")]
pub(crate) struct NotUnderstood;

fn question((key, request): (&str, &RawValue)) -> Option<Question> {
    let request: AskedRequest<'_> = serde_json::from_str(request.get()).ok()?;
    is_askable(&request.method).then(|| Question {
        key: key.to_owned(),
        method: request.method.into_owned(),
        params: request.params.map(|params| params.get().to_owned()),
    })
}

/// The links of an error with the code [`LINKS_FIRST`], as questions; nothing where it names none.
pub(crate) fn links(data: Option<&RawValue>) -> Vec<String> {
    let elicitations = data
        .and_then(Members::of)
        .and_then(|data| data.get("elicitations"));
    let links: Option<Vec<&RawValue>> =
        elicitations.and_then(|links| serde_json::from_str(links.get()).ok());
    let objects = links.unwrap_or_default().into_iter();
    objects
        .map(|link| link.get().to_owned())
        .filter(|link| link.starts_with('{'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn what_is_asked_of_a_stateless_client_is_what_the_server_wrote() {
        let questions = [
            Question {
                key: "1".to_owned(),
                method: "elicitation/create".to_owned(),
                params: Some(r#"{"message":"m", "n":1.0}"#.to_owned()),
            },
            Question {
                key: "2".to_owned(),
                method: "roots/list".to_owned(),
                params: None,
            },
        ];
        assert_eq!(
            ask("7", questions.iter(), "s"),
            r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","inputRequests":{"1":{"method":"elicitation/create","params":{"message":"m", "n":1.0}},"2":{"method":"roots/list"}},"requestState":"s"}}"#
        );
    }

    #[test]
    fn a_stateless_servers_question_is_read_with_its_bytes() {
        let result = raw(
            r#"{"inputRequests":{"b":{"params":{"n":1.0},"method":"elicitation/create"},"a":{"method":"roots/list"}},"requestState":"\u0041","resultType":"input_required"}"#,
        );
        let asked = read(&result).unwrap().unwrap();
        assert_eq!(asked.state.as_deref(), Some(r#""\u0041""#));
        let keys: Vec<&str> = asked.questions.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["b", "a"]);
        assert_eq!(asked.questions[0].params.as_deref(), Some(r#"{"n":1.0}"#));
    }

    #[test]
    fn what_does_not_ask_is_no_question() {
        for result in [
            r#"{"content":[]}"#,
            r#"{"resultType":"complete"}"#,
            r#"{"resultType":7}"#,
            "[]",
        ] {
            assert_eq!(read(&raw(result)), Ok(None), "{result}");
        }
    }

    #[test]
    fn what_asks_for_nothing_or_for_something_else_is_not_understood() {
        for members in [
            "",
            r#","inputRequests":{}"#,
            r#","inputRequests":{"k":{"method":"tools/call"}}"#,
            r#","inputRequests":{"k":7},"requestState":"s""#,
            r#","inputRequests":7"#,
        ] {
            let result = raw(&format!(r#"{{"resultType":"input_required"{members}}}"#));
            assert_eq!(read(&result), Err(NotUnderstood), "{members}");
        }
    }

    #[test]
    fn links_are_the_objects_among_an_errors_elicitations() {
        let data = raw(r#"{"elicitations":[{"mode":"url","url":"u"},7]}"#);
        assert_eq!(links(Some(&data)), [r#"{"mode":"url","url":"u"}"#]);
        assert!(links(Some(&raw("{}"))).is_empty());
        assert!(links(None).is_empty());
    }
}
