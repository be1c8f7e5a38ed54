//! Figures of the whole chain: kube-apiserver, control, istiod, its agent, Envoy.

mod pushes;
mod requests;
mod size;
mod transitions;
mod way;

use std::time::{Duration, SystemTime};

use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::Value;

use crate::managed::Managed;
use crate::{corpus, network, registration};
use pushes::Pushes;

/// How often a client asks that waits for an answer that shows something.
const LOOK: Duration = Duration::from_millis(5);

/// Longer takes nothing here.
const PATIENCE: Duration = Duration::from_secs(300);

/// All parts, or those that are named.
pub(crate) async fn figures(parts: Vec<String>) {
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if is_wanted("way") {
        way::measure().await;
    }
    if is_wanted("changes") {
        transitions::changes().await;
    }
    if is_wanted("rolls") {
        transitions::rolls().await;
    }
    if is_wanted("size") {
        size::measure().await;
    }
}

/// The chain with a server that echoes, `echo_greet`, and a route to the corpus. It serves.
struct Chain {
    managed: Managed,
    pushes: Pushes,
    _echo: Upstream,
}

impl Chain {
    async fn start() -> Self {
        let managed = Managed::start().await;
        let pushes = Pushes::watch(&managed.kubernetes);
        let servers = corpus::serve().await;
        managed.kubernetes.apply(&network(servers)).await;
        let tools = vec![Tool::new("greet", Answer::Echo)];
        let echo = Upstream::start(Script::with_tools(tools)).await;
        let server = harness::manifests::Server::new("echo", echo.address());
        managed.kubernetes.apply(&server.yaml()).await;
        managed.until_ready("echo", "True", "Ready").await;
        Self {
            managed,
            pushes,
            _echo: echo,
        }
    }

    /// Applies the registration of the server of this number, at the path where it has so many tools. Gives when.
    async fn register(&self, number: u64, tools: usize) -> SystemTime {
        let begun = SystemTime::now();
        let registration = registration(number, &path(number, tools));
        self.managed.kubernetes.submit(registration).await.unwrap();
        begun
    }

    /// Asks again and again until this tool is listed. Gives when that answer was there.
    async fn until_listed(&self, name: &str) -> SystemTime {
        let client = self.managed.client();
        let is_meant = |tool: &String| {
            let tool: Value = serde_json::from_str(tool).unwrap();
            tool["name"] == name
        };
        until(|| async {
            let listed = client.list("tools/list", "tools").await;
            listed.iter().any(is_meant).then(SystemTime::now)
        })
        .await
    }
}

/// Where the server of this number has so many tools.
fn path(number: u64, tools: usize) -> String {
    format!("/mcp/{number}/{tools}")
}

/// What the gateway calls the last of them.
fn last_tool(number: u64, tools: usize) -> String {
    format!("s{number}_{}", corpus::tool_name(number, tools - 1))
}

/// Looks until there is something.
async fn until<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    let begun = SystemTime::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(between(begun, SystemTime::now()) < PATIENCE, "in vain");
        tokio::time::sleep(LOOK).await;
    }
}

/// The one after the other on this machine's clock.
fn between(begun: SystemTime, ended: SystemTime) -> Duration {
    ended.duration_since(begun).unwrap_or_default()
}

/// One line of a table: the median and the 99th percentile of times.
fn line(what: &str, times: impl Iterator<Item = Duration>) {
    let mut times: Vec<_> = times.map(|time| time.as_millis()).collect();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!("| {what} | {} ms | {} ms |", at(50), at(99));
}
