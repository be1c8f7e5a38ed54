//! The task that follows one server.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::object::ObjectName;
use crate::offer::Offer;

use super::schedule::{LastOffer, Passed, Schedule, Timing};
use super::server::{Heard, Server};
use super::{DiscoveryError, Outcome};

/// Follows one server until it is told to stop.
#[derive(Debug)]
pub(super) struct Watcher<S> {
    name: ObjectName,
    server: S,
    schedule: Schedule,
    start: Instant,
    last_offer: Option<Arc<Offer>>,
    last_error: Option<DiscoveryError>,
}

/// How the rest of the program reaches a watcher.
#[derive(Debug)]
pub(super) struct Links {
    /// Where its outcomes go.
    pub(super) outcomes: mpsc::Sender<(u64, ObjectName, Outcome)>,
    /// Tells these outcomes from those of another watcher of the same name.
    pub(super) epoch: u64,
    /// Asks for a pass at once.
    pub(super) hurry: Arc<Notify>,
    /// Ends the watcher when the other half is dropped.
    pub(super) stop: oneshot::Receiver<()>,
}

/// Why a watcher woke up.
enum Woken {
    Heard(Heard),
    Hurried,
    PassDue,
}

impl<S: Server> Watcher<S> {
    pub(super) fn new(name: ObjectName, server: S, timing: Timing) -> Self {
        Self {
            name,
            server,
            schedule: Schedule::new(timing, Duration::ZERO),
            start: Instant::now(),
            last_offer: None,
            last_error: None,
        }
    }

    /// Runs until it is stopped, then ends the server's session.
    pub(super) async fn run(mut self, links: Links) {
        let Links {
            outcomes,
            epoch,
            hurry,
            mut stop,
        } = links;
        let work = async {
            loop {
                match self.wake(&hurry).await {
                    Woken::Heard(heard) => self.schedule.heard(self.now(), heard, chance()),
                    Woken::Hurried => self.schedule.hurry(self.now()),
                    Woken::PassDue => {
                        let outcome = self.server.pass().await;
                        let Some(outcome) = self.judge(outcome) else {
                            continue;
                        };
                        if outcomes
                            .send((epoch, self.name.clone(), outcome))
                            .await
                            .is_err()
                        {
                            break;
                        }
                    }
                }
            }
        };
        tokio::select! {
            _ = &mut stop => {}
            () = work => {}
        }
        self.server.close().await;
    }

    async fn wake(&mut self, hurry: &Notify) -> Woken {
        let start = self.start;
        let pass_at = start + self.schedule.pass_at();
        let listen_from = self.schedule.listen_from();
        let listen = async {
            match listen_from {
                Some(from) => sleep_until(start + from).await,
                None => std::future::pending().await,
            }
            self.server.listen().await
        };
        tokio::select! {
            biased;
            () = hurry.notified() => Woken::Hurried,
            () = sleep_until(pass_at) => Woken::PassDue,
            heard = listen => Woken::Heard(heard),
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// What a pass means; `None` where it only confirms what is known.
    fn judge(&mut self, outcome: Result<Offer, DiscoveryError>) -> Option<Outcome> {
        match outcome {
            Ok(offer) => self.found(offer),
            Err(error) => Some(self.failed(error)),
        }
    }

    fn found(&mut self, offer: Offer) -> Option<Outcome> {
        let passed = Passed::Good {
            can_listen: self.server.can_listen(),
        };
        self.schedule.passed(self.now(), passed, chance());
        let recovered = self.last_error.take().is_some();
        if !recovered && self.last_offer.as_deref() == Some(&offer) {
            return None;
        }
        tracing::info!(
            "Discovered {} tools, {} prompts, {} resources from {}",
            offer.tools.len(),
            offer.prompts.len(),
            offer.resources.len() + offer.resource_templates.len(),
            self.name
        );
        for item in &offer.left_out {
            tracing::warn!("{}: left out {item}", self.name);
        }
        let offer = Arc::new(offer);
        self.last_offer = Some(Arc::clone(&offer));
        Some(Outcome::Found(offer))
    }

    fn failed(&mut self, error: DiscoveryError) -> Outcome {
        let passed = Passed::Failed {
            is_the_servers: error.is_the_servers(),
        };
        let last_offer = self.schedule.passed(self.now(), passed, chance());
        if self.last_error.as_ref() == Some(&error) {
            tracing::debug!("{}: still {}: {error}", self.name, error.reason());
        } else {
            tracing::warn!("{}: {}: {error}", self.name, error.reason());
        }
        self.last_error = Some(error.clone());
        match last_offer {
            LastOffer::Stays => Outcome::Failed(error),
            LastOffer::Dropped => {
                if self.last_offer.take().is_some() {
                    tracing::warn!("{}: dropped what it offered", self.name);
                }
                Outcome::Lost(error)
            }
        }
    }
}

/// Uniform in 0..1; spreads the retries of many servers.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}
