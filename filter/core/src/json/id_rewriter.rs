//! One JSON-RPC message from an upstream server as a whole body, with its ids edited while it passes.

use std::borrow::Cow;

use super::{
    Plan, Scanner,
    message::{InvalidMessage, Message, MessageRules, PassingMessage},
    outlet::Outlet,
};

/// Passes one message on, piece by piece, with the values at each [`Site`](super::Site) replaced as the rules say.
///
/// An id that comes before the member that tells what the message is (`method`, `result`, `error`) is held, and what
/// follows it with it, up to a bound; one that comes after costs nothing. All other bytes pass as they are.
/// Whether and how a message passes does not depend on how it was cut into pieces.
#[derive(Debug)]
pub struct IdRewriter {
    message: PassingMessage,
    outlet: Outlet,
}

impl IdRewriter {
    /// How many bytes to hold at most, in the normal case.
    pub const HOLD: usize = 64 * 1024;

    /// Holds at most `hold` bytes; ids and methods longer than that are refused as well.
    pub fn new(hold: usize) -> Self {
        Self {
            message: PassingMessage::new(Plan::FromServer, hold),
            outlet: Outlet::default(),
        }
    }

    /// The same, with the places at which tasks are named.
    pub fn with_tasks(hold: usize) -> Self {
        Self {
            message: PassingMessage::new(Plan::FromServerWithTasks, hold),
            outlet: Outlet::default(),
        }
    }

    /// Takes the next piece and gives what goes on now: borrowed when it is the piece unchanged.
    /// After an error nothing more may go on.
    pub fn feed<'a>(
        &mut self,
        piece: &'a [u8],
        rules: &mut dyn MessageRules,
    ) -> Result<Cow<'a, [u8]>, InvalidMessage> {
        self.message.content(piece, &mut self.outlet, rules)?;
        Ok(self.outlet.pass(piece, self.message.held_from()))
    }

    /// What is known of the message by now.
    pub(crate) fn scanner(&self) -> &Scanner {
        self.message.scanner()
    }

    /// The body is over: tells what it was. Nothing is held of a message that is valid.
    pub fn finish(&mut self) -> Result<Message, InvalidMessage> {
        self.message
            .finish()?
            .ok_or(InvalidMessage::Json(super::InvalidJson::Truncated))
    }
}

#[cfg(test)]
mod tests {
    use super::{IdRewriter, InvalidMessage, Message, MessageRules};
    use crate::json::{InvalidJson, MessageKind, ResultMembers, Site};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Puts `<site:raw>` in every place that names a request, in a string.
    struct Marked;

    impl MessageRules for Marked {
        fn rewrite(&mut self, site: Site, raw: &[u8], method: Option<&str>) -> Option<Vec<u8>> {
            if site == Site::ErrorCode {
                return None;
            }
            let raw = String::from_utf8_lossy(raw).replace('"', "'");
            Some(format!("\"<{site:?} {} {raw}>\"", method.unwrap_or("-")).into_bytes())
        }
    }

    fn rewrite(pieces: &[&str]) -> Result<(String, Message), InvalidMessage> {
        rewrite_by(pieces, &mut Marked)
    }

    /// Whole, and cut everywhere.
    fn both_by(document: &str, rules: &mut dyn MessageRules) -> String {
        let bytes: Vec<String> = document.chars().map(String::from).collect();
        let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
        let (cut, _) = rewrite_by(&bytes, rules).unwrap();
        let (whole, _) = rewrite_by(&[document], rules).unwrap();
        assert_eq!(cut, whole);
        whole
    }

