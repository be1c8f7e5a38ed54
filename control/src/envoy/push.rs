//! Writes Envoy's files, and knows when each is in force.

use std::io;
use std::time::Duration;

use mcp_filter_config::{PluginConfig, Role};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::admin::{Admin, NoAnswer};
use super::extension::Extension;
use super::log::Tail;
use super::plan::{self, Service, Step};
use super::response::response;
use super::subscription::{Subscription, replace};
use super::{Instances, Setup, bootstrap, cluster, listener, route, tokens};
use crate::render::for_role;

/// Between two looks at Envoy's statistics.
const LOOK: Duration = Duration::from_millis(10);

/// From writing a file to being sure that Envoy has overlooked it.
const PATIENCE: Duration = Duration::from_secs(10);

/// From writing a file to writing it again, should the file system have kept the news to itself.
const AGAIN: Duration = Duration::from_secs(1);

/// How long names of new clusters may take to be resolved before the rest of a change goes on without them.
const RESOLUTION: Duration = Duration::from_millis(500);

/// Why a file is not in force.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The file cannot be written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the file system says.
        cause: io::Error,
    },
    /// Envoy refuses it, and goes on with what it had.
    #[error("Envoy refuses {what}: {reason}")]
    Refused {
        /// Which file.
        what: Subscription,
        /// What Envoy says.
        reason: String,
    },
    /// Envoy does not tell of it.
    #[error("Envoy has not taken {what} within {} s", PATIENCE.as_secs())]
    Overlooked {
        /// Which file.
        what: Subscription,
    },
    /// The admin interface does not answer.
    #[error(transparent)]
    Admin(#[from] NoAnswer),
}

/// The files of one Envoy. Before it runs, [`Files::write_all`]; then a [`Pusher`].
#[derive(Clone, Debug)]
pub struct Files {
    setup: Setup,
    version: u64,
}

impl Files {
    /// None is written yet.
    pub fn new(setup: Setup) -> Self {
        Self { setup, version: 0 }
    }

    /// What they are made for.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Binds the listener here from the next start on.
    pub fn listen_at(&mut self, address: std::net::SocketAddr) {
        self.setup.listen = address;
    }

    /// Writes everything that an Envoy starts with.
    ///
    /// # Errors
    /// [`PushError::File`]
    pub fn write_all(&mut self, service: &Service) -> Result<(), PushError> {
        let Service { network, config } = service;
        write(
            &bootstrap::path(&self.setup),
            &bootstrap::bootstrap(&self.setup),
        )?;
        let listener = listener::listener(&self.setup);
        self.write(Subscription::Listeners, &[listener])?;
        self.write_step(&Step::Clusters(network.clusters.clone()))?;
        self.write_step(&Step::Routes(network.routes.clone()))?;
        self.write_step(&Step::Issuers(network.issuers.clone()))?;
        for extension in Extension::chain(self.setup.instances) {
            self.write_filter(*extension, config)?;
        }
        Ok(())
    }

    fn write_step(&mut self, step: &Step) -> Result<Subscription, PushError> {
        let clusters = |clusters: &[_]| cluster::clusters(clusters, &self.setup.ca_certificates);
        match step {
            Step::Clusters(list) => self.write(Subscription::Clusters, &clusters(list)),
            Step::Routes(list) => self.write(Subscription::Routes, &[route::routes(list)]),
            Step::Issuers(list) => self.write(Subscription::Issuers, &[tokens::resource(list)]),
            // The gate's configuration is its role alone, so it never changes.
            Step::Filter(config) => match self.setup.instances {
                Instances::Hold => self.write_filter(Extension::Hold, config),
                Instances::Pair => self.write_filter(Extension::Route, config),
            },
        }
    }

    fn write_filter(
        &mut self,
        extension: Extension,
        config: &PluginConfig,
    ) -> Result<Subscription, PushError> {
        let role = match extension {
            Extension::Hold => Role::Hold,
            Extension::Route => Role::Route,
            Extension::Gate => Role::Gate,
        };
        // Only a map with keys that are no strings could fail, and there is none.
        let json = serde_json::to_string(&for_role(config, role)).unwrap_or_default();
        let resource = extension.resource(&self.setup, &json);
        self.write(Subscription::Filter(extension), &[resource])
    }

