//! What becomes of a request of the outer leg.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing;
use http::Method;
use http::header::CONTENT_TYPE;
use mcp_filter_core::Era;
use mcp_filter_core::streams;

use crate::refusal::Refusal;
use crate::request::{Asked, Outer, takes_events};
use crate::state::State;
use crate::{batch, body, bridge, get, listen, metrics, subscribe};

/// Requests of clients come on any path; `/healthz` and `/metrics` are for who runs this program.
pub(crate) fn router(state: Arc<State>) -> Router {
    let told = state.clone();
    let metrics = async move || ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], told.metrics.text());
    Router::new()
        .route("/healthz", routing::get(async || "ok\n"))
        .route("/metrics", routing::get(metrics))
        .fallback(move |request| dispatch(request, state.clone()))
}

async fn dispatch(request: Request, state: Arc<State>) -> Response {
    let (head, body) = request.into_parts();
    let mut outer = match Outer::read(&head.headers) {
        Ok(outer) => outer,
        Err(refusal) => return refusal.respond(None, Era::Stateless),
    };
    let Outer {
        asked,
        digest,
        server,
        ..
    } = &outer;
    tracing::debug!(?asked, caller = ?digest, ?server, "asked");
    let fits = (outer.asked == Asked::Get) == (head.method == Method::GET);
    if !fits {
        return Refusal::NotRouted(streams::METHOD).respond(None, outer.era);
    }
    outer.body = match body::read(body, state.settings.bounds.body).await {
        Ok(body) => body,
        Err(refusal) => return refusal.respond(None, outer.era),
    };
    match outer.asked {
        Asked::Get => get::open(outer, &head.headers, state).await,
        Asked::Listen => listen::open(outer, state).await,
        Asked::Subscribe | Asked::Unsubscribe => subscribe::pass(outer, state).await,
        Asked::Call => bridge::call(outer, state).await,
        Asked::Answer => bridge::answer(outer, state).await,
        Asked::Batch => batch::answer(outer, takes_events(&head.headers), state).await,
    }
}
