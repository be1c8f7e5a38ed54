//! What an in-process MCP server offers and how it behaves, tool by tool.

use std::time::Duration;

use crate::feed::Feed;

/// A server's part, played by [`crate::upstream::Upstream`].
#[derive(Clone, Debug)]
pub struct Script {
    /// Whether `initialize` issues a session id, which every other request must then carry.
    pub sessions: bool,
    /// The status for a session id that the server does not know. 404 by the specification; servers made from the
    /// TypeScript SDK's example answer 400.
    pub lost_session_status: u16,
    /// Whether handshake and lists come as an event stream.
    pub streams: bool,
    /// What it says outside calls: on `GET` of a session, and on `subscriptions/listen`. It has neither where absent.
    pub feed: Option<Feed>,
    /// Whether it announces in the stateless revision that it tells changes of its tools.
    pub tells_changes: bool,
    /// Whether it takes a client's answer with a stream of one question, which then hangs.
    pub talks_back: bool,
    /// The revision that it answers `initialize` with, whatever was asked.
    pub protocol_version: &'static str,
    /// The eras that it speaks.
    pub eras: Eras,
    /// What becomes of `server/discover`.
    pub discover: Discover,
    /// Its tools in the stateless revision, where they are others.
    pub stateless_tools: Option<Vec<Tool>>,
    /// Wanted in `Authorization`, byte for byte; 401 without.
    pub authorization: Option<String>,
    /// Whether it announces views for its tools' results.
    pub apps: bool,
    /// Items on a page of a list; all of them where 0.
    pub page_items: usize,
    /// Its tools.
    pub tools: Vec<Tool>,
    /// Definitions of its prompts.
    pub prompts: Vec<String>,
    /// Definitions of its resources.
    pub resources: Vec<String>,
    /// Definitions of its resource templates.
    pub resource_templates: Vec<String>,
}

/// With sessions or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eras {
    /// Only revisions with sessions.
    Sessions,
    /// Both, told apart by what each request says.
    Both,
    /// Only the stateless revision 2026-07-28.
    Stateless,
}

/// How `server/discover` is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discover {
    /// As the eras want it.
    Answers,
    /// Never.
    Hangs,
}

/// A tool: its definition in the bytes that a list has, and what a call to it gives.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its decoded name.
    pub name: String,
    /// A JSON object.
    pub definition: String,
    /// The answer to a call.
    pub answer: Answer,
}

/// How a call ends. In texts, `$ID` stands for the request's id as it came.
#[derive(Clone, Debug)]
pub enum Answer {
    /// With a result that repeats the call's `params`, as JSON.
    Echo,
    /// The same, as an event stream of a notification and the answer.
    EchoStream,
    /// Like [`Answer::Echo`], with the trailer [`TRAILER`] after it.
    EchoTrailer,
    /// With this response.
    Response {
        /// Status.
        status: u16,
        /// In order.
        headers: Vec<(&'static str, Vec<u8>)>,
        /// May be empty.
        body: String,
    },
    /// With the head of a 200 of this type and a part of the body; then the connection breaks.
    Cut {
        /// `content-type`
        content_type: &'static str,
        /// The part.
        part: &'static str,
    },
    /// With an event stream of so many words of progress, where the call has a token for it, then as [`Answer::Echo`].
    Progress(u32),
    /// With one word of progress, then never.
    ProgressThenHang,
    /// With an event stream of what the test says.
    Fed(Feed),
    /// Never.
    Hang,
    /// With one notification on an event stream, then never.
    HangStream,
    /// Like [`Answer::Echo`], after a while.
    Slow(Duration),
    /// By a request to the client first: its answer is repeated in the result.
    Ask {
        /// The request's id, as JSON.
        id: &'static str,
        /// Its method.
        method: &'static str,
        /// Its `params`, as JSON.
        params: &'static str,
    },
    /// In the stateless revision, with a wish for input so many times, then as [`Answer::Echo`].
    NeedsInput(u32),
    /// By a stop of all sessions, then as for a session that is not known.
    LoseSession,
}

impl Tool {
    /// A tool with a plain definition.
    pub fn new(name: &str, answer: Answer) -> Self {
        let definition = format!(
            r#"{{"name":{},"description":"for tests","inputSchema":{{"type":"object"}}}}"#,
            serde_json::Value::from(name)
        );
        Self {
            name: name.to_owned(),
            definition,
            answer,
        }
    }

