//! What a configuration costs: memory for each worker, and for how long a change stops a worker.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::envoy::Envoy;
use crate::http::Connection;
use crate::report::ConfigureReport;
use crate::variant::{bootstrap, plugin_config, wasm_config};
use crate::{Args, cpu};

const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
const CHANGES: usize = 5;

/// At 40, 1,000 and 5,000 tools. Memory is what this adds to an Envoy with the filter and no tool.
pub(crate) fn measure(args: &Args, folder: &Path) -> anyhow::Result<Vec<ConfigureReport>> {
    let empty = resident_with(args, folder, 0)?;
    [40, 1000, 5000]
        .into_iter()
        .map(|tools| {
            eprintln!("configure: {tools} tools");
            Ok(ConfigureReport {
                tools,
                config_bytes: plugin_config("hold", tools / 2, "servers")?.len(),
                memory_bytes_per_worker: (resident_with(args, folder, tools)? as i64
                    - empty as i64)
                    / 2,
                stall_ms: stall(args, folder, tools)?,
            })
        })
        .collect()
}

/// Envoy keeps the configuration in the main thread's VM and in the worker's.
fn resident_with(args: &Args, folder: &Path, tools: usize) -> anyhow::Result<u64> {
    let live = Live::start(args, folder, tools)?;
    ensure!(live.ping()? < Duration::from_secs(1));
    cpu::resident_bytes(live.envoy.pid())
}

/// The longest that a ping waited while configurations of this size came, beyond what pings take anyhow.
fn stall(args: &Args, folder: &Path, tools: usize) -> anyhow::Result<f64> {
    let live = Live::start(args, folder, tools)?;
    let quiet = live.longest_ping_during(|| {
        std::thread::sleep(Duration::from_millis(300));
        Ok(())
    })?;
    let mut stalls = Vec::new();
    for change in 1..=CHANGES {
        let longest = live.longest_ping_during(|| live.change(args, tools + 2 * change))?;
        stalls.push(longest.saturating_sub(quiet).as_secs_f64() * 1000.0);
    }
    stalls.sort_by(f64::total_cmp);
    stalls.get(CHANGES / 2).copied().context("stall")
}

struct Live {
    envoy: Envoy,
    folder: std::path::PathBuf,
}

impl Live {
    fn start(args: &Args, folder: &Path, tools: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(folder)?.keep();
        write(&folder, args, tools)?;
        let filter = json!({
            "name": "hold",
            "config_discovery": {
                "config_source": {"path_config_source": {
                    "path": folder.join("ecds.json"), "watched_directory": {"path": folder}
                }},
                "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"]
            }
        });
        let router = json!({
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}
        });
        let public = json!({"name": "public", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "direct_response": {"status": 404}}
        ]});
        let envoy = Envoy::start(
            &args.envoy,
            &bootstrap(&[filter, router], &[public], [1, 2]),
            &folder,
        )?;
        Ok(Self { envoy, folder })
    }

    /// Puts another configuration in place and waits until it is live.
    fn change(&self, args: &Args, tools: usize) -> anyhow::Result<()> {
        let before = self.updates()?;
        write(&self.folder, args, tools)?;
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.updates()? == before {
            ensure!(Instant::now() < deadline, "the change is not taken");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn updates(&self) -> anyhow::Result<u64> {
        let stats = self
            .envoy
            .admin("/stats?format=json&filter=extension_config_discovery.*config_reload$")?;
        let stats: Value = serde_json::from_slice(&stats)?;
        Ok(stats
            .pointer("/stats/0/value")
            .and_then(Value::as_u64)
            .unwrap_or_default())
    }

    fn ping(&self) -> anyhow::Result<Duration> {
        self.ping_on(&mut self.connect()?)
    }

    fn connect(&self) -> anyhow::Result<Connection> {
        Ok(Connection::new(std::net::TcpStream::connect((
            "127.0.0.1",
            self.envoy.port(),
        ))?)?)
    }

    fn ping_on(&self, connection: &mut Connection) -> anyhow::Result<Duration> {
        let start = Instant::now();
        let head = "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length:";
        connection.send(format!("{head} {}\r\n\r\n{PING}", PING.len()).as_bytes())?;
        ensure!(connection.receive()?.context("closed")?.status() == 200);
        Ok(start.elapsed())
    }

    fn longest_ping_during(
        &self,
        work: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<Duration> {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let pings = scope.spawn(|| -> anyhow::Result<Duration> {
                let mut connection = self.connect()?;
                let mut longest = Duration::ZERO;
                while !over.load(Ordering::Relaxed) {
                    longest = longest.max(self.ping_on(&mut connection)?);
                }
                Ok(longest)
            });
            let worked = work();
            over.store(true, Ordering::Relaxed);
            worked?;
            pings.join().map_err(|_| anyhow::anyhow!("pings failed"))?
        })
    }
}

fn write(folder: &Path, args: &Args, tools: usize) -> anyhow::Result<()> {
    let config = wasm_config(
        "hold",
        &args.filter,
        &plugin_config("hold", tools / 2, "servers")?,
    );
    let resource = json!({"version_info": tools.to_string(), "resources": [{
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": "hold",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": config
        }
    }]});
    let next = folder.join("ecds.next");
    std::fs::write(&next, serde_json::to_vec(&resource)?)?;
    std::fs::rename(next, folder.join("ecds.json"))?;
    Ok(())
}
