//! The Envoy of a gateway: its files and its process.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use mcp_control::envoy::admin::Admin;
use mcp_control::envoy::extension::Extension;
use mcp_control::envoy::response::response;
use mcp_control::envoy::subscription::{Subscription, replace};
use mcp_control::envoy::{Instances, Setup, bootstrap, cluster, listener, route, tokens};
use mcp_control::network::Network;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, interval};

use super::policy::Policy;
use super::view::View;
use crate::component;
use crate::gateway::temporary_folder;
use crate::port::Port;
use crate::proc::runs;
use crate::process::{Process, command};
use crate::wait::until;

/// Longer takes no start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// Between two looks at what Envoy has made of a file.
const LOOK: Duration = Duration::from_millis(10);

/// From writing a file to writing it again, should the file system have kept the news to itself.
const AGAIN: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct Envoy {
    // Ended before its folder goes: fields are dropped in order.
    process: Mutex<Process>,
    setup: Setup,
    admin: Admin,
    written: tokio::sync::Mutex<Written>,
    _folder: TempDir,
}

/// What the files hold.
#[derive(Debug, Default)]
struct Written {
    version: u64,
    resources: BTreeMap<String, Vec<Value>>,
    network: Network,
}

impl Envoy {
    /// Starts one that has nothing to serve yet, and waits until it listens.
    pub(super) async fn start(port: &Port) -> Self {
        let folder = temporary_folder("cluster-gateway");
        let setup = Setup {
            listen: port.address(),
            instances: Instances::Pair,
            module: component::filter(),
            directory: folder.path().to_owned(),
            admin_socket: folder.path().join("admin.sock"),
            ca_certificates: bootstrap::system_ca_certificates(|path| path.exists()),
        };
        let bootstrap = bootstrap::bootstrap(&setup).to_string();
        fs::write(bootstrap::path(&setup), bootstrap).expect("a bootstrap written");
        let mut written = Written::default();
        written.put(&setup, Subscription::Clusters, Vec::new());
        written.put(&setup, Subscription::Routes, vec![route::routes(&[])]);
        written.put(
            &setup,
            Subscription::Listeners,
            vec![listener(&setup, &[], None)],
        );
        let admin = Admin::new(&setup.admin_socket).expect("a client");
        let process = start(&setup, &admin).await;
        Self {
            process: Mutex::new(process),
            setup,
            admin,
            written: tokio::sync::Mutex::new(written),
            _folder: folder,
        }
    }

    /// Ends the process at once.
    pub(super) fn kill(&self) {
        self.process.lock().unwrap().signal(Signal::KILL);
    }

    /// Starts a process again that serves what the last one served.
    pub(super) async fn start_again(&self) {
        let ended = |envoy: &Self| !runs(envoy.process.lock().unwrap().pid());
        until("Envoy has ended", START, || async {
            ended(self).then_some(())
        })
        .await;
        let process = start(&self.setup, &self.admin).await;
        *self.process.lock().unwrap() = process;
    }

    /// What it has said last, and what it was given.
    pub(super) fn log(&self) -> String {
        let given = match self.written.try_lock() {
            Ok(written) => format!("{} files were handed over", written.version),
            Err(_) => "a file is being handed over".to_owned(),
        };
        format!("{}\n{given}", self.process.lock().unwrap().log())
    }

    /// Hands all of it over, each part when the part is in force that it needs.
    pub(super) async fn hand_over(&self, view: &View, policy: Option<&Policy>) {
        let written = &mut *self.written.lock().await;
        let network = joined(&written.network, view);
        let clusters = cluster::clusters(&network.clusters, &self.setup.ca_certificates);
        let routes = route::routes(&network.routes);
        self.take(written, Subscription::Clusters, clusters).await;
        self.take(written, Subscription::Routes, vec![routes]).await;
        written.network = network;
        let listener = listener(&self.setup, &view.plugins, policy);
        let is_listener = [listener.clone()] == written.of(Subscription::Listeners);
        for (extension, configuration) in &view.plugins {
            let filter = extension.resource(&self.setup, configuration);
            let what = Subscription::Filter(*extension);
            // Envoy looks for it when a listener names it.
            if is_listener {
                self.take(written, what, vec![filter]).await;
            } else {
                written.put(&self.setup, what, vec![filter]);
            }
        }
        self.take(written, Subscription::Listeners, vec![listener])
            .await;
    }

