//! An issuer of the tokens of [`jwt`] that tells where its keys are (OpenID Connect Discovery 1.0).

use std::sync::Mutex;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::authority::Authority;
use crate::jwt;
use crate::port::Port;
use crate::runtime;
use crate::terminator::Terminator;

/// Says its address, so no name server is asked for it.
const HOST: &str = "keycloak.127-0-0-1.sslip.io";

/// See the module. Ends when dropped.
#[derive(Debug)]
pub struct Issuer {
    url: String,
    port: Port,
    server: Mutex<Option<AbortHandle>>,
    terminator: Option<Terminator>,
}

impl Issuer {
    /// One that speaks plain HTTP.
    pub async fn start() -> Self {
        let issuer = Self::silent();
        issuer.speak().await;
        issuer
    }

    /// One that speaks plain HTTP and is called by its address: for those who ask a name server for every name.
    pub async fn by_address() -> Self {
        let port = Port::hold();
        let mut issuer = Self::at(port.address().port(), "http", port, None);
        issuer.url = issuer.url.replace(HOST, "127.0.0.1");
        issuer.speak().await;
        issuer
    }

    /// One that nobody can reach yet.
    pub fn silent() -> Self {
        let port = Port::hold();
        Self::at(port.address().port(), "http", port, None)
    }

    /// One that speaks TLS, with a certificate of this authority.
    pub async fn with_tls(authority: &Authority) -> Self {
        let port = Port::hold();
        let terminator = Terminator::start(port.address(), &authority.server(HOST)).await;
        let at = terminator.address().port();
        let issuer = Self::at(at, "https", port, Some(terminator));
        issuer.speak().await;
        issuer
    }

    fn at(number: u16, scheme: &str, port: Port, terminator: Option<Terminator>) -> Self {
        Self {
            url: format!("{scheme}://{HOST}:{number}/realms/mcp"),
            port,
            server: Mutex::new(None),
            terminator,
        }
    }

    /// It can be reached from now on.
    pub async fn speak(&self) {
        let (address, url) = (self.port.address(), self.url.clone());
        let started = runtime::spawn(async move {
            let listener = TcpListener::bind(address).await.expect("its own port");
            let answer = move |uri: Uri| {
                let answer = answer(&url, uri.path());
                async move { answer }
            };
            let server = axum::serve(listener, Router::new().fallback(answer));
            runtime::spawn(server.into_future()).abort_handle()
        });
        let server = started.await.expect("a listener");
        *self.server.lock().unwrap() = Some(server);
    }

    /// Nobody can reach it from now on, by a new connection.
    pub fn fall_silent(&self) {
        if let Some(server) = self.server.lock().unwrap().take() {
            server.abort();
        }
    }

    /// The claim `iss` of its tokens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it was reached by TLS, at its own name.
    pub fn was_reached_by_tls(&self) -> bool {
        let requests = self.terminator.iter().flat_map(Terminator::requests);
        let names: Vec<_> = requests.map(|request| request.server_name).collect();
        !names.is_empty() && names.iter().all(|name| name.as_deref() == Some(HOST))
    }

    /// The value of `Authorization` with a token of this user that is in force.
    pub fn bearer(&self, user: &str) -> String {
        self.bearer_with(user, json!({}))
    }

    /// The same with claims more.
    pub fn bearer_with(&self, user: &str, mut claims: Value) -> String {
        claims["iss"] = Value::from(self.url.as_str());
        format!("Bearer {}", jwt::with(user, &claims))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.fall_silent();
    }
}

fn answer(url: &str, path: &str) -> Response {
    let document = match path {
        "/realms/mcp/.well-known/openid-configuration" => json!({
            "issuer": url,
            "jwks_uri": format!("{url}/protocol/openid-connect/certs"),
        }),
        "/realms/mcp/protocol/openid-connect/certs" => jwt::keys(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, document.to_string()).into_response()
}
