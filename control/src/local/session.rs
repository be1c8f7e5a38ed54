//! One run of local mode: everything that happens, and what follows from it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::LocalError;
use super::gateway::{Gateway, News};
use super::keys::keys;
use super::model::Model;
use super::program;
use super::report::Report;
use super::sources::{SETTLE, Sources};
use super::streams::Streams;
use super::watch::Watch;
use super::work_dir::WorkDir;
use crate::args::{LocalArgs, LocalRole};
use crate::discovery::{Discovery, Event, Subject, Timing};
use crate::envoy::process::Launch;
use crate::envoy::push::Files;
use crate::envoy::{Instances, Setup, bootstrap};
use crate::gateway_client::GatewayClient;
use crate::issuers::{self, Authorities, Follower};
use crate::object::ObjectName;
use crate::timer::at;

/// How long news are gathered before they are served, so that a burst of them costs one configuration.
const GATHER: Duration = Duration::from_millis(30);

/// How long each registration, and each issuer of tokens, may be tried before the gateway is called ready without it.
const TRY: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug)]
pub(super) struct Session {
    sources: Sources,
    watch: Watch,
    model: Model,
    report: Report,
    gateway: Gateway,
    /// Where it runs.
    streams: Option<Streams>,
    discovery: Discovery,
    issuers: Follower,
    /// When to look at the folders.
    scan_at: Option<Instant>,
    /// When to serve what is known.
    publish_at: Option<Instant>,
    phase: Phase,
    _work_dir: WorkDir,
}

/// What stands between the start and being ready.
#[derive(Debug)]
enum Phase {
    /// These have not been tried yet.
    Trying {
        untried: BTreeSet<ObjectName>,
        until: Instant,
    },
    /// All were tried; what they offer is this wish of the gateway's.
    Publishing { wish: u64 },
    /// It is served.
    Ready,
}

impl Session {
    /// Starts everything, and follows the servers that the manifests name.
    pub(super) async fn start(args: &LocalArgs) -> Result<Self, LocalError> {
        let envoy = program::envoy(args.envoy.as_deref(), std::env::var_os("PATH").as_deref())?;
        let filter = program::filter(args.filter.as_deref())?;
        let sources = Sources::open(&args.folders)?;
        // Its first look is at once, so nothing is missed between the two.
        let watch = Watch::new(&args.folders);
        let work_dir = WorkDir::open(args.work_dir.as_deref())?;
        let (keys, signer) = keys(&work_dir.session_key())?;
        let mut model = Model::new(args.listen, keys).telling(args.telemetry.into());
        let socket = args.streams.then(|| work_dir.streams_socket().to_owned());
        model.stream_by(socket.clone());
        model.read(sources.objects(), sources.refused());
        let view = model.view()?;
        let mut report = Report::default();
        report.tell(&sources, model.index(), &view);
        let setup = setup(args, &work_dir, filter)?;
        let system = Authorities::File(setup.ca_certificates.clone());
        let mut issuers = Follower::new(system, issuers::Timing::default());
        issuers.follow(&model.index().issuers);
        let gateway =
            Gateway::start(launch(args, envoy, &setup), Files::new(setup), view.service).await?;
        let streams = match &socket {
            Some(socket) => Some(Streams::start(socket, gateway.address()).await?),
            None => None,
        };
        let client = GatewayClient::new(gateway.address().to_string(), signer)
            .map_err(LocalError::Client)?;
        let mut discovery = Discovery::new(client, Timing::default());
        discovery.ask_at(model.endpoint());
        discovery.follow(model.subjects());
        let untried = names(model.subjects());
        let phase = Phase::Trying {
            untried,
            until: Instant::now() + TRY,
        };
        let (scan_at, publish_at) = (None, None);
        Ok(Self {
            sources,
            watch,
            model,
            report,
            gateway,
            streams,
            discovery,
            issuers,
            scan_at,
            publish_at,
            phase,
            _work_dir: work_dir,
        })
    }

    /// Goes on until every registration has been tried, and what they offer is served.
    pub(super) async fn ready(&mut self) -> Result<(), LocalError> {
        while !matches!(self.phase, Phase::Ready) {
            self.step().await?;
        }
        Ok(())
    }

    /// Prints the table and where the gateway serves.
    pub(super) fn announce(&self) {
        let path = self
            .model
            .endpoint()
            .map_or_else(|| "/mcp".to_owned(), |endpoint| endpoint.path);
        let url = format!("http://{}{path}", self.gateway.address());
        self.report.print(self.model.index(), Some(&url));
    }

    /// What is known, and what the manifests say of it.
    pub(super) fn known(&self) -> (&Model, &Sources) {
        (&self.model, &self.sources)
    }

    /// Goes on until the gateway cannot.
    pub(super) async fn run(&mut self) -> LocalError {
        loop {
            if let Err(error) = self.step().await {
                return error;
            }
        }
    }

    /// Ends the sessions with the servers and the streams of clients, then Envoy.
    pub(super) async fn stop(self) {
        self.discovery.stop().await;
        if let Some(streams) = self.streams {
            streams.stop().await;
            self.gateway.pass_on_streams().await;
        }
        self.gateway.stop().await;
    }

