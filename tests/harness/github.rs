//! GitHub's own MCP server, and enough of GitHub's REST API behind it to answer `get_me`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::component;
use crate::port::Port;
use crate::process::{Process, command};
use crate::runtime;
use crate::wait::until;

/// A token of the form that the server accepts, made from one letter.
pub fn token(letter: char) -> String {
    format!("ghp_{}", letter.to_string().repeat(36))
}

/// The login that the API behind the server gives the owner of a token.
pub fn login(token: &str) -> String {
    format!("owner-of-{}", token.chars().last().unwrap_or('?'))
}

/// What every token may do: the server offers no tool for which a scope is missing.
const SCOPES: &str =
    "admin:org, gist, notifications, project, repo, security_events, user, workflow";

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct GitHub {
    _process: Process,
    port: Port,
    authorizations: Arc<Mutex<Vec<String>>>,
}

impl GitHub {
    /// Starts both and waits until the server accepts connections. It offers what it does by itself.
    pub async fn start() -> Self {
        Self::offering("default").await
    }

    /// The same with other toolsets: names with commas between them, or `all`.
    pub async fn offering(toolsets: &str) -> Self {
        let authorizations = Arc::default();
        let api = start_api(Arc::clone(&authorizations)).await;
        let port = Port::hold();
        let mut server = command(&component::github_mcp_server());
        server.args([
            "http",
            "--toolsets",
            toolsets,
            "--listen-host",
            "127.0.0.1",
            "--port",
            &port.number().to_string(),
        ]);
        // The server keeps no port of this URL, so the API is reached as a proxy for a host that does not exist.
        server
            .args(["--gh-host", "http://github.invalid"])
            .env("HTTP_PROXY", format!("http://{api}"))
            // On loopback it would refuse the host that a route writes.
            .env("MCPGODEBUG", "disablelocalhostprotection=1");
        let process = Process::start("github-mcp-server", server).await;
        let address = port.address();
        until(
            "github-mcp-server listens",
            std::time::Duration::from_secs(30),
            || async { TcpStream::connect(address).await.ok() },
        )
        .await;
        Self {
            _process: process,
            port,
            authorizations,
        }
    }

    /// Where the MCP server listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Every `Authorization` that reached GitHub's API.
    pub fn authorizations(&self) -> Vec<String> {
        self.authorizations.lock().unwrap().clone()
    }
}

async fn start_api(authorizations: Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let app = Router::new().fallback(api).with_state(authorizations);
    runtime::spawn(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    })
    .await
    .unwrap()
}

async fn api(State(authorizations): State<Arc<Mutex<Vec<String>>>>, request: Request) -> Response {
    let authorization = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    authorizations
        .lock()
        .unwrap()
        .push(authorization.to_owned());
    match request.uri().path() {
        "/api/v3/" => (StatusCode::OK, [("x-oauth-scopes", SCOPES)]).into_response(),
        "/api/v3/user" => {
            let login = login(authorization);
            Json(json!({"login": login, "id": 1, "html_url": "http://github.example/me", "type": "User"})).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
