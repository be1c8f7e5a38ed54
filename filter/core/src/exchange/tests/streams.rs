//! `mcp-streams`: what goes there, and what it may ask.

mod batches;
mod bridge;
mod catalog;
mod outer;
mod servers;
mod subscriptions;

use mcp_filter_config::{PluginConfig, Streams, Upstream};

use super::driver::*;
use crate::step::RequestStep;
use crate::{Exchange, streams};

const LISTEN: &str = "subscriptions/listen";

fn add_streams(config: &mut PluginConfig) {
    config.streams = Some(Streams {
        host: "streams.mcp.local".to_owned(),
        path: "/streams".to_owned(),
        upstream: Upstream {
            cluster: "mcp-streams".to_owned(),
            authority: "streams.example.com".to_owned(),
            path: "/streams".to_owned(),
        },
    });
}

fn with_streams() -> Gateway {
    Gateway::with(add_streams)
}

fn with_streams_and(change: impl FnOnce(&mut PluginConfig)) -> Gateway {
    Gateway::with(|config| {
        add_streams(config);
        change(config);
    })
}

/// A `GET` without a body, as the adapter tells of it.
fn get(gateway: &mut Gateway, headers: &[(&str, &str)]) -> (Exchange, RequestStep) {
    let mut exchange = Exchange::new(gateway.table.clone());
    let head = request_headers("GET", headers);
    let step = gateway.lend(|context| exchange.on_request_headers(head, true, context));
    if !holds(&step) {
        return (exchange, step);
    }
    let step = gateway.lend(|context| exchange.on_held_body(Vec::new(), true, context));
    (exchange, step)
}

fn answer_to_get(gateway: &mut Gateway, headers: &[(&str, &str)]) -> crate::LocalResponse {
    match get(gateway, headers).1 {
        RequestStep::Respond(response) => response,
        other => panic!("not answered: {other:?}"),
    }
}

/// A good ticket, as `mcp-streams` gets it.
fn ticket(gateway: &mut Gateway) -> String {
    let session = gateway.session();
    let (_, step) = get(gateway, &[("mcp-session-id", &session)]);
    set(&released(step).headers, streams::TICKET).unwrap()
}

/// `subscriptions/listen` of a stateless client.
fn listen() -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":"l","method":"{LISTEN}","params":{{"notifications":{{"toolsListChanged":true}},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    )
}

const STATELESS: [(&str, &str); 2] = [
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", LISTEN),
];
