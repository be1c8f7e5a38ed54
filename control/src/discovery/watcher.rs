//! The task that follows one server.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::object::ObjectName;
use crate::offer::Offer;

use super::schedule::{LastOffer, Passed, Schedule, Timing};
use super::server::{Heard, Server};
use super::tells::Tells;
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
    /// What it has told since the last pass.
    told: Tells,
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
            told: Tells::default(),
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
                    Woken::Heard(heard) => self.heard(heard),
                    Woken::Hurried => self.schedule.hurry(self.now()),
                    Woken::PassDue => {
                        let outcome = self.server.pass().await;
                        for outcome in self.judge(outcome) {
                            let told = (epoch, self.name.clone(), outcome);
                            if outcomes.send(told).await.is_err() {
                                return;
                            }
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

    fn heard(&mut self, heard: Heard) {
        if let Heard::Changed(told) = heard {
            self.told = self.told.and(told);
        }
        self.schedule.heard(self.now(), heard, chance());
    }

    /// What a pass means; nothing where it only confirms what is known.
    fn judge(&mut self, outcome: Result<Offer, DiscoveryError>) -> Vec<Outcome> {
        match outcome {
            Ok(offer) => {
                let unchanged = self.unchanged(&offer);
                self.found(offer).into_iter().chain(unchanged).collect()
            }
            Err(error) => vec![self.failed(error)],
        }
    }

    /// What the server has told of since the last pass, and is as it was.
    fn unchanged(&mut self, offer: &Offer) -> Option<Outcome> {
        let told = std::mem::take(&mut self.told);
        let told = told.unchanged(self.last_offer.as_deref()?, offer);
        if !told.any() {
            return None;
        }
        if !self.schedule.may_tell_unfounded(self.now()) {
            // With a later pass, once for all that come until then.
            self.told = told;
            return None;
        }
        Some(Outcome::Unchanged(told))
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::DiscoveryError;
    use super::*;
    use crate::offer::Definition;

    const CHANGED: Heard = Heard::Changed(Tells {
        tools: true,
        prompts: false,
        resources: false,
    });

    /// A server that does what is written for it, at once, and notes when.
    struct Script {
        passes: VecDeque<Result<Offer, DiscoveryError>>,
        heard: VecDeque<(Duration, Heard)>,
        notes: mpsc::UnboundedSender<(u64, &'static str)>,
        start: Instant,
    }

    impl Script {
        fn note(&self, what: &'static str) {
            // A test that has seen enough has dropped the other end.
            let _ = self.notes.send((self.start.elapsed().as_secs(), what));
        }
    }

    impl Server for Script {
        async fn pass(&mut self) -> Result<Offer, DiscoveryError> {
            self.note("pass");
            self.passes.pop_front().unwrap_or_else(|| Ok(offer("last")))
        }

        fn can_listen(&self) -> bool {
            !self.heard.is_empty()
        }

        async fn listen(&mut self) -> Heard {
            let Some((after, heard)) = self.heard.front().copied() else {
                return std::future::pending().await;
            };
            sleep_until(Instant::now() + after).await;
            self.heard.pop_front();
            self.note("heard");
            heard
        }

        async fn close(&mut self) {
            self.note("close");
        }
    }

    fn offer(revision: &str) -> Offer {
        Offer {
            protocol_version: revision.to_owned(),
            ..Offer::default()
        }
    }

    fn refused(status: u16) -> DiscoveryError {
        DiscoveryError::UpstreamRefused {
            step: "initialize",
            status,
            had_credential: false,
        }
    }

    struct Running {
        outcomes: mpsc::Receiver<(u64, ObjectName, Outcome)>,
        notes: mpsc::UnboundedReceiver<(u64, &'static str)>,
        hurry: Arc<Notify>,
        stop: oneshot::Sender<()>,
    }

    fn run(
        passes: impl IntoIterator<Item = Result<Offer, DiscoveryError>>,
        heard: impl IntoIterator<Item = (u64, Heard)>,
    ) -> Running {
        let (teller, outcomes) = mpsc::channel(64);
        let (noter, notes) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let hurry = Arc::new(Notify::new());
        let seconds = |(after, heard)| (Duration::from_secs(after), heard);
        let server = Script {
            passes: passes.into_iter().collect(),
            heard: heard.into_iter().map(seconds).collect(),
            notes: noter,
            start: Instant::now(),
        };
        let name = ObjectName {
            namespace: "mcp-test".into(),
            name: "github".into(),
        };
        let hurried = Arc::clone(&hurry);
        let links = Links {
            outcomes: teller,
            epoch: 7,
            hurry: hurried,
            stop: stopped,
        };
        tokio::spawn(Watcher::new(name, server, Timing::default()).run(links));
        Running {
            outcomes,
            notes,
            hurry,
            stop,
        }
    }

    impl Running {
        /// Waits until something happens for the `times`th time from here on; returns everything until then.
        async fn until(&mut self, what: &str, times: usize) -> Vec<(u64, &'static str)> {
            let mut notes = Vec::new();
            while notes.iter().filter(|(_, note)| *note == what).count() < times {
                notes.push(self.notes.recv().await.unwrap());
            }
            notes
        }

        fn told(&mut self) -> Vec<&'static str> {
            std::iter::from_fn(|| self.outcomes.try_recv().ok())
                .map(|(_, _, outcome)| match outcome {
                    Outcome::Found(_) => "found",
                    Outcome::Unchanged(_) => "unchanged",
                    Outcome::Failed(_) => "failed",
                    Outcome::Lost(_) => "lost",
                })
                .collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn passes_come_every_minute_and_only_news_is_told() {
        let passes = ["a", "a", "b", "b"].map(|revision| Ok(offer(revision)));
        let mut running = run(passes, []);
        let notes = running.until("pass", 4).await;
        assert_eq!(
            notes,
            [(0, "pass"), (60, "pass"), (120, "pass"), (180, "pass")]
        );
        assert_eq!(running.told(), ["found", "found"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_and_so_is_its_end_even_where_nothing_changed() {
        let passes = [
            Ok(offer("a")),
            Err(refused(401)),
            Ok(offer("a")),
            Ok(offer("a")),
        ];
        let mut running = run(passes, []);
        running.until("pass", 5).await;
        assert_eq!(running.told()[..3], ["found", "failed", "found"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_was_never_good_is_lost_on_the_third_failure() {
        let mut running = run((0..4).map(|_| Err(refused(403))), []);
        running.until("pass", 5).await;
        assert_eq!(running.told()[..4], ["failed", "failed", "lost", "lost"]);
    }

    #[tokio::test(start_paused = true)]
    async fn news_from_the_server_bring_a_pass() {
        let mut running = run([], [(10, CHANGED), (100, Heard::Closed)]);
        let notes = running.until("pass", 3).await;
        assert_eq!(
            notes,
            [(0, "pass"), (10, "heard"), (10, "pass"), (70, "pass")]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn news_of_what_has_not_changed_are_told_as_such_and_others_are_not() {
        let with = |tool: &str| {
            Ok(Offer {
                tools: vec![Definition::new(tool, "{}")],
                ..offer("a")
            })
        };
        let passes = [with("t"), with("t"), with("u"), with("u")];
        let mut running = run(passes, [(10, CHANGED), (10, CHANGED)]);
        running.until("pass", 4).await;
        assert_eq!(running.told(), ["found", "unchanged", "found"]);
    }

    #[tokio::test(start_paused = true)]
    async fn news_of_no_change_beyond_what_may_be_told_at_once_are_told_once_later() {
        let mut running = run([], (0..7).map(|_| (9, CHANGED)));
        running.until("heard", 7).await;
        running.until("pass", 1).await;
        assert_eq!(
            running.told(),
            ["found", "unchanged", "unchanged", "unchanged", "unchanged"]
        );
        running.until("pass", 1).await;
        running.until("pass", 1).await;
        assert_eq!(running.told(), ["unchanged"]);
    }

    #[tokio::test(start_paused = true)]
    async fn news_that_come_together_cost_one_pass() {
        let together = [10, 0, 0].map(|after| (after, CHANGED));
        let mut running = run([], together);
        let notes = running.until("pass", 3).await;
        assert_eq!(
            notes,
            [
                (0, "pass"),
                (10, "heard"),
                (10, "heard"),
                (10, "heard"),
                (10, "pass"),
                (70, "pass")
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn hurry_brings_a_pass_at_once() {
        let mut running = run([], []);
        running.until("pass", 1).await;
        running.hurry.notify_one();
        assert_eq!(running.until("pass", 2).await, [(0, "pass"), (60, "pass")]);
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_ends_the_session() {
        let mut running = run([], []);
        running.until("pass", 1).await;
        let Running {
            mut notes, stop, ..
        } = running;
        drop(stop);
        assert_eq!(notes.recv().await, Some((0, "close")));
        assert_eq!(notes.recv().await, None);
    }
}
