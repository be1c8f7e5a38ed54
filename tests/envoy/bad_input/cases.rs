//! Bodies that are no good, and the error that each gets.

use harness::message::Reply;
use serde_json::{Value, json};

/// The id that an error has to echo.
#[derive(Clone, Debug)]
pub(super) enum Id {
    /// None: the error has no `id` member.
    Absent,
    /// This one.
    Echoed(Value),
    /// Either: the message ends before it is known to be one.
    AbsentOr(Value),
}

/// A body, and the error that it gets.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) body: Vec<u8>,
    status: u16,
    code: i64,
    id: Id,
}

fn case(name: &'static str, body: impl Into<Vec<u8>>, (status, code): (u16, i64), id: Id) -> Case {
    Case {
        name,
        body: body.into(),
        status,
        code,
        id,
    }
}

const PARSE: (u16, i64) = (400, -32700);
const INVALID: (u16, i64) = (400, -32600);
const UNKNOWN_METHOD: (u16, i64) = (200, -32601);
const PARAMS: (u16, i64) = (200, -32602);

/// What is not JSON.
pub(super) fn not_json() -> Vec<Case> {
    let tables = [no_json_at_all(), cut(), of_other_languages(), no_unicode()];
    tables.into_iter().flatten().collect()
}

fn unparsed(name: &'static str, body: &[u8]) -> Case {
    case(name, body, PARSE, Id::AbsentOr(json!(1)))
}

fn no_json_at_all() -> Vec<Case> {
    vec![
        case("an empty body", "", PARSE, Id::Absent),
        case("white space", " \r\n\t", PARSE, Id::Absent),
        case("a word", "hello", PARSE, Id::Absent),
        case("a brace", "{", PARSE, Id::Absent),
        case("a form", "jsonrpc=2.0&method=ping", PARSE, Id::Absent),
        case(
            "a byte order mark",
            b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}".as_slice(),
            PARSE,
            Id::Absent,
        ),
        case("NUL", b"\0".as_slice(), PARSE, Id::Absent),
    ]
}

/// Messages that do not end where they should.
fn cut() -> Vec<Case> {
    vec![
        unparsed(
            "a cut message",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping""#,
        ),
        unparsed("a cut string", br#"{"jsonrpc":"2.0","id":1,"method":"pin"#),
        unparsed(
            "a cut call",
            br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"a":[1,2"#,
        ),
        unparsed(
            "a word behind",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping"} x"#,
        ),
        unparsed(
            "two messages",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        ),
        unparsed(
            "a wrong bracket",
            br#"{"jsonrpc":"2.0","id":1,"x":[1},"method":"ping"]}"#,
        ),
    ]
}

/// What parsers of other languages take.
fn of_other_languages() -> Vec<Case> {
    vec![
        unparsed(
            "a comma too many",
            br#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#,
        ),
        unparsed(
            "single quotes",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,'method':'ping'}",
        ),
        unparsed(
            "a comment",
            br#"{"jsonrpc":"2.0","id":1,/**/"method":"ping"}"#,
        ),
        unparsed(
            "a leading zero",
            br#"{"jsonrpc":"2.0","id":1,"x":01,"method":"ping"}"#,
        ),
        unparsed(
            "a bare fraction",
            br#"{"jsonrpc":"2.0","id":1,"x":.5,"method":"ping"}"#,
        ),
        unparsed(
            "NaN",
            br#"{"jsonrpc":"2.0","id":1,"x":NaN,"method":"ping"}"#,
        ),
        unparsed(
            "a plus",
            br#"{"jsonrpc":"2.0","id":1,"x":+1,"method":"ping"}"#,
        ),
        unparsed(
            "a bad escape",
            br#"{"jsonrpc":"2.0","id":1,"x":"\q","method":"ping"}"#,
        ),
        unparsed(
            "a bad unicode escape",
            br#"{"jsonrpc":"2.0","id":1,"x":"\u00g0","method":"ping"}"#,
        ),
        unparsed(
            "a line break in a string",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"x\":\"a\nb\",\"method\":\"ping\"}",
        ),
    ]
}

/// Texts that are no Unicode.
fn no_unicode() -> Vec<Case> {
    vec![
        unparsed(
            "a name that is no Unicode",
            br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_\ud800"}}"#,
        ),
        unparsed(
            "a lone 0xFF",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\xff\"}",
        ),
        unparsed(
            "an overlong form",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\xc0\x80\"}",
        ),
        unparsed(
            "an encoded surrogate",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\xed\xa0\x80\"}",
        ),
        unparsed(
            "a cut character",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\xe2\x82\"}",
        ),
    ]
}

/// What is JSON and no message.
pub(super) fn no_message() -> Vec<Case> {
    let tables = [without_id(), with_id(), told_twice()];
    tables.into_iter().flatten().collect()
}

fn one() -> Id {
    Id::Echoed(json!(1))
}

fn without_id() -> Vec<Case> {
    let invalid = |name, body: &str| case(name, body, INVALID, Id::Absent);
    vec![
        invalid("a number", "1"),
        invalid("a string", "\"ping\""),
        invalid("null", "null"),
        invalid("true", "true"),
        invalid("an empty array", "[]"),
        // Others are served to clients of 2025-03-26.
        invalid(
            "a batch with initialize",
            r#"[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}]"#,
        ),
        invalid("an empty object", "{}"),
        invalid("another object", r#"{"hello":"world"}"#),
        invalid(
            "a null id",
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        ),
        invalid(
            "an object as id",
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        ),
        invalid(
            "an array as id",
            r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
        ),
        invalid(
            "true as id",
            r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
        ),
    ]
}

fn with_id() -> Vec<Case> {
    let invalid = |name, body: &str, id| case(name, body, INVALID, id);
    vec![
        invalid("no version", r#"{"id":1,"method":"ping"}"#, one()),
        invalid(
            "another version",
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            one(),
        ),
        invalid(
            "a number as version",
            r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
            one(),
        ),
        invalid("an id alone", r#"{"jsonrpc":"2.0","id":1}"#, one()),
        invalid(
            "a number as method",
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            one(),
        ),
        invalid(
            "null as method",
            r#"{"jsonrpc":"2.0","id":1,"method":null}"#,
            one(),
        ),
        invalid(
            "an answer to nothing",
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            Id::AbsentOr(json!(1)),
        ),
    ]
}

/// Members that are there twice: one program may take the first, another the last.
fn told_twice() -> Vec<Case> {
    let invalid = |name, body: &str, id| case(name, body, INVALID, id);
    vec![
        invalid(
            "two methods",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#,
            one(),
        ),
        invalid(
            "two methods, one escaped",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/list"}"#,
            one(),
        ),
        invalid(
            "two ids",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","id":2}"#,
            Id::AbsentOr(json!(1)),
        ),
        invalid(
            "two params",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo"},"params":{"name":"kept_echo"}}"#,
            one(),
        ),
        invalid(
            "two names",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo","name":"kept_echo"}}"#,
            one(),
        ),
        invalid(
            "two names, one escaped",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo","n\u0061me":"kept_echo"}}"#,
            one(),
        ),
        invalid(
            "two names, one in capitals",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_echo","NAME":"kept_echo"}}"#,
            one(),
        ),
        invalid(
            "two uris",
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"test://one","uri":"test://two"}}"#,
            one(),
        ),
    ]
}

/// Messages for nobody.
pub(super) fn for_nobody() -> Vec<Case> {
    let tables = [
        unknown_methods(),
        tools(),
        prompts_and_resources(),
        odd_ids(),
    ];
    tables.into_iter().flatten().collect()
}

fn wrong_params(name: &'static str, body: &str) -> Case {
    case(name, body, PARAMS, one())
}

fn unknown_methods() -> Vec<Case> {
    let unknown = |name, body: &str| case(name, body, UNKNOWN_METHOD, one());
    vec![
        unknown(
            "an unknown method",
            r#"{"jsonrpc":"2.0","id":1,"method":"nobody/knows"}"#,
        ),
        unknown(
            "a method of odd case",
            r#"{"jsonrpc":"2.0","id":1,"method":"Tools/List"}"#,
        ),
        unknown("an empty method", r#"{"jsonrpc":"2.0","id":1,"method":""}"#),
    ]
}

fn tools() -> Vec<Case> {
    vec![
        wrong_params(
            "an unknown tool",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nobody","arguments":{}}}"#,
        ),
        wrong_params(
            "a tool without its prefix",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}"#,
        ),
        wrong_params(
            "a prefix alone",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_"}}"#,
        ),
        wrong_params(
            "an empty name",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":""}}"#,
        ),
        wrong_params(
            "no params",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
        ),
        wrong_params(
            "empty params",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#,
        ),
        wrong_params(
            "params of null",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":null}"#,
        ),
        wrong_params(
            "params in an array",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["plain_echo"]}"#,
        ),
        wrong_params(
            "params in a string",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"plain_echo"}"#,
        ),
        wrong_params(
            "a number as name",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#,
        ),
    ]
}

