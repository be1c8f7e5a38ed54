//! Asks the issuers, each in a task of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use reqwest::{Certificate, Client, Url};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::schedule::{Schedule, Timing};
use super::{host, metadata};
use crate::cause::root_cause;
use crate::index::TokenIssuer;
use crate::tls::{trusting_client, well_known_authorities};

/// Events that wait to be taken; beyond them the tasks wait.
const QUEUE: usize = 64;

/// Largest metadata, in bytes. Those of the usual issuers have ten thousand.
const LARGEST: usize = 256 * 1024;

/// Who vouches for issuers that have no authorities of their own.
#[derive(Clone, Debug)]
pub enum Authorities {
    /// Those of a file of PEM certificates.
    File(PathBuf),
    /// Those of Mozilla's list.
    WellKnown,
}

/// What an issuer has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// [`TokenIssuer::url`]
    pub issuer: String,
    /// Where its keys are, or why that is not known.
    pub keys: Result<Url, String>,
}

/// See the module.
#[derive(Debug)]
pub struct Follower {
    timing: Timing,
    authorities: Authorities,
    followed: BTreeMap<String, Followed>,
    epoch: u64,
    teller: mpsc::Sender<(u64, Event)>,
    told: mpsc::Receiver<(u64, Event)>,
}

#[derive(Debug)]
struct Followed {
    issuer: TokenIssuer,
    epoch: u64,
    task: AbortHandle,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Follower {
    /// Follows nobody yet. Must be used within a tokio runtime.
    pub fn new(authorities: Authorities, timing: Timing) -> Self {
        let (teller, told) = mpsc::channel(QUEUE);
        Self {
            timing,
            authorities,
            followed: BTreeMap::new(),
            epoch: 0,
            teller,
            told,
        }
    }

    /// Follows exactly these. One that is new, or is to be asked in another way, is asked at once.
    pub fn follow(&mut self, issuers: &[TokenIssuer]) {
        let mut before = std::mem::take(&mut self.followed);
        for issuer in issuers {
            // Whom nobody could trust is not asked.
            let Ok(authorities) = &issuer.authorities else {
                continue;
            };
            let same = before.remove(&issuer.url);
            let same = same.filter(|known| known.issuer.authorities == issuer.authorities);
            let followed = match same {
                Some(same) => same,
                None => self.start(issuer, authorities.clone()),
            };
            self.followed.insert(issuer.url.clone(), followed);
        }
    }

    /// What is said next. Nothing is lost when this future is dropped.
    pub async fn next(&mut self) -> Event {
        loop {
            let Some((epoch, event)) = self.told.recv().await else {
                return std::future::pending().await;
            };
            let followed = self.followed.get(&event.issuer);
            if followed.is_some_and(|followed| followed.epoch == epoch) {
                return event;
            }
        }
    }

    fn start(&mut self, issuer: &TokenIssuer, authorities: Option<String>) -> Followed {
        self.epoch += 1;
        let epoch = self.epoch;
        let url = issuer.url.clone();
        let (timing, others) = (self.timing, self.authorities.clone());
        let teller = self.teller.clone();
        let asking = async move {
            let mut schedule = Schedule::new(timing);
            loop {
                let client = client(&url, authorities.as_deref(), &others, timing);
                let keys = match client {
                    Ok(client) => ask(&client, &url).await,
                    Err(reason) => Err(reason),
                };
                let wait = schedule.wait(keys.is_ok());
                let issuer = url.clone();
                if teller.send((epoch, Event { issuer, keys })).await.is_err() {
                    return;
                }
                sleep(wait).await;
            }
        };
        Followed {
            issuer: issuer.clone(),
            epoch,
            task: tokio::spawn(asking).abort_handle(),
        }
    }
}

impl Authorities {
    fn certificates(&self) -> Result<Vec<Certificate>, String> {
        match self {
            Self::File(file) => {
                let unread =
                    |error| format!("{}: {error}, so nobody can be trusted", file.display());
                certificates(&std::fs::read(file).map_err(unread)?)
            }
            Self::WellKnown => well_known_authorities().map_err(|error| root_cause(&error)),
        }
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    Certificate::from_pem_bundle(pem).map_err(|error| root_cause(&error))
}

/// Made anew for each question: authorities of the system change, too.
fn client(
    issuer: &str,
    authorities: Option<&str>,
    others: &Authorities,
    timing: Timing,
) -> Result<Client, String> {
    let trusted = match authorities {
        Some(pem) => certificates(pem.as_bytes())?,
        None if issuer.starts_with("http://") => Vec::new(),
        None => others.certificates()?,
    };
    let client = trusting_client(trusted)
        .no_proxy()
        // Whom an issuer sends us to is not the issuer.
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timing.request)
        .user_agent(concat!("mcp-control/", env!("CARGO_PKG_VERSION")));
    let named = Url::parse(issuer).ok();
    let host = named.as_ref().and_then(Url::host_str);
    let client = match host.and_then(|host| Some((host, host::address(host)?))) {
        Some((host, address)) => client.resolve(host, SocketAddr::new(address, 0)),
        None => client,
    };
    client.build().map_err(|error| root_cause(&error))
}

/// The second place counts where nothing is at the first.
async fn ask(client: &Client, issuer: &str) -> Result<Url, String> {
    let mut refusals = Vec::new();
    for place in metadata::places(issuer) {
        let answer = fetch(client, place.clone()).await;
        match answer.map_err(|reason| format!("{place} {reason}"))? {
            Ok(body) => {
                return metadata::keys(issuer, &body).map_err(|reason| format!("{place} {reason}"));
            }
            Err(status) => refusals.push(format!("{place} answers {status}")),
        }
    }
    Err(refusals.join(", and "))
}

/// What stands there, or the status of an answer without it.
async fn fetch(client: &Client, place: Url) -> Result<Result<Vec<u8>, u16>, String> {
    let failed = |error: reqwest::Error| format!("cannot be read: {}", root_cause(&error));
    let mut response = client.get(place).send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Ok(Err(response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(format!("has more than {LARGEST} bytes"));
        }
    }
    Ok(Ok(body))
}

#[cfg(test)]
mod tests;
