//! Load: a closed loop to see what a request costs, an open loop to see how long it takes.

use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::cpu;
use crate::envoy::Envoy;
use crate::http::{Connection, Message};

const CONNECTIONS: usize = 16;
const OPEN_CONNECTIONS: usize = 64;

/// What a closed loop saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) requests: u64,
    pub(crate) cpu_us: f64,
    pub(crate) per_second: f64,
}

/// What an open loop saw, in microseconds from the time at which a request was due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
}

/// One request and its answer.
pub(crate) fn once(envoy: &Envoy, request: &[u8]) -> anyhow::Result<Message> {
    let mut connection = connect(envoy)?;
    connection.send(request)?;
    connection.receive()?.context("closed")
}

/// Sees to it that the variant does the work before it is measured.
pub(crate) fn check(envoy: &Envoy, request: &[u8], expected: &str) -> anyhow::Result<()> {
    let answer = once(envoy, request)?;
    let body = String::from_utf8_lossy(&answer.body);
    ensure!(
        answer.status() == 200 && body.contains(expected),
        "unexpected answer {}: {body}",
        answer.head
    );
    Ok(())
}

/// As many requests as go through in `span`, over a few connections that are kept.
pub(crate) fn closed(envoy: &Envoy, request: &[u8], span: Duration) -> anyhow::Result<Sample> {
    let requests = AtomicU64::new(0);
    let before = cpu::nanoseconds(envoy.pid())?;
    let start = Instant::now();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let mut threads = Vec::new();
        for _ in 0..CONNECTIONS {
            threads.push(scope.spawn(|| -> anyhow::Result<()> {
                let mut connection = connect(envoy)?;
                while start.elapsed() < span {
                    exchange(&mut connection, request)?;
                    requests.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }));
        }
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| anyhow::anyhow!("load failed"))?)
    })?;
    let elapsed = start.elapsed().as_secs_f64();
    let spent = cpu::nanoseconds(envoy.pid())? - before;
    let requests = requests.into_inner();
    Ok(Sample {
        requests,
        cpu_us: spent as f64 / 1000.0 / requests as f64,
        per_second: requests as f64 / elapsed,
    })
}

/// Requests at a fixed rate, whether or not earlier ones were answered.
pub(crate) fn open(
    envoy: &Envoy,
    request: &[u8],
    rate: f64,
    span: Duration,
) -> anyhow::Result<Latency> {
    let next = AtomicUsize::new(0);
    let total = (rate * span.as_secs_f64()) as usize;
    let start = Instant::now() + Duration::from_millis(20);
    let mut all: Vec<f64> = std::thread::scope(|scope| -> anyhow::Result<Vec<f64>> {
        let threads: Vec<_> = (0..OPEN_CONNECTIONS)
            .map(|_| {
                scope.spawn(|| -> anyhow::Result<Vec<f64>> {
                    let mut connection = connect(envoy)?;
                    let mut seen = Vec::new();
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= total {
                            return Ok(seen);
                        }
                        let due = start + Duration::from_secs_f64(index as f64 / rate);
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        exchange(&mut connection, request)?;
                        seen.push(due.elapsed().as_secs_f64() * 1e6);
                    }
                })
            })
            .collect();
        let mut all = Vec::with_capacity(total);
        for thread in threads {
            all.extend(
                thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("load failed"))??,
            );
        }
        Ok(all)
    })?;
    all.sort_by(f64::total_cmp);
    let at = |share: f64| {
        all.get(((all.len() - 1) as f64 * share) as usize)
            .copied()
            .unwrap_or_default()
    };
    Ok(Latency {
        p50_us: at(0.5),
        p99_us: at(0.99),
        p999_us: at(0.999),
    })
}

fn exchange(connection: &mut Connection, request: &[u8]) -> anyhow::Result<()> {
    connection.send(request)?;
    let answer = connection.receive()?.context("closed")?;
    ensure!(answer.status() == 200, "{}", answer.head);
    Ok(())
}

fn connect(envoy: &Envoy) -> anyhow::Result<Connection> {
    Ok(Connection::new(TcpStream::connect((
        "127.0.0.1",
        envoy.port(),
    ))?)?)
}