    fn write(
        &mut self,
        file: Subscription,
        resources: &[Value],
    ) -> Result<Subscription, PushError> {
        self.version += 1;
        write(
            &file.path(&self.setup),
            &response(&self.version.to_string(), resources),
        )?;
        Ok(file)
    }
}

fn write(path: &std::path::Path, content: &Value) -> Result<(), PushError> {
    replace(path, content).map_err(|cause| PushError::File {
        path: path.display().to_string(),
        cause,
    })
}

/// Changes what a running Envoy serves.
#[derive(Debug)]
pub struct Pusher {
    files: Files,
    admin: Admin,
    tail: Tail,
    live: Service,
}

impl Pusher {
    /// For an Envoy that was started with `files`, holding `live`, and whose log is `tail`.
    pub fn new(files: Files, admin: Admin, tail: Tail, live: Service) -> Self {
        Self {
            files,
            admin,
            tail,
            live,
        }
    }

    /// Adds and changes all that `wanted` has. What is left of before can be taken away by [`Pusher::tidy`].
    ///
    /// # Errors
    /// Where Envoy did not take the routes or the filter's configuration; then it serves what it served before, and
    /// perhaps more clusters and routes.
    pub async fn apply(&mut self, wanted: &Service) -> Result<(), PushError> {
        for step in plan::additions(&self.live, wanted) {
            self.take(step).await?;
        }
        Ok(())
    }

    /// Whether there is something that `wanted` lacks.
    pub fn is_tidy(&self, wanted: &Service) -> bool {
        plan::removals(&self.live, wanted).is_empty()
    }

    /// Takes away what `wanted` lacks. Nothing that the filter chooses may be among it.
    ///
    /// # Errors
    /// Where Envoy did not take the routes.
    pub async fn tidy(&mut self, wanted: &Service) -> Result<(), PushError> {
        for step in plan::removals(&self.live, wanted) {
            self.take(step).await?;
        }
        Ok(())
    }

    /// Does one step and waits until it is in force.
    async fn take(&mut self, step: Step) -> Result<(), PushError> {
        let outcome = self.push(&step).await;
        match step {
            Step::Clusters(clusters) => {
                if let Err(error) = outcome {
                    // It has taken those that are right.
                    tracing::error!("{error}");
                } else {
                    self.wait_for_names().await;
                }
                self.live.network.clusters = clusters;
            }
            Step::Routes(routes) => {
                outcome?;
                self.live.network.routes = routes;
            }
            Step::Issuers(issuers) => match outcome {
                // The filter comes all the same: without issuers it lets nobody in.
                Err(error @ PushError::Refused { .. }) => tracing::error!("{error}"),
                outcome => {
                    outcome?;
                    self.live.network.issuers = issuers;
                }
            },
            Step::Filter(config) => {
                outcome?;
                self.live.config = *config;
            }
        }
        Ok(())
    }

    async fn push(&mut self, step: &Step) -> Result<(), PushError> {
        let before = self.admin.progress().await?;
        let mark = self.tail.mark();
        let what = self.files.write_step(step)?;
        let version = self.files.version.to_string();
        let start = Instant::now();
        let mut again = start + AGAIN;
        loop {
            let now = self.admin.progress().await?;
            if now.version(what) == version {
                return Ok(());
            }
            if now.refusals(what) > before.refusals(what) {
                let reason = self.tail.complaints_since(mark);
                return Err(PushError::Refused { what, reason });
            }
            if start.elapsed() > PATIENCE {
                return Err(PushError::Overlooked { what });
            }
            if Instant::now() > again {
                again += AGAIN;
                let path = what.path(&self.files.setup);
                touch(&path)?;
            }
            sleep(LOOK).await;
        }
    }

    async fn wait_for_names(&self) {
        let until = Instant::now() + RESOLUTION;
        while Instant::now() < until
            && self
                .admin
                .progress()
                .await
                .is_ok_and(|progress| progress.warming_clusters() > 0)
        {
            sleep(LOOK).await;
        }
    }
}

/// Moves a file to its own name once more.
fn touch(path: &std::path::Path) -> Result<(), PushError> {
    let next = path.with_extension("next");
    let moved = std::fs::copy(path, &next).and_then(|_| std::fs::rename(&next, path));
    moved.map_err(|cause| PushError::File {
        path: path.display().to_string(),
        cause,
    })
}