    /// Writes a file and waits until it is in force, or refused, or nobody is there to read it.
    async fn take(&self, written: &mut Written, what: Subscription, resources: Vec<Value>) {
        if written.of(what) == resources {
            return;
        }
        let Ok(before) = self.admin.progress().await else {
            written.put(&self.setup, what, resources);
            return;
        };
        let mut version = written.put(&self.setup, what, resources.clone());
        let mut again = Instant::now() + AGAIN;
        let mut look = interval(LOOK);
        loop {
            look.tick().await;
            let Ok(now) = self.admin.progress().await else {
                return;
            };
            let is_refused = now.refusals(what) > before.refusals(what);
            if is_refused || now.version(what) == version {
                return;
            }
            if Instant::now() > again {
                again = Instant::now() + AGAIN;
                version = written.put(&self.setup, what, resources.clone());
            }
        }
    }
}

impl Written {
    fn of(&self, what: Subscription) -> &[Value] {
        let resources = self.resources.get(&what.to_string());
        resources.map_or(&[], Vec::as_slice)
    }

    /// Gives the version.
    fn put(&mut self, setup: &Setup, what: Subscription, resources: Vec<Value>) -> String {
        self.version += 1;
        let version = self.version.to_string();
        replace(&what.path(setup), &response(&version, &resources)).expect("a file written");
        self.resources.insert(what.to_string(), resources);
        version
    }
}

/// The listener with those of the filter's parts for which there are plugins. Istio puts policies behind both.
fn listener(setup: &Setup, plugins: &[(Extension, String)], policy: Option<&Policy>) -> Value {
    const FILTERS: &str = "/filter_chains/0/filters/0/typed_config/http_filters";
    let mut listener = listener::listener(setup);
    let filters = listener.pointer_mut(FILTERS).and_then(Value::as_array_mut);
    let filters = filters.expect("filters");
    // Nobody verifies tokens here.
    filters.retain(|filter| filter["name"] != tokens::NAME);
    let before_router = filters.len() - 1;
    filters.splice(before_router..before_router, policy.map(Policy::filter));
    filters.retain(|filter| {
        let mut parts = Extension::chain(setup.instances).iter();
        parts.all(|part| {
            let is_there = plugins.iter().any(|(plugin, _)| plugin == part);
            is_there || filter["name"] != part.name()
        })
    });
    listener
}

/// What there is, and of what there was all that Istio would still have: it does not ask for registrations.
fn joined(before: &Network, view: &View) -> Network {
    let mut network = view.network.clone();
    let clusters = before.clusters.iter().filter(|old| {
        let mut new = view.network.clusters.iter();
        !new.any(|new| new.name == old.name)
    });
    network.clusters.extend(clusters.cloned());
    let routes = before.routes.iter().filter(|old| {
        let mut new = view.network.routes.iter();
        !new.any(|new| new.host == old.host) && view.hosts.contains(&old.host)
    });
    network.routes.extend(routes.cloned());
    network
}

async fn start(setup: &Setup, admin: &Admin) -> Process {
    let mut envoy = command(&component::envoy());
    envoy
        .arg("-c")
        .arg(bootstrap::path(setup))
        .args(["--concurrency", "1", "--disable-hot-restart"])
        // As Istio starts it: what is connected when a listener changes goes on for so long.
        .args(["--drain-time-s", "45", "--drain-strategy", "immediate"])
        .args([
            "--log-level",
            "warning",
            "--component-log-level",
            "wasm:info",
        ]);
    let process = Process::start("envoy", envoy).await;
    until("Envoy listens", START, || async {
        assert!(runs(process.pid()), "{}", process.log());
        let is_live = admin.is_live().await.unwrap_or(false);
        let address = admin.listen_address().await.ok().flatten();
        address.filter(|_| is_live)
    })
    .await;
    process
}