    async fn step(&mut self) -> Result<(), LocalError> {
        self.advance();
        let tried_until = match self.phase {
            Phase::Trying { until, .. } => Some(until),
            _ => None,
        };
        tokio::select! {
            news = self.gateway.news() => match news {
                News::Served(wish) => self.served(wish),
                News::Ended(error) => self.gateway.restart(error).await?,
            },
            reason = ended(&mut self.streams) => self.go_on_without_streams(&reason),
            event = self.discovery.next() => self.learn(&event),
            event = self.issuers.next() => self.learn_issuer(event),
            () = self.watch.due() => self.scan_at = self.scan_at.or(Some(Instant::now() + SETTLE)),
            () = at(self.scan_at) => self.scan(),
            () = at(self.publish_at) => self.publish(),
            () = at(tried_until) => self.give_up_waiting(),
        }
        Ok(())
    }

    fn scan(&mut self) {
        let scan = self.sources.scan();
        self.scan_at = scan.unsettled.then(|| Instant::now() + SETTLE);
        if scan.changed {
            self.model
                .read(self.sources.objects(), self.sources.refused());
            self.issuers.follow(&self.model.index().issuers);
            if let Phase::Trying { untried, .. } = &mut self.phase {
                let subjects = names(self.model.subjects());
                untried.retain(|name| subjects.contains(name));
            }
            self.publish();
        }
    }

    /// The filter answers as without them, and the rest goes on.
    fn go_on_without_streams(&mut self, reason: &str) {
        tracing::error!("mcp-streams has ended, and no stream is served until a restart: {reason}");
        self.streams = None;
        self.model.stream_by(None);
        self.model
            .read(self.sources.objects(), self.sources.refused());
        self.publish();
    }

    fn learn(&mut self, event: &Event) {
        if let Phase::Trying { untried, .. } = &mut self.phase {
            untried.remove(&event.name);
        }
        self.model.learn(event);
        self.publish_at.get_or_insert(Instant::now() + GATHER);
    }

    fn learn_issuer(&mut self, event: issuers::Event) {
        if self.model.learn_issuer(event) {
            self.publish_at.get_or_insert(Instant::now() + GATHER);
        }
    }

    fn served(&mut self, wish: u64) {
        if wish == self.gateway.wish() {
            // What is known and what is served are the same, so all routes are there.
            self.discovery.ask_at(self.model.endpoint());
            self.discovery.follow(self.model.subjects());
        }
    }

    fn give_up_waiting(&mut self) {
        if let Phase::Trying { untried, .. } = &mut self.phase {
            for name in std::mem::take(untried) {
                tracing::warn!("{name}: not waited for any longer");
            }
            for issuer in self.model.untried_issuers() {
                tracing::warn!("issuer {issuer}: not waited for any longer");
            }
        }
    }

    /// Goes on to being ready as far as it can be.
    fn advance(&mut self) {
        let are_issuers_tried = self.model.untried_issuers().next().is_none();
        let is_tried = match &self.phase {
            Phase::Trying { untried, until } => {
                untried.is_empty() && (are_issuers_tried || Instant::now() >= *until)
            }
            Phase::Publishing { .. } | Phase::Ready => false,
        };
        if is_tried {
            self.publish();
            self.phase = Phase::Publishing {
                wish: self.gateway.wish(),
            };
        }
        if matches!(self.phase, Phase::Publishing { wish } if self.gateway.has_served(wish)) {
            self.phase = Phase::Ready;
        }
    }

    /// Asks the gateway to serve what is known now.
    fn publish(&mut self) {
        self.publish_at = None;
        match self.model.view() {
            Ok(view) => {
                self.report.tell(&self.sources, self.model.index(), &view);
                self.gateway.want(view.service);
            }
            Err(error) => {
                tracing::error!(
                    "{}; what was served before goes on",
                    LocalError::from(error)
                );
            }
        }
    }
}

/// Why streams are served no more, once it is so.
async fn ended(streams: &mut Option<Streams>) -> String {
    match streams {
        Some(streams) => streams.ended().await,
        None => std::future::pending().await,
    }
}

fn names(subjects: Vec<Subject>) -> BTreeSet<ObjectName> {
    subjects.into_iter().map(|subject| subject.name).collect()
}

fn setup(args: &LocalArgs, work_dir: &WorkDir, filter: &Path) -> Result<Setup, LocalError> {
    Ok(Setup {
        listen: args.listen,
        instances: match args.role {
            LocalRole::Hold => Instances::Hold,
            LocalRole::Pair => Instances::Pair,
        },
        module: work_dir.keep_module(filter)?,
        directory: work_dir.envoy_directory(),
        admin_socket: work_dir.admin_socket().to_owned(),
        ca_certificates: bootstrap::system_ca_certificates(Path::exists),
    })
}

fn launch(args: &LocalArgs, envoy: PathBuf, setup: &Setup) -> Launch {
    Launch {
        program: envoy,
        // This very program, also when its file has been replaced meanwhile.
        leash: Some("/proc/self/exe".into()),
        bootstrap: bootstrap::path(setup),
        concurrency: args.concurrency,
    }
}
