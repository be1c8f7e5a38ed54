//! An HTTP/1.1 connection on which a test writes what it likes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::message::{Reply, first};
use crate::wait::within;

/// No response takes longer to begin, or to go on.
const SILENCE: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket without delay");
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// Sends one request whose whole text is given and waits for its response.
    pub async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Reply {
        let mut wire = Self::open(address).await;
        wire.send(request).await;
        wire.reply().await
    }

    /// Writes bytes. A peer that has closed already is no error: its response is still to be read.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Writes one chunk of a chunked body; an empty one would end the body.
    pub async fn chunk(&mut self, bytes: &[u8]) {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.send(chunk).await;
    }

    /// Closes the writing side.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// The next response, whole.
    pub async fn reply(&mut self) -> Reply {
        within("a response over HTTP/1.1", SILENCE, self.read_reply()).await
    }

    /// The next response, whole, or none when the peer closes without one over HTTP/1.
    pub async fn reply_or_end(&mut self) -> Option<Reply> {
        if self.unread.is_empty() && !within("a response or the end", SILENCE, self.fill()).await {
            return None;
        }
        // Whoever speaks HTTP/2 or TLS is answered in kind.
        if !self.unread.starts_with(b"HTTP/1") {
            return None;
        }
        Some(self.reply().await)
    }

    /// Waits until the peer has closed, and tells whether it said nothing before.
    pub async fn closed_silently(&mut self) -> bool {
        within("the end of a connection", SILENCE, async {
            while self.fill().await {}
        })
        .await;
        self.unread.is_empty()
    }

    /// The status of an interim response, such as 100.
    pub async fn interim(&mut self) -> u16 {
        let head = within("an interim response", SILENCE, self.until(b"\r\n\r\n")).await;
        let head = String::from_utf8_lossy(&head.unwrap_or_default()).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        status.expect("a status line")
    }

    async fn read_reply(&mut self) -> Reply {
        let head = self
            .until(b"\r\n\r\n")
            .await
            .expect("a response before the connection ends");
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|code| code.parse().ok());
        let headers: Vec<(String, Vec<u8>)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().as_bytes().to_vec()))
            .collect();
        let (body, complete) = self.body(&headers).await;
        Reply {
            trailers: Vec::new(),
            status: status.expect("a status line"),
            headers,
            body,
            complete,
        }
    }

    async fn body(&mut self, headers: &[(String, Vec<u8>)]) -> (Vec<u8>, bool) {
        if first(headers, "transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
        {
            return self.chunked().await;
        }
        match first(headers, "content-length").and_then(|length| length.parse::<usize>().ok()) {
            Some(length) => {
                while self.unread.len() < length && self.fill().await {}
                let complete = self.unread.len() >= length;
                let length = length.min(self.unread.len());
                (self.unread.drain(..length).collect(), complete)
            }
            None => {
                while self.fill().await {}
                (std::mem::take(&mut self.unread), true)
            }
        }
    }

    async fn chunked(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let Some(line) = self.until(b"\r\n").await else {
                return (body, false);
            };
            let size = String::from_utf8_lossy(&line);
            let size = usize::from_str_radix(size.trim(), 16).expect("the size of a chunk");
            while self.unread.len() < size + 2 && self.fill().await {}
            if self.unread.len() < size + 2 {
                body.append(&mut self.unread);
                return (body, false);
            }
            body.extend(self.unread.drain(..size));
            self.unread.drain(..2);
            if size == 0 {
                return (body, true);
            }
        }
    }

    async fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self
                .unread
                .windows(end.len())
                .position(|window| window == end)
            {
                let taken = self.unread.drain(..at + end.len()).collect::<Vec<u8>>();
                return Some(taken);
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    async fn fill(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece).await {
            Ok(length) if length > 0 => {
                self.unread.extend_from_slice(&piece[..length]);
                true
            }
            _ => false,
        }
    }
}
