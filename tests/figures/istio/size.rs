//! How large a gateway's configuration becomes, and how long a change of it takes then.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::json;

use super::pushes::taken;
use super::{Chain, between, last_tool, line, path, until};
use crate::managed::ready;

/// Tools of each server.
const TOOLS: usize = 50;

/// How many of these.
const SERVERS: [u64; 3] = [2, 20, 200];

/// Changes of a registration, one after the other.
const CHANGES: usize = 10;

pub(super) async fn measure() {
    let chain = Chain::start().await;
    let mut there = 0;
    for (step, servers) in SERVERS.into_iter().enumerate() {
        for number in there..servers {
            chain.register(number, TOOLS).await;
        }
        there = servers;
        let (served, told) = until_judged(&chain, servers).await;
        let bytes = chain.pushes.last().bytes;
        println!(
            "| {} tools of {servers} servers: {} served, a WasmPlugin of {bytes} bytes | p50 | p99 |\n| --- | --- | --- |",
            servers as usize * TOOLS,
            served * TOOLS
        );
        change(&chain, step * CHANGES).await;
        println!(
            "{}",
            told.map_or_else(String::new, |told| format!(
                "the first that does not fit: {told}\n"
            ))
        );
    }
}

/// Waits until every registration is Ready or told that it does not fit. Gives how many are Ready, and what is told first.
async fn until_judged(chain: &Chain, servers: u64) -> (usize, Option<String>) {
    let (version, kind) = ("mcp.kuadrant.io/v1", "MCPServerRegistration");
    until(|| async {
        let registrations = chain.managed.kubernetes.list(version, kind).await;
        let of_corpus = registrations
            .iter()
            .filter(|one| one["spec"]["targetRef"]["name"] == "corpus");
        let (mut served, mut told) = (0, BTreeMap::new());
        for registration in of_corpus {
            let ready = ready(registration)?;
            match ready["reason"].as_str()? {
                "Ready" => served += 1,
                "CatalogTooLarge" => {
                    let name = registration["metadata"]["name"].as_str()?;
                    let number: u64 = name.trim_start_matches("server-").parse().ok()?;
                    told.insert(number, format!("{name}: {}", ready["message"]));
                }
                _ => return None,
            }
        }
        let is_all = served + told.len() == servers as usize;
        is_all.then(|| (served, told.into_values().next()))
    })
    .await
}

/// Gives the first registration more tools, one by one, and calls these.
async fn change(chain: &Chain, more: usize) {
    let client = chain.managed.client();
    let mut times = Vec::new();
    for tools in (TOOLS + more + 1..).take(CHANGES) {
        chain.register(0, tools).await;
        let name = last_tool(0, tools);
        let shown = until(|| async {
            let reply = client.call(&name, json!({})).await;
            let is_shown = reply.status == 200 && reply.message().get("result").is_some();
            is_shown.then(SystemTime::now)
        })
        .await;
        let push = chain.pushes.before(shown, &path(0, tools));
        let taken = taken(&chain.managed.proxy, &push.generation).await;
        times.push((push.at, taken, shown));
    }
    line(
        "push to live",
        times
            .iter()
            .map(|(pushed, _, shown)| between(*pushed, *shown)),
    );
    line(
        "of that istiod and agent",
        times
            .iter()
            .map(|(pushed, taken, _)| between(*pushed, *taken)),
    );
}