    /// A tool that echoes, in a definition of its own. The definition must hold the name.
    pub fn defined(name: &str, definition: &str) -> Self {
        Self {
            name: name.to_owned(),
            definition: definition.to_owned(),
            answer: Answer::Echo,
        }
    }

    /// A tool that echoes, whose definition nothing makes shorter than so many bytes; each seed has another.
    pub fn of_size(name: &str, (seed, bytes): (u64, usize)) -> Self {
        let description = noise(seed, bytes);
        Self::defined(
            name,
            &format!(
                r#"{{"name":"{name}","description":"{description}","inputSchema":{{"type":"object"}}}}"#
            ),
        )
    }
}

/// Text that nothing makes shorter: digits of a xorshift generator.
fn noise(seed: u64, length: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = seed + 0x9E37_79B9_7F4A_7C15;
    let digits = (0..length).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(DIGITS[usize::try_from(state >> 58).expect("six bits")])
    });
    digits.collect()
}

impl Script {
    /// A server without sessions that offers these tools and nothing else.
    pub fn with_tools(tools: Vec<Tool>) -> Self {
        Self {
            sessions: false,
            lost_session_status: 404,
            streams: false,
            feed: None,
            tells_changes: false,
            talks_back: false,
            protocol_version: "2025-11-25",
            eras: Eras::Sessions,
            discover: Discover::Answers,
            stateless_tools: None,
            authorization: None,
            apps: false,
            page_items: 0,
            tools,
            prompts: Vec::new(),
            resources: Vec::new(),
            resource_templates: Vec::new(),
        }
    }

    /// A server that echoes, and misbehaves in every way that has a tool for it.
    pub fn standard() -> Self {
        let mut tools = echoes();
        tools.extend(questions());
        tools.extend(no_messages());
        tools.extend(odd_answers());
        tools.extend(wrong_answers());
        tools.extend(breakages());
        Self {
            prompts: prompts(),
            resources: resources(),
            resource_templates: templates(),
            ..Self::with_tools(tools)
        }
    }

    /// What it offers in the stateless revision.
    pub fn stateless_tools(&self) -> &[Tool] {
        self.stateless_tools.as_ref().unwrap_or(&self.tools)
    }

    /// The same with sessions.
    pub fn with_sessions(self) -> Self {
        Self {
            sessions: true,
            ..self
        }
    }
}

/// What [`Answer::EchoTrailer`] ends with.
pub const TRAILER: (&str, &str) = ("x-upstream-trailer", "of the server");

/// The name of the tool whose name needs escapes in JSON, decoded.
pub const ODD_NAME: &str = "od\"d\\\u{e9}\u{1f600}";

fn echoes() -> Vec<Tool> {
    vec![
        Tool::new("echo", Answer::Echo),
        Tool::new("echo_stream", Answer::EchoStream),
        Tool::new("echo_trailer", Answer::EchoTrailer),
        Tool::new("slow", Answer::Slow(Duration::from_millis(300))),
        Tool::defined(
            ODD_NAME,
            "{ \"inputSchema\" : { \"type\":\"object\" } ,\n \"name\":\"od\\\"d\\\\\\u00e9\\ud83d\\uDE00\" }",
        ),
        Tool::defined(
            "numbers",
            r#"{"zeta":1.10E+300,"inputSchema":{"type":"object","properties":{"n":{"maximum":12345678901234567890123456789.0,"minimum":-0.0}}},"name":"numbers","annotations":{"openWorldHint":false,"readOnlyHint":true},"_meta":{"x":[1.10,1e-7,{}]},"unknown":null,"outputSchema":{"type":"object"}}"#,
        ),
    ]
}