    fn rewrite_by(
        pieces: &[&str],
        rules: &mut dyn MessageRules,
    ) -> Result<(String, Message), InvalidMessage> {
        let mut rewriter = IdRewriter::new(100);
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&rewriter.feed(piece.as_bytes(), rules)?);
        }
        let message = rewriter.finish()?;
        Ok((String::from_utf8(out).unwrap(), message))
    }

    /// Whole, and cut everywhere.
    fn both(document: &str) -> Result<(String, Message), InvalidMessage> {
        let bytes: Vec<String> = document.chars().map(String::from).collect();
        let cut = rewrite(&bytes.iter().map(String::as_str).collect::<Vec<_>>());
        let whole = rewrite(&[document]);
        assert_eq!(cut, whole);
        whole
    }

    #[test]
    fn the_id_of_a_request_is_replaced_wherever_it_stands() {
        let cases = [
            (
                r#" {"jsonrpc":"2.0", "id" : 3 ,"method":"ping"} "#,
                r#" {"jsonrpc":"2.0", "id" : "<Id ping 3>" ,"method":"ping"} "#,
            ),
            (
                r#"{"method":"ping","params":{"id":1},"jsonrpc":"2.0","id":"x"}"#,
                r#"{"method":"ping","params":{"id":1},"jsonrpc":"2.0","id":"<Id ping 'x'>"}"#,
            ),
        ];
        for (document, expected) in cases {
            let (out, message) = both(document).unwrap();
            assert_eq!(out, expected);
            assert_eq!(message.kind, MessageKind::Request);
            assert_eq!(message.method.as_deref(), Some("ping"));
        }
    }

    #[test]
    fn the_id_of_a_response_is_replaced_too() {
        let (out, message) = both(r#"{"id":3,"result":{"id":4,"a":"\u00e9"}}"#).unwrap();
        assert_eq!(out, r#"{"id":"<Id - 3>","result":{"id":4,"a":"\u00e9"}}"#);
        assert_eq!(message.kind, MessageKind::Response);
        assert!(message.answers(b"3"));
        assert!(!message.answers(b"4"));
        let (out, _) = both(r#"{"error":{"code":1},"id":3}"#).unwrap();
        assert_eq!(out, r#"{"error":{"code":1},"id":"<Id - 3>"}"#);
    }

    #[test]
    fn a_null_id_stays() {
        let document = r#"{"error":{"code":1},"id":null}"#;
        let (out, message) = both(document).unwrap();
        assert_eq!(out, document);
        assert_eq!(message.id.as_deref(), Some(&b"null"[..]));
    }

    /// Adds what a stateless client misses, and tells one code as another.
    struct Completed;

    impl MessageRules for Completed {
        fn rewrite(&mut self, site: Site, raw: &[u8], method: Option<&str>) -> Option<Vec<u8>> {
            let is_missing = site == Site::ErrorCode && method.is_none() && raw == b"-32002";
            is_missing.then(|| b"-32602".to_vec())
        }

        fn complete(&mut self, members: ResultMembers) -> Vec<u8> {
            let missing = [
                (members.result_type, r#""resultType":"complete""#),
                (members.ttl, r#""ttlMs":0"#),
            ];
            let missing = missing.iter().filter(|(has, _)| !has);
            let texts: Vec<&str> = missing.map(|(_, text)| *text).collect();
            texts.join(",").into_bytes()
        }
    }

    #[test]
    fn a_result_gets_the_members_that_it_lacks_at_its_end() {
        let cases = [
            (
                r#"{"result":{},"id":1}"#,
                r#"{"result":{"resultType":"complete","ttlMs":0},"id":1}"#,
            ),
            (
                r#"{"id":1,"result":{"content":[{"ttlMs":1}] } }"#,
                r#"{"id":1,"result":{"content":[{"ttlMs":1}] ,"resultType":"complete","ttlMs":0} }"#,
            ),
            (
                r#"{"id":1,"result":{"resultType":"task"}}"#,
                r#"{"id":1,"result":{"resultType":"task","ttlMs":0}}"#,
            ),
            (
                r#"{"id":1,"result":{"ttlMs":5,"resultType":"complete"}}"#,
                r#"{"id":1,"result":{"ttlMs":5,"resultType":"complete"}}"#,
            ),
        ];
        for (document, expected) in cases {
            assert_eq!(both_by(document, &mut Completed), expected);
        }
    }

    #[test]
    fn the_code_of_an_error_is_replaced_and_no_other_code() {
        assert_eq!(
            both_by(
                r#"{"id":1,"error":{"message":"","data":{"code":-32002},"code":-32002}}"#,
                &mut Completed
            ),
            r#"{"id":1,"error":{"message":"","data":{"code":-32002},"code":-32602}}"#
        );
        let result = r#"{"id":1,"result":{"code":-32002,"resultType":"","ttlMs":1}}"#;
        assert_eq!(both_by(result, &mut Completed), result);
    }

    #[test]
    fn all_places_are_replaced_together_and_apart() {
        let (out, message) = both(
            r#"{"params":{"requestId":"a","_meta":{"progressToken":5}},"id":2.5,"method":"m","x":0}"#,
        )
        .unwrap();
        assert_eq!(
            out,
            r#"{"params":{"requestId":"<RequestId m 'a'>","_meta":{"progressToken":"<ProgressToken m 5>"}},"id":"<Id m 2.5>","method":"m","x":0}"#
        );
        assert_eq!(message.id.as_deref(), Some(&b"2.5"[..]));
        let (out, message) =
            both(r#"{"method":"notifications/cancelled","params":{"requestId":9}}"#).unwrap();
        assert_eq!(
            out,
            r#"{"method":"notifications/cancelled","params":{"requestId":"<RequestId notifications/cancelled 9>"}}"#
        );
        assert_eq!(message.kind, MessageKind::Notification);
    }

    #[test]
    fn tasks_are_named_anew_where_they_are_looked_for() {
        let task = r#""_meta":{"io.modelcontextprotocol/related-task":{"x":1,"taskId":"a"}}"#;
        let marked =
            |site: &str, method: &str| task.replace("\"a\"", &format!("\"<{site} {method} 'a'>\""));
        let cases = [
            (
                format!(
                    r#"{{"params":{{"taskId":"a","task":{{"taskId":"b"}},{task}}},"method":"m"}}"#
                ),
                format!(
                    r#"{{"params":{{"taskId":"<TaskId m 'a'>","task":{{"taskId":"b"}},{}}},"method":"m"}}"#,
                    marked("RelatedTask", "m")
                ),
            ),
            (
                format!(
                    r#"{{"result":{{"taskId":"a",{task},"task":{{"taskId":"b","x":{{"taskId":"c"}}}},"y":[{{"taskId":"d"}}]}}}}"#
                ),
                format!(
                    r#"{{"result":{{"taskId":"<ResultTask - 'a'>",{},"task":{{"taskId":"<CreatedTask - 'b'>","x":{{"taskId":"c"}}}},"y":[{{"taskId":"d"}}]}}}}"#,
                    marked("ResultRelatedTask", "-")
                ),
            ),
            (
                r#"{"error":{"taskId":"a"},"params":{"taskId":"a"}}"#.to_owned(),
                r#"{"error":{"taskId":"a"},"params":{"taskId":"a"}}"#.to_owned(),
            ),
        ];
        for (document, expected) in cases {
            for size in [1, 5, 1000] {
                let mut rewriter = IdRewriter::with_tasks(1000);
                let mut out = Vec::new();
                for piece in document.as_bytes().chunks(size) {
                    out.extend_from_slice(&rewriter.feed(piece, &mut Marked).unwrap());
                }
                rewriter.finish().unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), expected);
            }
            let mut rewriter = IdRewriter::new(1000);
            let left = rewriter.feed(document.as_bytes(), &mut Marked).unwrap();
            assert_eq!(
                left,
                document.as_bytes(),
                "they are left where they are not"
            );
        }
    }

    #[test]
    fn a_task_that_is_named_twice_is_refused_where_it_is_looked_for() {
        for document in [
            r#"{"result":{"taskId":"a","taskId":"b"}}"#,
            r#"{"result":{"task":{"taskId":"a"},"task":{"taskId":"b"}}}"#,
            r#"{"result":{"taskId":"a","taskid":"b"}}"#,
        ] {
            assert!(both(document).is_ok());
            let mut rewriter = IdRewriter::with_tasks(1000);
            let refused = rewriter.feed(document.as_bytes(), &mut Marked);
            assert!(matches!(
                refused,
                Err(InvalidMessage::Json(InvalidJson::DuplicateKey(_)))
            ));
        }
    }

    #[test]
    fn a_piece_that_does_not_change_is_borrowed() {
        let mut rewriter = IdRewriter::new(100);
        let piece = br#"{"jsonrpc":"2.0","method":"m","#;
        let out = rewriter.feed(piece, &mut Marked).unwrap();
        assert!(matches!(out, std::borrow::Cow::Borrowed(same) if same == piece));
    }

    #[test]
    fn bytes_are_held_only_from_an_id_that_is_not_understood() {
        let mut rewriter = IdRewriter::new(100);
        let out = rewriter
            .feed(br#"{"jsonrpc":"2.0","id":1,"a":"#, &mut Marked)
            .unwrap();
        assert_eq!(out, &br#"{"jsonrpc":"2.0","id":"#[..]);
        let out = rewriter.feed(br#"1,"result":"#, &mut Marked).unwrap();
        assert_eq!(out, &br#""<Id - 1>","a":1,"result":"#[..]);
    }

    #[test]
    fn a_message_that_does_not_tell_soon_enough_is_refused() {
        let with_gap = |gap: usize| format!(r#"{{"id":1,"a":"{}","method":"m"}}"#, "x".repeat(gap));
        let gap = 100 - r#"1,"a":"","method":"m""#.len();
        assert!(both(&with_gap(gap)).is_ok());
        assert_eq!(both(&with_gap(gap + 1)), Err(InvalidMessage::HeldTooLong));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for document in [
            "[]",
            "1",
            "{}",
            r#"{"id":1}"#,
            r#"{"method":1}"#,
            r#"{"method":{}}"#,
            r#"{"method":"m","result":1}"#,
            r#"{"error":1,"id":1,"method":"m"}"#,
        ] {
            assert_eq!(
                both(document),
                Err(InvalidMessage::NotAMessage),
                "{document}"
            );
        }
        assert_eq!(both(""), Err(InvalidMessage::Json(InvalidJson::Truncated)));
        assert_eq!(
            both(r#"{"id":1,"id":2}"#),
            Err(InvalidMessage::Json(InvalidJson::DuplicateKey(8)))
        );
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod properties;