fn prompts_and_resources() -> Vec<Case> {
    vec![
        wrong_params(
            "an unknown prompt",
            r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"nobody"}}"#,
        ),
        wrong_params(
            "a tool asked for as prompt",
            r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"plain_echo"}}"#,
        ),
        wrong_params(
            "a resource without URI",
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{}}"#,
        ),
        wrong_params(
            "a completion without ref",
            r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{}}"#,
        ),
        wrong_params(
            "a completion of an unknown ref",
            r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/x","name":"plain_greet"}}}"#,
        ),
        wrong_params(
            "a completion of an unknown prompt",
            r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"x"}}}"#,
        ),
        case(
            "an unknown resource",
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"test:\/\/nobody"}}"#,
            (200, -32002),
            one(),
        ),
    ]
}

fn odd_ids() -> Vec<Case> {
    vec![
        case(
            "a string id",
            r#"{"jsonrpc":"2.0","id":"\u0041/","method":"nobody"}"#,
            UNKNOWN_METHOD,
            Id::Echoed(json!("A/")),
        ),
        case(
            "an id past 2^53",
            r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"nobody"}"#,
            UNKNOWN_METHOD,
            Id::Echoed(json!(9_007_199_254_740_993_u64)),
        ),
        case(
            "an id behind",
            r#"{"method":"tools/call","params":{"name":"nobody"},"jsonrpc":"2.0","id":1}"#,
            PARAMS,
            one(),
        ),
        case(
            "a long id",
            format!(
                r#"{{"jsonrpc":"2.0","id":"{}","method":"nobody"}}"#,
                "i".repeat(1000)
            ),
            UNKNOWN_METHOD,
            Id::Echoed(json!("i".repeat(1000))),
        ),
    ]
}

impl Case {
    pub(super) fn check(&self, reply: &Reply) {
        let echoed = reply.message().get("id").cloned();
        let id = match (&self.id, echoed) {
            (Id::Echoed(id) | Id::AbsentOr(id), Some(_)) => id.clone(),
            (Id::Echoed(id), None) => id.clone(),
            (Id::Absent, _) | (Id::AbsentOr(_), None) => Value::Null,
        };
        eprintln!("{}", self.name);
        reply.assert_error(self.status, self.code, &id);
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{}",
            self.name
        );
    }
}