fn questions() -> Vec<Tool> {
    let elicit = r#"{"message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}}}"#;
    let sample =
        r#"{"messages":[{"role":"user","content":{"type":"text","text":"hi"}}],"maxTokens":10}"#;
    let ask = |id, method, params| Answer::Ask { id, method, params };
    vec![
        Tool::new("elicit_number_id", ask("7", "elicitation/create", elicit)),
        Tool::new(
            "elicit_string_id",
            ask("\"7\"", "elicitation/create", elicit),
        ),
        Tool::new(
            "elicit_odd_id",
            ask(r#""a\"b\\\u00e9.:/é""#, "elicitation/create", elicit),
        ),
        Tool::new("sample", ask("0", "sampling/createMessage", sample)),
        Tool::new("roots", ask("9007199254740993", "roots/list", "{}")),
    ]
}

/// What is no answer, or none of the right type.
fn no_messages() -> Vec<Tool> {
    vec![
        Tool::new(
            "html",
            response(200, "text/html", "<html>down for maintenance</html>"),
        ),
        Tool::new(
            "html_500",
            response(500, "text/html", "<html>secret stack trace</html>"),
        ),
        Tool::new("plain_type", response(200, "text/plain", ANSWER)),
        Tool::new(
            "no_type",
            Answer::Response {
                status: 200,
                headers: vec![],
                body: ANSWER.to_owned(),
            },
        ),
        Tool::new(
            "not_json",
            response(
                200,
                "application/json",
                "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":",
            ),
        ),
        Tool::new("empty_json", response(200, "application/json", "")),
        Tool::new("redirect", redirect()),
        Tool::new(
            "accepted",
            Answer::Response {
                status: 202,
                headers: vec![],
                body: String::new(),
            },
        ),
        Tool::new(
            "no_content",
            Answer::Response {
                status: 204,
                headers: vec![],
                body: String::new(),
            },
        ),
        Tool::new("unauthorized", unauthorized()),
        Tool::new(
            "forbidden",
            response(403, "application/json", "{\"error\":\"forbidden\"}"),
        ),
        Tool::new("too_many", response(429, "text/plain", "slow down")),
    ]
}

/// Answers that are to arrive as they are.
fn odd_answers() -> Vec<Tool> {
    vec![
        Tool::new("json_error", response(200, "application/json", ERROR)),
        Tool::new("json_error_400", response(400, "application/json", ERROR)),
        Tool::new("json_error_500", response(500, "application/json", ERROR)),
        Tool::new("odd_bytes", response(200, "application/json", ODD_BYTES)),
        Tool::new("odd_headers", odd_headers(ANSWER)),
    ]
}

/// Answers that are JSON and no response to the request.
fn wrong_answers() -> Vec<Tool> {
    vec![
        Tool::new(
            "unsound_json",
            response(200, "application/json", r#"{"id":$ID,"result":{}}"#),
        ),
        Tool::new(
            "unsound_stream",
            response(
                200,
                "text/event-stream",
                "data: {\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":5}\n\n",
            ),
        ),
        Tool::new(
            "foreign_large",
            response(
                200,
                "application/json",
                &format!(
                    r#"{{"jsonrpc":"2.0","id":"another","result":{{"content":[],"s":"{}"}}}}"#,
                    "x".repeat(300_000)
                ),
            ),
        ),
        Tool::new(
            "foreign_late",
            response(
                200,
                "application/json",
                &format!(
                    r#"{{"result":{{"content":[],"s":"{}"}},"jsonrpc":"2.0","id":"another"}}"#,
                    "x".repeat(3_000_000)
                ),
            ),
        ),
    ]
}

/// What ends too early, or not at all.
fn breakages() -> Vec<Tool> {
    vec![
        Tool::new("empty_stream", response(200, "text/event-stream", "")),
        Tool::new(
            "stream_without_answer",
            response(
                200,
                "text/event-stream",
                "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\n",
            ),
        ),
        Tool::new(
            "cut_json",
            Answer::Cut {
                content_type: "application/json",
                part: "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"cont",
            },
        ),
        Tool::new(
            "cut_stream",
            Answer::Cut {
                content_type: "text/event-stream",
                part: "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\ndata: {\"jsonrpc\":",
            },
        ),
        Tool::new("hang", Answer::Hang),
        Tool::new("hang_stream", Answer::HangStream),
        Tool::new("lose_session", Answer::LoseSession),
    ]
}

fn response(status: u16, kind: &'static str, body: &str) -> Answer {
    Answer::Response {
        status,
        headers: vec![("content-type", kind.as_bytes().to_vec())],
        body: body.to_owned(),
    }
}

/// The answer to a call.
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[]}}"#;

