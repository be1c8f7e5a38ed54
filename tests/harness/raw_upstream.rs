//! An MCP server that breaks HTTP: it stands before an [`Upstream`], passes everything on to it but calls of the tools
//! that it has a wild answer for.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::runtime;
use crate::script::{Answer, Script, Tool};
use crate::upstream::Upstream;

/// What happens on the connection that carries a call.
#[derive(Clone, Debug)]
pub enum Wild {
    /// These bytes are written, then the connection is closed.
    Write(&'static [u8]),
    /// The writing side is closed without a byte; the reading side stays open.
    HalfClose,
    /// The connection is reset.
    Reset,
}

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct RawUpstream {
    address: SocketAddr,
    task: AbortHandle,
    _upstream: Upstream,
}

/// The name and behaviour of each wild tool.
pub const WILD_TOOLS: &[(&str, Wild)] = &[
    ("closes", Wild::Write(b"")),
    ("half_closes", Wild::HalfClose),
    ("resets", Wild::Reset),
    ("no_http", Wild::Write(b"220 mail.example ESMTP\r\n")),
    ("half_a_head", Wild::Write(b"HTTP/1.1 200 OK\r\ncontent-type: applica")),
    ("short_json", Wild::Write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[")),
    ("bad_chunk", Wild::Write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n")),
    ("bad_status", Wild::Write(b"HTTP/1.1 999 Odd\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")),
    ("gzip", Wild::Write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00")),
];

impl RawUpstream {
    /// Starts it.
    pub async fn start() -> Self {
        let mut tools: Vec<_> = WILD_TOOLS
            .iter()
            .map(|(name, _)| Tool::new(name, Answer::Echo))
            .collect();
        tools.push(Tool::new("echo", Answer::Echo));
        let upstream = Upstream::start(Script::with_tools(tools)).await;
        let tame = upstream.address();
        let (address, task) = runtime::spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().unwrap();
            let task = tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, tame));
                }
            });
            (address, task.abort_handle())
        })
        .await
        .unwrap();
        Self {
            address,
            task,
            _upstream: upstream,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request, then the connection ends.
async fn serve(mut stream: TcpStream, tame: SocketAddr) -> Option<()> {
    let request = read_request(&mut stream).await?;
    let text = String::from_utf8_lossy(&request);
    let called = WILD_TOOLS
        .iter()
        .find(|(name, _)| text.contains(&format!("\"name\":\"{name}\"")));
    match called {
        Some((_, Wild::Write(bytes))) => stream.write_all(bytes).await.ok()?,
        Some((_, Wild::Reset)) => stream.set_zero_linger().ok()?,
        Some((_, Wild::HalfClose)) => {
            stream.shutdown().await.ok()?;
            let mut rest = [0; 1024];
            let open =
                async { while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {} };
            let _ = tokio::time::timeout(Duration::from_secs(30), open).await;
        }
        None => {
            let mut server = TcpStream::connect(tame).await.ok()?;
            let once = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
            server.write_all(once.as_bytes()).await.ok()?;
            tokio::io::copy(&mut server, &mut stream).await.ok()?;
        }
    }
    Some(())
}

async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        let mut piece = [0; 16 * 1024];
        let length = stream
            .read(&mut piece)
            .await
            .ok()
            .filter(|length| *length > 0)?;
        request.extend_from_slice(&piece[..length]);
        if is_whole(&request) {
            return Some(request);
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| {
        line.strip_prefix("content-length:")?
            .trim()
            .parse::<usize>()
            .ok()
    });
    match length {
        Some(length) => body.len() >= length,
        None if head.contains("transfer-encoding: chunked") => body.ends_with("0\r\n\r\n"),
        None => true,
    }
}
