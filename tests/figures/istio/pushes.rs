//! What control pushes, and what Envoy has of it.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use futures::StreamExt as _;
use harness::istio::Proxy;
use harness::kubernetes::Kubernetes;
use harness::process::Process;
use harness::runtime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher;
use serde_json::Value;

use super::{between, until};

/// One state of the route WasmPlugin, as a watch has shown it.
#[derive(Clone, Debug)]
pub(super) struct Push {
    pub(super) at: SystemTime,
    pub(super) generation: String,
    /// Of the whole object in JSON.
    pub(super) bytes: usize,
    config: Value,
}

impl Push {
    /// Whether it leads to a server at this path.
    pub(super) fn leads_to(&self, path: &str) -> bool {
        let mut servers = self.config["servers"].as_array().into_iter().flatten();
        servers.any(|server| server["upstream"]["path"] == path)
    }
}

/// All of them since it was started.
#[derive(Clone, Default)]
pub(super) struct Pushes {
    seen: Arc<Mutex<Vec<Push>>>,
}

impl Pushes {
    pub(super) fn watch(kubernetes: &Kubernetes) -> Self {
        let pushes = Self::default();
        let kind = GroupVersionKind::gvk("extensions.istio.io", "v1alpha1", "WasmPlugin");
        let api: Api<DynamicObject> =
            Api::all_with(kubernetes.client(), &ApiResource::from_gvk(&kind));
        let seen = Arc::clone(&pushes.seen);
        runtime::spawn(async move {
            let mut events = watcher(api, watcher::Config::default()).boxed();
            while let Some(event) = events.next().await {
                let (Ok(watcher::Event::Apply(plugin)) | Ok(watcher::Event::InitApply(plugin))) =
                    event
                else {
                    continue;
                };
                let at = SystemTime::now();
                let plugin = serde_json::to_value(plugin).unwrap();
                let config = &plugin["spec"]["pluginConfig"];
                let Some(generation) = config["generation"].as_str() else {
                    continue;
                };
                seen.lock().unwrap().push(Push {
                    at,
                    generation: generation.to_owned(),
                    bytes: plugin.to_string().len(),
                    config: config.clone(),
                });
            }
        });
        pushes
    }

    /// The one by which an answer of this moment led to a server at this path.
    pub(super) fn before(&self, shown: SystemTime, path: &str) -> Push {
        let seen = self.seen.lock().unwrap();
        let mut latest = seen.iter().rev().filter(|push| push.at <= shown);
        let found = latest.find(|push| push.leads_to(path));
        found.cloned().expect("a push")
    }

    /// The last.
    pub(super) fn last(&self) -> Push {
        self.seen.lock().unwrap().last().cloned().expect("a push")
    }
}

/// When istiod had sent the agent what Envoy took over at `taken`, by its own log: the push nearest to that, since it
/// writes the line after it has sent.
pub(super) fn sent(istiod: &Process, taken: SystemTime) -> SystemTime {
    let lines = istiod.lines();
    let sent = lines.iter().filter(|line| line.contains("ECDS: PUSH"));
    let sent = sent.map(|line| {
        let (at, _) = line.split_once('\t').expect("a moment");
        SystemTime::from(at.parse::<Timestamp>().expect("a moment"))
    });
    let nearest = sent.min_by_key(|at| between(*at, taken).max(between(taken, *at)));
    nearest.expect("it was sent")
}

/// When Envoy took over the configuration of this generation, by its own word. Waits until it has.
pub(super) async fn taken(proxy: &Proxy, generation: &str) -> SystemTime {
    until(|| async {
        let dump = proxy.ask_envoy("/config_dump?resource=ecds_filters").await;
        let dump: Value = serde_json::from_str(&dump).expect("a config dump");
        let filters = dump["configs"].as_array().cloned().unwrap_or_default();
        let its = filters
            .iter()
            .find(|filter| filter.to_string().contains(generation))?;
        let at: Timestamp = its["last_updated"].as_str()?.parse().expect("a moment");
        Some(SystemTime::from(at))
    })
    .await
}
