//! The manifests of a gateway before GitHub's server: the examples' own where they can be, the rest from `manifests/`.

use std::fs;
use std::path::Path;

use harness::component;
use harness::gateway::temporary_folder;
use tempfile::TempDir;

/// What of the examples serves as it is: part 1 but for where the server is, and the policy of part 2.
const EXAMPLES: [&str; 7] = [
    "platform/namespaces.yaml",
    "platform/gateway.yaml",
    "platform/extension.yaml",
    "part-1/step-3-http-route.yaml",
    "part-1/step-4-secret.yaml",
    "part-1/step-5-registration.yaml",
    "part-2/step-9-route-policy.yaml",
];

/// Groups of kinds that `mcp-control` alone reads.
const OWN_GROUPS: [&str; 2] = ["mcp.kuadrant.io/", "kuadrant.io/"];

/// The ports that the manifests name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// Where the gateway serves what its Gateway has at port 8080.
    pub(crate) gateway: u16,
    /// The same for port 8443.
    pub(crate) gateway_tls: u16,
    /// Of GitHub's server.
    pub(crate) server: u16,
}

/// What a user writes: read by `mcp-control`, and applied to the cluster.
#[derive(Debug)]
pub(crate) struct Manifests {
    texts: Vec<String>,
    folder: TempDir,
}

impl Manifests {
    pub(crate) fn new(ports: Ports) -> Self {
        let port = |name: &str| own(name, &ports.placeholders());
        let examples = EXAMPLES.map(|name| match name {
            "platform/extension.yaml" => extension(),
            _ => example(name),
        });
        let texts: Vec<String> = examples.into_iter().chain([port("server.yaml")]).collect();
        let folder = temporary_folder("manifests");
        for (number, text) in texts.iter().enumerate() {
            fs::write(folder.path().join(format!("{number}.yaml")), text).unwrap();
        }
        Self { texts, folder }
    }

    /// The folder that holds them.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Those that the cluster has kinds for.
    pub(crate) fn for_cluster(&self) -> String {
        let texts = self.texts.iter();
        let documents = texts.flat_map(|text| text.split("\n---\n")).filter(|text| {
            let mut versions = text
                .lines()
                .filter_map(|line| line.strip_prefix("apiVersion: "));
            let version = versions
                .next()
                .unwrap_or_else(|| panic!("no apiVersion: {text}"));
            !OWN_GROUPS.iter().any(|group| version.starts_with(group))
        });
        documents.collect::<Vec<_>>().join("\n---\n")
    }
}

impl Ports {
    /// As the manifests name them.
    pub(crate) fn placeholders(self) -> [(&'static str, String); 3] {
        [
            ("${GATEWAY_PORT}", self.gateway.to_string()),
            ("${GATEWAY_TLS_PORT}", self.gateway_tls.to_string()),
            ("${SERVER_PORT}", self.server.to_string()),
        ]
    }
}

/// The extension of the examples, with the host that tests name.
fn extension() -> String {
    let named = "sectionName: mcp\n";
    let host = "  publicHost: localhost\n";
    example("platform/extension.yaml").replace(named, &format!("{named}{host}"))
}

/// A file of the guides.
pub(crate) fn example(name: &str) -> String {
    read(&component::file("../examples/github").join(name))
}

/// A file of `manifests/` with its placeholders filled.
pub(crate) fn own(name: &str, placeholders: &[(&str, String)]) -> String {
    let text = read(&component::file("gateway/manifests").join(name));
    let filled = placeholders
        .iter()
        .fold(text, |text, (name, value)| text.replace(name, value));
    assert!(!filled.contains("${"), "{name} has a placeholder left");
    filled
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
