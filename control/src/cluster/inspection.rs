//! Which configurations the filter's image can read, as far as its registry has said.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use mcp_filter_config::PluginConfig;
use tokio::time::Instant;

use crate::image::Image;
use crate::registry::{Registry, Understood, Unreadable};
use crate::timer::at;

/// Between two tries, at first. Twice as long after each that fails.
const PAUSE: Duration = Duration::from_secs(2);

/// The longest of these.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why an image cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Its registry is still to say.
    NotYetKnown,
    /// Its registry does not say; it is asked again.
    Unreadable(String),
    /// The filter could not read the configuration.
    Unsuitable(String),
}

/// What a registry says.
type Outcome = Result<Understood, Unreadable>;

/// See the module.
pub(super) struct Inspection {
    registry: Registry,
    image: Image,
    /// The latest, and when it was asked for.
    answer: Option<(Instant, Outcome)>,
    failures: u32,
    ask_at: Option<Instant>,
    asked: Option<(Instant, BoxFuture<'static, Outcome>)>,
}

impl std::fmt::Debug for Inspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inspection")
            .field("image", &self.image)
            .field("answer", &self.answer)
            .field("ask_at", &self.ask_at)
            .finish_non_exhaustive()
    }
}

impl Inspection {
    /// Asks at once: who takes over from another shall know what that has known.
    pub(super) fn new(registry: Registry, image: Image) -> Self {
        Self {
            registry,
            image,
            answer: None,
            failures: 0,
            ask_at: Some(Instant::now()),
            asked: None,
        }
    }

    /// Waits until more is known.
    pub(super) async fn next(&mut self) {
        loop {
            let Some((asked_at, answer)) = &mut self.asked else {
                at(self.ask_at).await;
                self.ask();
                continue;
            };
            let (asked_at, outcome) = (*asked_at, answer.await);
            self.asked = None;
            return self.learn(asked_at, outcome);
        }
    }

    /// Whether a filter of this image can read a configuration, for somebody who needs it `since` then: an image may be
    /// gone from its registry that was there before.
    pub(super) fn suits(&self, config: &PluginConfig, since: Instant) -> Result<(), Unusable> {
        let (asked_at, outcome) = self.answer.as_ref().ok_or(Unusable::NotYetKnown)?;
        let understood = match outcome {
            Ok(understood) => understood,
            Err(error) if error.is_final() => return Err(Unusable::Unsuitable(error.to_string())),
            Err(error) => return Err(Unusable::Unreadable(error.to_string())),
        };
        match understood.lacks(config) {
            Some(lack) => Err(Unusable::Unsuitable(lack)),
            None if *asked_at < since => Err(Unusable::NotYetKnown),
            None => Ok(()),
        }
    }

    /// Somebody waits for an answer. One that is under way comes first, even if it is too old for whoever waits.
    pub(super) fn require(&mut self) {
        if self.asked.is_none() && self.ask_at.is_none() {
            self.ask_at = Some(Instant::now());
        }
    }

    fn ask(&mut self) {
        self.ask_at = None;
        let (registry, image) = (self.registry.clone(), self.image.clone());
        let asked = async move { registry.understood(&image).await };
        self.asked = Some((Instant::now(), asked.boxed()));
    }

    fn learn(&mut self, asked_at: Instant, outcome: Outcome) {
        let image = &self.image;
        match &outcome {
            Ok(_) => {
                if !matches!(self.answer, Some((_, Ok(_)))) {
                    tracing::info!("the filter's image {image} is known");
                }
                self.failures = 0;
            }
            Err(error) => {
                if self.complaint() != Some(error.to_string()) {
                    tracing::warn!("the filter's image {image} is not known: {error}");
                }
                let pause = PAUSE * 2_u32.saturating_pow(self.failures.min(8));
                self.failures = self.failures.saturating_add(1);
                // Another digest would be another image.
                self.ask_at =
                    (!error.is_final()).then(|| Instant::now() + pause.min(LONGEST_PAUSE));
            }
        }
        self.answer = Some((asked_at, outcome));
    }

    /// Why it was not known at the last try.
    fn complaint(&self) -> Option<String> {
        let (_, outcome) = self.answer.as_ref()?;
        outcome.as_ref().err().map(ToString::to_string)
    }
}

#[cfg(test)]
impl Inspection {
    /// One of which this is known since now.
    pub(super) fn knowing(image: &Image, outcome: Outcome) -> Self {
        let mut inspection = Self::new(Registry::default(), image.clone());
        inspection.ask_at = None;
        inspection.learn(Instant::now(), outcome);
        inspection
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image() -> Image {
        let digits = "a".repeat(64);
        format!("oci://127.0.0.1:1/filter@sha256:{digits}")
            .parse()
            .unwrap()
    }

    fn config() -> PluginConfig {
        serde_json::from_value(json!({"version": 1, "role": "route"})).unwrap()
    }

    fn ours() -> Outcome {
        Ok(Understood::of_given(&json!({"version": 1})))
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_is_asked_again_after_ever_longer_pauses() {
        let mut inspection = Inspection::knowing(&image(), Err(Unreadable::NotFound));
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let ask_at = inspection.ask_at.unwrap();
            pauses.push(ask_at.duration_since(Instant::now()).as_secs());
            inspection.learn(Instant::now(), Err(Unreadable::NotFound));
        }
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30]);
        inspection.require();
        let pause = inspection.ask_at.unwrap() - Instant::now();
        assert_eq!(pause.as_secs(), 30, "no sooner for whoever waits");
        inspection.ask();
        inspection.learn(Instant::now(), Err(Unreadable::NotOurs));
        assert_eq!(inspection.ask_at, None, "it will never be the filter's");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_for_those_who_have_waited_for_it() {
        let mut inspection = Inspection::knowing(&image(), ours());
        let early = Instant::now();
        assert_eq!(inspection.suits(&config(), early), Ok(()));
        tokio::time::advance(Duration::from_secs(1)).await;
        let late = Instant::now();
        let unknown = Err(Unusable::NotYetKnown);
        assert_eq!(inspection.suits(&config(), late), unknown);
        inspection.require();
        inspection.ask();
        inspection.require();
        assert_eq!(inspection.ask_at, None, "one question is enough");
        inspection.learn(late, ours());
        assert_eq!(inspection.suits(&config(), late), Ok(()));
        assert_eq!(inspection.suits(&config(), early), Ok(()));
    }
}
