//! An MCP server with a few of GitHub's tools over data that it makes up.
//!
//! It wants `Authorization: Bearer` on every request, as GitHub's server does, and tells one token from another:
//! the login that `get_me` answers is made from the token. So a client can see whose credential reached the server.

mod account;
mod authorization;
mod repository;
mod tools;

pub use account::Account;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

/// The server, at path `/mcp`.
pub fn router() -> Router {
    // Requests come through a gateway that writes the name of the service that this server stands in for.
    let config = StreamableHttpServerConfig::default().disable_allowed_hosts();
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(|| Ok(tools::GitHub::new()), sessions, config);
    Router::new()
        .nest_service("/mcp", service)
        .layer(from_fn(authorization::require_bearer))
}
