//! An MCP client that shows every byte, on raw HTTP.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::caller::{Open, Protocol, Request};
use crate::message::Reply;

/// The header by which an upstream's record tells the requests of one client from those of all others.
pub const MARK: &str = "x-test-mark";

static NEXT_MARK: AtomicU64 = AtomicU64::new(1);

/// See the module.
#[derive(Clone, Debug)]
pub struct Client {
    /// Where it connects, anew for each request.
    pub address: SocketAddr,
    /// How it connects.
    pub protocol: Protocol,
    /// The session id that `initialize` gave, if any.
    pub session: Option<String>,
    /// The revision that `initialize` negotiated.
    pub version: Option<String>,
    /// The host that it names; `localhost` where there is none.
    pub host: Option<String>,
    /// Sent with every request.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Client {
    /// A client that has not shaken hands.
    pub fn new(address: SocketAddr, protocol: Protocol) -> Self {
        let mark = format!("m{}", NEXT_MARK.fetch_add(1, Ordering::Relaxed));
        let headers = vec![(MARK.to_owned(), mark.into_bytes())];
        Self {
            address,
            protocol,
            session: None,
            version: None,
            host: None,
            headers,
        }
    }

    /// A client with a session of the newest session revision that can answer nothing.
    pub async fn connected(address: SocketAddr, protocol: Protocol) -> Self {
        Self::with_capabilities(address, protocol, json!({})).await
    }

    /// A client with a session of the newest session revision and these capabilities.
    pub async fn with_capabilities(
        address: SocketAddr,
        protocol: Protocol,
        capabilities: Value,
    ) -> Self {
        let mut client = Self::new(address, protocol);
        let reply = client.initialize("2025-11-25", capabilities).await;
        assert_eq!(reply.status, 200, "{}", reply.shown());
        client
    }

    /// Shakes hands, whole, and keeps what was negotiated. Returns the answer to `initialize`.
    pub async fn initialize(&mut self, version: &str, capabilities: Value) -> Reply {
        let params = json!({
            "protocolVersion": version,
            "capabilities": capabilities,
            "clientInfo": {"name": "tests", "version": "1"},
        });
        let reply = self.request("initialize", &params).await;
        if reply.status == 200 {
            self.session = reply.header("mcp-session-id").map(str::to_owned);
            self.version = reply.result()["protocolVersion"]
                .as_str()
                .map(str::to_owned);
            let done = self
                .send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
                .await;
            assert_eq!(done.status, 202, "{}", done.shown());
        }
        reply
    }

    /// Its mark.
    pub fn mark(&self) -> &str {
        crate::message::first(&self.headers, MARK).expect("a mark")
    }

    /// The same client, talking to another address.
    #[must_use]
    pub fn moved_to(&self, address: SocketAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    /// The same client, naming another host.
    #[must_use]
    pub fn naming(self, host: &str) -> Self {
        Self {
            host: Some(host.to_owned()),
            ..self
        }
    }

    /// With one header more on every request.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// A POST of this body, with session and revision.
    pub fn post(&self, body: impl Into<Vec<u8>>) -> Request {
        self.stamped(Request::post(body))
    }

    /// A request with session, revision and the client's own headers.
    pub fn stamped(&self, mut request: Request) -> Request {
        if let Some(host) = &self.host {
            request = request.host(host);
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        if let Some(version) = &self.version {
            request = request.header("mcp-protocol-version", version);
        }
        request.headers.extend(self.headers.iter().cloned());
        request
    }

    /// Posts a body.
    pub async fn send(&self, body: impl Into<Vec<u8>>) -> Reply {
        self.post(body).send(self.address, self.protocol).await
    }

    /// Posts a body and waits for the head of the answer.
    pub async fn open(&self, body: impl Into<Vec<u8>>) -> Open {
        self.post(body).open(self.address, self.protocol).await
    }

    /// Sends a request with id 1.
    pub async fn request(&self, method: &str, params: &Value) -> Reply {
        self.send(
            json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string(),
        )
        .await
    }

    /// Calls a tool with id 1.
    pub async fn call(&self, tool: &str, arguments: Value) -> Reply {
        self.request("tools/call", &json!({"name": tool, "arguments": arguments}))
            .await
    }

    /// Calls a tool and waits for the head of the answer.
    pub async fn open_call(&self, tool: &str, arguments: Value) -> Open {
        let params = json!({"name": tool, "arguments": arguments});
        self.open(
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
                .to_string(),
        )
        .await
    }

    /// Ends the session.
    pub async fn delete(&self) -> Reply {
        self.stamped(Request::bare("DELETE"))
            .send(self.address, self.protocol)
            .await
    }

    /// All pages of a list, as the items of `member`, each in the bytes in which it came.
    pub async fn list(&self, method: &str, member: &str) -> Vec<String> {
        let mut items = Vec::new();
        let mut cursor: Option<Value> = None;
        loop {
            let params = cursor.map_or_else(|| json!({}), |cursor| json!({"cursor": cursor}));
            let reply = self.request(method, &params).await;
            assert_eq!(reply.status, 200, "{}", reply.shown());
            let bytes = reply.message_bytes();
            items.extend(items_of(&bytes, member));
            cursor = reply.result().get("nextCursor").cloned();
            if cursor.is_none() {
                return items;
            }
        }
    }
}

/// The items of `result.<member>`, each in the bytes in which it stands there.
pub fn items_of(message: &[u8], member: &str) -> Vec<String> {
    use serde_json::value::RawValue;
    use std::collections::HashMap;
    let message: HashMap<String, &RawValue> =
        serde_json::from_slice(message).expect("a JSON object");
    let result = message
        .get("result")
        .unwrap_or_else(|| panic!("a result in {message:?}"));
    let result: HashMap<String, &RawValue> = serde_json::from_str(result.get()).expect("a result");
    let items: Vec<&RawValue> = serde_json::from_str(result[member].get()).expect("a list");
    items
        .into_iter()
        .map(|item| item.get().to_owned())
        .collect()
}
