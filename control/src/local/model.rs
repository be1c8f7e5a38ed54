//! What is known: the manifests as the index resolves them, and what discovery found.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use mcp_filter_config::{ControlKeys, PluginConfig, Telemetry};
use mcp_filter_core::table::CompileError;

use crate::discovery::{Event, PublicEndpoint, Rounds, Subject};
use crate::envoy::plan::Service;
use crate::envoy::streams;
use crate::index::{self, Index, Notice, Settings};
use crate::issuers::{self, Issuers};
use crate::manifests::{Identity, Object};
use crate::object::ObjectName;
use crate::render::{Finding, Keys, Listed, render};
use crate::verdict::Verdict;

/// See the module.
#[derive(Debug)]
pub(super) struct Model {
    settings: Settings,
    /// Where `mcp-streams` listens; absent where it does not run.
    streams: Option<PathBuf>,
    keys: Keys,
    index: Index,
    rounds: Rounds,
    findings: BTreeMap<ObjectName, Finding>,
    issuers: Issuers,
}

/// All that follows from what is known.
#[derive(Debug)]
pub(super) struct View {
    /// What is to be served.
    pub(super) service: Service,
    /// What Envoy would refuse, with the reason.
    pub(super) left_out: Vec<String>,
    /// What is to be told of issuers of tokens.
    pub(super) notices: Vec<Notice>,
    /// One for each registration of the index, in its order.
    pub(super) verdicts: Vec<Verdict>,
    /// What clients are shown.
    pub(super) listed: Listed,
}

impl Model {
    /// Nothing is known yet. `listen` is where clients connect.
    pub(super) fn new(listen: SocketAddr, keys: Keys) -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let settings = Settings::local(listen, variables.collect());
        Self {
            settings,
            streams: None,
            keys,
            index: Index::default(),
            rounds: Rounds::default(),
            findings: BTreeMap::new(),
            issuers: Issuers::default(),
        }
    }

    /// What the filter is to tell of requests.
    pub(super) fn telling(mut self, telemetry: Telemetry) -> Self {
        self.settings.telemetry = telemetry;
        self
    }

    /// Has the filter send to `mcp-streams` what is its, where it listens at a socket.
    /// Counts from the next reading on.
    pub(super) fn stream_by(&mut self, socket: Option<PathBuf>) {
        self.settings.streams = socket.is_some().then(streams::streams);
        self.streams = socket;
    }

    /// Takes in the objects as they are now, and those that cannot be read.
    pub(super) fn read<'a>(
        &mut self,
        objects: impl IntoIterator<Item = &'a Object>,
        unreadable: BTreeSet<Identity>,
    ) {
        self.settings.unreadable = unreadable;
        self.index = index::build(objects, &self.settings);
        self.rounds.begin(&self.index);
        self.issuers.count(&self.index.issuers);
        let registrations = &self.index.registrations;
        self.findings
            .retain(|name, _| registrations.iter().any(|known| known.name == *name));
    }

    /// Takes in what discovery has seen.
    pub(super) fn learn(&mut self, event: &Event) {
        event.record(&mut self.findings);
    }

    /// Takes in what an issuer of tokens has said. Whether that is new.
    pub(super) fn learn_issuer(&mut self, event: issuers::Event) -> bool {
        self.issuers.learn(event)
    }

    /// The issuers of tokens that have not been tried yet.
    pub(super) fn untried_issuers(&self) -> impl Iterator<Item = &str> {
        self.issuers.unknown()
    }

    /// The configuration for a gateway that is not this machine's: with its own hosts alone, and no key of a control that
    /// ends with this run.
    pub(super) fn for_cluster<'a>(
        &self,
        objects: impl IntoIterator<Item = &'a Object>,
    ) -> Result<PluginConfig, CompileError> {
        let settings = Settings {
            listen_hosts: Vec::new(),
            default_hosts: Vec::new(),
            streams: None,
            ..self.settings.clone()
        };
        let keys = Keys {
            control: ControlKeys::default(),
            ..self.keys.clone()
        };
        let index = index::build(objects, &settings);
        Ok(render(&index, &self.findings, &keys)?.config)
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// Whom discovery is to follow.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        self.rounds.subjects(&self.index)
    }

    /// Where clients connect, as one of them would spell it.
    pub(super) fn endpoint(&self) -> Option<PublicEndpoint> {
        PublicEndpoint::of(&self.index)
    }

    /// # Errors
    /// Where the filter would refuse the configuration.
    pub(super) fn view(&self) -> Result<View, CompileError> {
        let rendered = render(&self.index, &self.findings, &self.keys)?;
        let mut network = self.index.network.clone();
        self.issuers.extend(&mut network);
        if let Some(socket) = &self.streams {
            streams::extend(&mut network, socket);
        }
        let (service, left_out) = Service::new(network, rendered.config);
        Ok(View {
            service,
            left_out,
            notices: self.issuers.notices(),
            verdicts: rendered.verdicts,
            listed: rendered.listed,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Model;
    use crate::index::tests::Manifests;
    use crate::manifests::Object;
    use crate::render::Keys;

    #[test]
    fn a_server_that_goes_and_comes_back_is_asked_anew() {
        let manifests = Manifests::one_server().objects();
        let mut model = Model::new("127.0.0.1:1".parse().unwrap(), Keys::default());
        let mut subject = |objects: &[Object]| {
            model.read(objects, BTreeSet::new());
            model.subjects().pop()
        };
        let first = subject(&manifests).unwrap();
        assert_eq!(
            subject(&manifests).as_ref(),
            Some(&first),
            "nothing has changed"
        );
        assert_eq!(subject(&[]), None);
        let second = subject(&manifests).unwrap();
        assert_eq!(second.name, first.name);
        assert_ne!(second, first);
    }

    #[test]
    fn the_endpoint_is_spelt_as_a_client_spells_it() {
        let cases = [
            ("127.0.0.1:1", "127.0.0.1"),
            ("[::1]:1", "[::1]"),
            ("0.0.0.0:1", "0.0.0.0"),
        ];
        for (listen, host) in cases {
            let mut model = Model::new(listen.parse().unwrap(), Keys::default());
            assert_eq!(model.endpoint(), None);
            model.read(&[], BTreeSet::new());
            let endpoint = model.endpoint().unwrap();
            assert_eq!(
                (endpoint.host.as_str(), endpoint.path.as_str()),
                (host, "/mcp")
            );
        }
    }
}
