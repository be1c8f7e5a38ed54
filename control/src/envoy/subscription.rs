//! The files that Envoy watches, and how it tells what it made of them.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::extension::Extension;
use super::{Setup, listener, route, tokens};

/// One watched file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subscription {
    /// LDS.
    Listeners,
    /// CDS.
    Clusters,
    /// RDS.
    Routes,
    /// ECDS of what verifies tokens.
    Issuers,
    /// ECDS of one instance of the filter.
    Filter(Extension),
}

impl Subscription {
    /// The file.
    pub fn path(self, setup: &Setup) -> PathBuf {
        let name = match self {
            Self::Listeners => "listeners.json",
            Self::Clusters => "clusters.json",
            Self::Routes => "routes.json",
            Self::Issuers => "issuers.json",
            Self::Filter(extension) => extension.file_name(),
        };
        setup.directory.join(name)
    }

    /// What stands before `.version_text` and `.update_rejected` in the names of Envoy's statistics.
    pub fn statistics(self) -> String {
        match self {
            Self::Listeners => "listener_manager.lds".to_owned(),
            Self::Clusters => "cluster_manager.cds".to_owned(),
            Self::Routes => format!("http.{}.rds.{}", listener::NAME, route::NAME),
            Self::Issuers => extension(tokens::NAME),
            Self::Filter(instance) => extension(instance.name()),
        }
    }
}

fn extension(name: &str) -> String {
    format!("extension_config_discovery.http_filter.{name}")
}

impl std::fmt::Display for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listeners => f.write_str("the listener"),
            Self::Clusters => f.write_str("the clusters"),
            Self::Routes => f.write_str("the routes"),
            Self::Issuers => f.write_str("the issuers of tokens"),
            Self::Filter(extension) => {
                write!(f, "the configuration of filter {}", extension.name())
            }
        }
    }
}

/// Puts a file in the place of another at once: Envoy looks when a file is moved to a watched name, and must never
/// read half of one.
///
/// # Errors
/// Those of the file system.
pub fn replace(path: &Path, content: &Value) -> io::Result<()> {
    let next = path.with_extension("next");
    std::fs::write(&next, content.to_string())?;
    std::fs::rename(&next, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("routes.json");
        replace(&path, &Value::from(1)).unwrap();
        replace(&path, &Value::from(2)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "2");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
