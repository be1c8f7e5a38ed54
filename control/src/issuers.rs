//! The issuers whose tokens are taken: where each has its keys, as its metadata says (OpenID Connect Discovery 1.0; RFC
//! 8414).
//!
//! [`Issuers`] is what is known of them, without any input or output; [`Follower`] asks them, again and again.

mod follower;
mod host;
mod metadata;
mod schedule;

pub use follower::{Authorities, Event, Follower};
pub use schedule::Timing;

use std::collections::BTreeMap;

use reqwest::Url;

use crate::index::{Notice, TokenIssuer};
use crate::network::{Address, Cluster, Issuer, Network, Tls};
use crate::verdict::{Fault, Reason};

/// What is known of all of them.
#[derive(Clone, Debug, Default)]
pub struct Issuers {
    known: BTreeMap<String, Known>,
}

#[derive(Clone, Debug)]
struct Known {
    issuer: TokenIssuer,
    /// PEM certificates of the authorities that it was asked by last; the system's where absent.
    authorities: Option<String>,
    /// Where its keys are, by its latest word.
    keys: Option<Url>,
    /// Why the latest try has failed.
    fault: Option<String>,
}

impl Issuers {
    /// These count, and no others. What is known of one stays, also where it is to be asked in another way, or cannot be
    /// asked any more.
    pub fn count(&mut self, issuers: &[TokenIssuer]) {
        let mut before = std::mem::take(&mut self.known);
        for issuer in issuers {
            let before = before.remove(&issuer.url);
            self.known.insert(issuer.url.clone(), known(issuer, before));
        }
    }

    /// Takes in what an issuer has said. Whether that is new.
    pub fn learn(&mut self, event: Event) -> bool {
        let Some(known) = self.known.get_mut(&event.issuer) else {
            return false;
        };
        let before = (known.keys.clone(), known.fault.clone());
        match event.keys {
            Ok(keys) => (known.keys, known.fault) = (Some(keys), None),
            // The keys that Envoy has stay good.
            Err(reason) => known.fault = Some(reason),
        }
        before != (known.keys.clone(), known.fault.clone())
    }

    /// Those of which nothing is known yet, not even that they cannot be asked.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        let known = self.known.values();
        let unknown = known.filter(|known| known.keys.is_none() && known.fault.is_none());
        unknown.map(|known| known.issuer.url.as_str())
    }

    /// Where an issuer has its keys, as far as it has said.
    pub fn keys(&self, issuer: &str) -> Option<&Url> {
        self.known.get(issuer)?.keys.as_ref()
    }

    /// Adds to a network what leads to their keys.
    pub fn extend(&self, network: &mut Network) {
        for known in self.known.values() {
            let Known {
                issuer,
                authorities,
                keys,
                ..
            } = known;
            let Some(keys) = keys else {
                continue;
            };
            let name = format!("issuer|{}", issuer.url);
            let Some(cluster) = cluster(&name, keys, authorities.clone()) else {
                continue;
            };
            network.clusters.push(cluster);
            network.issuers.push(Issuer {
                url: issuer.url.clone(),
                keys: keys.to_string(),
                cluster: name,
            });
        }
    }

    /// What the authors of their policies are told.
    pub fn notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        for known in self.known.values() {
            let Some(reason) = &known.fault else {
                continue;
            };
            let meanwhile = match known.keys {
                Some(_) => "the keys that it had before are still used",
                None => "nobody gets in with its tokens",
            };
            let message = format!(
                "issuer {}: {reason}; meanwhile {meanwhile}",
                known.issuer.url
            );
            notices.extend(known.issuer.policies.iter().map(|policy| Notice {
                kind: "AuthPolicy",
                name: policy.clone(),
                accepted: true,
                fault: Fault::new(Reason::IssuerUnreachable, &message),
            }));
        }
        notices
    }
}

fn known(issuer: &TokenIssuer, before: Option<Known>) -> Known {
    let is_same = |before: &Known| before.issuer.authorities == issuer.authorities;
    let fault = match &issuer.authorities {
        Err(fault) => Some(fault.message.clone()),
        // Of one that is asked by other authorities from now on, the latest try says nothing.
        Ok(_) => before
            .iter()
            .find(|before| is_same(before))
            .and_then(|before| before.fault.clone()),
    };
    let (last, keys) = before
        .map(|before| (before.authorities, before.keys))
        .unwrap_or_default();
    let authorities = issuer.authorities.as_ref().map_or(last, Clone::clone);
    Known {
        issuer: issuer.clone(),
        authorities,
        keys,
        fault,
    }
}

/// The server that has the keys.
fn cluster(name: &str, keys: &Url, authorities: Option<String>) -> Option<Cluster> {
    let host = keys.host_str()?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host::address(host);
    let tls = (keys.scheme() == "https").then(|| Tls {
        sni: host.to_owned(),
        ca_certificates: None,
        ca_pem: authorities,
        insecure_skip_verify: false,
    });
    Some(Cluster {
        name: name.to_owned(),
        dns: address.is_none(),
        addresses: vec![Address {
            host: address.map_or_else(|| host.to_owned(), |address| address.to_string()),
            port: keys.port_or_known_default()?,
        }],
        socket: None,
        tls,
        max_connections: None,
        max_pending_requests: None,
        max_requests: None,
        connect_timeout_ms: None,
        http2: false,
    })
}

#[cfg(test)]
mod tests;
