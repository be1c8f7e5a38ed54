mod configuration;
mod faults;
mod names;
mod request_authentication;
mod restoring;
mod sizes;
mod verdicts;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use mcp_filter_config::{PluginConfig, SessionKey, Sessions, Streams, Upstream};
use mcp_filter_core::catalog::{Catalog, ListKind};

use super::{Finding, Keys, Rendered, render};
use crate::index::Index;
use crate::index::tests::Manifests;
use crate::object::ObjectName;
use crate::offer::{Definition, Offer};
use crate::verdict::{Fault, Reason, Verdict};

/// What discovery has found, by the names of registrations.
#[derive(Clone, Debug, Default)]
struct Findings(BTreeMap<ObjectName, Finding>);

impl Findings {
    fn found(self, name: &str, offer: Offer) -> Self {
        let offer = Some(Arc::new(offer));
        let finding = Finding {
            offer,
            ..Finding::default()
        };
        self.with(name, finding)
    }

    fn failed(self, name: &str, reason: Reason, message: &str) -> Self {
        let fault = Some(Fault::new(reason, message));
        let finding = Finding {
            fault,
            ..Finding::default()
        };
        self.with(name, finding)
    }

    fn with(mut self, name: &str, finding: Finding) -> Self {
        self.0.insert(named(name), finding);
        self
    }

    fn render(&self, index: &Index) -> Rendered {
        render(index, &self.0, &keys()).unwrap()
    }
}

fn with_streams(index: Index) -> Index {
    let streams = Streams {
        host: "streams.mcp.local".to_owned(),
        path: "/".to_owned(),
        upstream: Upstream {
            cluster: "streams".to_owned(),
            authority: "streams.example".to_owned(),
            path: "/".to_owned(),
        },
    };
    Index {
        streams: Some(streams),
        ..index
    }
}

fn named(name: &str) -> ObjectName {
    ObjectName {
        namespace: "team".to_owned(),
        name: name.to_owned(),
    }
}

fn keys() -> Keys {
    let key = SessionKey {
        id: 1,
        secret: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
    };
    Keys {
        sessions: Sessions {
            keys: vec![key],
            ..Sessions::default()
        },
        ..Keys::default()
    }
}

/// Definitions by their key member's name and value.
fn definitions(member: &str, keys: &[&str]) -> Vec<Definition> {
    let one = |key: &&str| Definition::new(*key, serde_json::json!({ member: key }).to_string());
    keys.iter().map(one).collect()
}

/// An offer of these tools.
fn tools(names: &[&str]) -> Offer {
    Offer {
        protocol_version: "2025-11-25".to_owned(),
        tools: definitions("name", names),
        ..Offer::default()
    }
}

/// A tool that names this view.
fn viewed(name: &str, uri: &str) -> Definition {
    let json = serde_json::json!({"name": name, "_meta": {"ui": {"resourceUri": uri}}});
    Definition::new(name, json.to_string())
}

/// What is served of a list: the server's place and the definition.
fn listed(config: &PluginConfig, kind: ListKind) -> Vec<(u32, String)> {
    let Some(packed) = &config.catalog else {
        return Vec::new();
    };
    let catalog = Catalog::decode(packed).unwrap();
    let entries = catalog.entries(kind).enumerate();
    let one = |(place, (server, _)): (usize, (u32, &str))| {
        let json = catalog.definition(kind, place).unwrap();
        (server, String::from_utf8(json.to_vec()).unwrap())
    };
    entries.map(one).collect()
}

fn servers(config: &PluginConfig) -> Vec<&str> {
    config
        .servers
        .iter()
        .map(|server| server.name.as_str())
        .collect()
}

fn verdict<'a>(rendered: &'a Rendered, name: &str) -> &'a Verdict {
    let mut verdicts = rendered.verdicts.iter();
    verdicts.find(|verdict| verdict.name.name == name).unwrap()
}

/// The condition as it is told.
fn told(rendered: &Rendered, name: &str) -> String {
    let verdict = verdict(rendered, name);
    format!("{} {}: {}", verdict.ready, verdict.reason, verdict.message)
}