/// A JSON-RPC error of a server, which is an answer.
pub const ERROR: &str = r#"{"jsonrpc":"2.0","id":$ID,"error":{"code":-32050,"message":"of the server","data":{"big":1e300}}}"#;

/// An answer whose bytes no JSON library would write back.
pub const ODD_BYTES: &str = "{ \"result\" : { \"structuredContent\":{\"b\":12345678901234567890.10,\"a\":-0.0,\"e\":\"\\u00e9\\/\",\"a2\":{}} ,\"content\":[ ]},\n\"jsonrpc\":\"2.0\",\"extra\":[1E5],\"id\":$ID }\n";

fn redirect() -> Answer {
    Answer::Response {
        status: 302,
        headers: vec![("location", b"http://internal.example/login".to_vec())],
        body: String::new(),
    }
}

fn unauthorized() -> Answer {
    let challenge =
        b"Bearer resource_metadata=http://upstream.example/.well-known/oauth-protected-resource"
            .to_vec();
    let headers = vec![
        ("www-authenticate", challenge),
        ("content-type", b"application/json".to_vec()),
    ];
    Answer::Response {
        status: 401,
        headers,
        body: "{\"error\":\"unauthorized\"}".to_owned(),
    }
}

fn odd_headers(body: &str) -> Answer {
    Answer::Response {
        status: 200,
        headers: vec![
            ("content-type", b"application/json".to_vec()),
            ("set-cookie", b"upstream=secret; Path=/".to_vec()),
            ("set-cookie", b"second=secret".to_vec()),
            ("mcp-session-id", b"upstream-session".to_vec()),
            ("www-authenticate", b"Basic realm=\"upstream\"".to_vec()),
            ("access-control-allow-origin", b"*".to_vec()),
            ("location", b"http://upstream.example.com/".to_vec()),
            ("clear-site-data", b"\"*\"".to_vec()),
            ("refresh", b"0".to_vec()),
            ("x-mcp-servername", b"upstream".to_vec()),
            ("x_mcp_method", b"upstream".to_vec()),
            ("x-upstream-odd", b"caf\xe9 \xff".to_vec()),
            ("x-upstream-plain", b"kept".to_vec()),
        ],
        body: body.to_owned(),
    }
}

fn prompts() -> Vec<String> {
    [
        r#"{"name":"greet","description":"Greets","arguments":[{"name":"who","required":true}],"_meta":{"n":1.0}}"#,
        r#"{ "name" : "plain" }"#,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn resources() -> Vec<String> {
    [
        r#"{"uri":"test://one","name":"one","size":1e2}"#,
        r#"{"name":"two","uri":"test:\/\/two?q=\u00e9","annotations":{}}"#,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn templates() -> Vec<String> {
    [r#"{"uriTemplate":"test://by-id/{id}/data","name":"by-id"}"#]
        .map(str::to_owned)
        .to_vec()
}
