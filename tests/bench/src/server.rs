//! A native MCP server that costs as little as it can: canned answers, one thread for each connection.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use crate::case;
use crate::http::{Connection, Message, find};

/// Serves until the process ends.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
}

struct Answers {
    list: Vec<u8>,
    call: Vec<u8>,
    modern_call: Vec<u8>,
    initialize: Vec<u8>,
}

impl Server {
    pub(crate) fn start(tools: usize) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let answers = Arc::new(Answers::new(tools));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                std::thread::spawn(move || serve(stream, &answers));
            }
        });
        Ok(Self { port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Answers {
    fn new(tools: usize) -> Self {
        let list: Vec<String> = (0..tools).map(case::tool).collect();
        Self {
            list: response(&format!(r#"{{"tools":[{}]}}"#, list.join(",")), ""),
            call: response(
                r#"{"content":[{"type":"text","text":"a result of some length, as tools give it"}]}"#,
                "",
            ),
            modern_call: response(
                r#"{"content":[{"type":"text","text":"a result of some length, as tools give it"}],"resultType":"complete"}"#,
                "",
            ),
            initialize: response(
                r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}"#,
                "mcp-session-id: 0123456789abcdef\r\n",
            ),
        }
    }

    fn to(&self, request: &Message) -> &[u8] {
        let start = request.body.get(..120).unwrap_or(&request.body);
        if request.header("mcp-method") == Some("tools/call") {
            &self.modern_call
        } else if find(start, b"tools/call").is_some() {
            &self.call
        } else if find(start, b"tools/list").is_some() {
            &self.list
        } else if find(start, b"\"initialize\"").is_some() {
            &self.initialize
        } else {
            b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
        }
    }
}

fn serve(stream: TcpStream, answers: &Answers) {
    let Ok(mut connection) = Connection::new(stream) else {
        return;
    };
    while let Ok(Some(request)) = connection.receive() {
        // Envoy's own routers number their requests; everybody else sends 7.
        let answer = answers.to(&request);
        let sent = match id(&request.body) {
            Some(id) if id != "7" => connection.send(&with_id(answer, id)),
            _ => connection.send(answer),
        };
        if sent.is_err() {
            return;
        }
    }
}

fn id(body: &[u8]) -> Option<&str> {
    let start = body.get(..80).unwrap_or(body);
    let at = find(start, b"\"id\":")? + 5;
    let rest = std::str::from_utf8(start.get(at..)?).ok()?;
    let end = rest.find([',', '}'])?;
    rest.get(..end)
}

fn with_id(answer: &[u8], id: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return answer.to_vec();
    };
    let body = body.replacen("\"id\":7", &format!("\"id\":{id}"), 1);
    let session = head
        .lines()
        .find(|line| line.starts_with("mcp-session-id"))
        .map(|line| format!("{line}\r\n"));
    let session = session.unwrap_or_default();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{session}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn response(result: &str, header: &str) -> Vec<u8> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{result}}}"#);
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{header}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
