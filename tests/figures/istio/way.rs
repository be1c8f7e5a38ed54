//! The way of a registration to the answer that shows it.

use std::time::{Duration, SystemTime};

use super::pushes::{sent, taken};
use super::{Chain, between, last_tool, line, path};

/// Registrations, one after the other.
const TIMED: u64 = 50;

/// When which part was done.
struct Times {
    applied: SystemTime,
    pushed: SystemTime,
    sent: SystemTime,
    taken: SystemTime,
    shown: SystemTime,
}

pub(super) async fn measure() {
    let chain = Chain::start().await;
    let mut new = Vec::new();
    for number in 0..TIMED {
        new.push(one(&chain, number, 1).await);
    }
    table("a new registration: apply to first listed tool", &new);
    let mut changed = Vec::new();
    for number in 0..TIMED {
        changed.push(one(&chain, number, 2).await);
    }
    table(
        "a changed registration (another path): apply to its first new tool",
        &changed,
    );
}

/// Applies a registration with so many tools, and waits until the last is listed.
async fn one(chain: &Chain, number: u64, tools: usize) -> Times {
    let applied = chain.register(number, tools).await;
    let shown = chain.until_listed(&last_tool(number, tools)).await;
    let push = chain.pushes.before(shown, &path(number, tools));
    let taken = taken(&chain.managed.proxy, &push.generation).await;
    Times {
        applied,
        pushed: push.at,
        sent: sent(chain.managed.istiod.process(), taken),
        taken,
        shown,
    }
}

fn table(what: &str, all: &[Times]) {
    let times = |part: fn(&Times) -> Duration| all.iter().map(part);
    println!(
        "| {what}, {} one after the other | p50 | p99 |\n| --- | --- | --- |",
        all.len()
    );
    line("whole", times(|one| between(one.applied, one.shown)));
    line(
        "control: apply to WasmPlugin",
        times(|one| between(one.applied, one.pushed)),
    );
    line(
        "istiod: to the push to the agent",
        times(|one| between(one.pushed, one.sent)),
    );
    line(
        "agent: to Envoy's main thread has it",
        times(|one| between(one.sent, one.taken)),
    );
    line(
        "Envoy's workers: to the answer",
        times(|one| between(one.taken, one.shown)),
    );
    println!();
}
