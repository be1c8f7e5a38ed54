//! Which configurations the filter's images can read, as far as their registries have said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
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
    /// Its registry is being asked.
    NotYetKnown,
    /// Its registry does not say; it is asked again.
    Unreadable(String),
    /// The filter could not read the configuration.
    Unsuitable(String),
}

/// See the module.
pub(super) struct Images {
    /// Where they are; `None` where nobody wants to know.
    registry: Option<Registry>,
    known: BTreeMap<Image, Known>,
    asked: FuturesUnordered<BoxFuture<'static, (Image, Result<Understood, Unreadable>)>>,
}

/// What is known of one.
#[derive(Debug)]
struct Known {
    outcome: Option<Result<Understood, Unreadable>>,
    failures: u32,
    ask_at: Option<Instant>,
}

impl std::fmt::Debug for Images {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Images")
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

impl Images {
    pub(super) fn new(registry: Option<Registry>) -> Self {
        Self {
            registry,
            known: BTreeMap::new(),
            asked: FuturesUnordered::new(),
        }
    }

    /// These and no others are of interest.
    pub(super) fn follow(&mut self, images: &BTreeSet<Image>) {
        self.known.retain(|image, _| images.contains(image));
        for image in images {
            self.known.entry(image.clone()).or_insert_with(|| Known {
                outcome: None,
                failures: 0,
                ask_at: Some(Instant::now()),
            });
        }
        self.ask();
    }

    /// Waits until more is known.
    pub(super) async fn next(&mut self) {
        loop {
            let due = self.known.values().filter_map(|known| known.ask_at).min();
            tokio::select! {
                Some((image, outcome)) = self.asked.next() => return self.learn(&image, outcome),
                () = at(due) => self.ask(),
            }
        }
    }

    /// Whether a filter of this image can read a configuration.
    pub(super) fn suits(&self, image: &Image, config: &PluginConfig) -> Result<(), Unusable> {
        if self.registry.is_none() {
            return Ok(());
        }
        let known = self
            .known
            .get(image)
            .and_then(|known| known.outcome.as_ref());
        let understood = match known.ok_or(Unusable::NotYetKnown)? {
            Ok(understood) => understood,
            Err(error) if error.is_final() => return Err(Unusable::Unsuitable(error.to_string())),
            Err(error) => return Err(Unusable::Unreadable(error.to_string())),
        };
        match understood.lacks(config) {
            Some(lack) => Err(Unusable::Unsuitable(lack)),
            None => Ok(()),
        }
    }

    /// Asks for those that are due.
    fn ask(&mut self) {
        let Some(registry) = &self.registry else {
            self.known.clear();
            return;
        };
        let now = Instant::now();
        for (image, known) in &mut self.known {
            if known.ask_at.is_some_and(|at| at <= now) {
                known.ask_at = None;
                let (registry, image) = (registry.clone(), image.clone());
                let asked = async move {
                    let outcome = registry.understood(&image).await;
                    (image, outcome)
                };
                self.asked.push(asked.boxed());
            }
        }
    }

    fn learn(&mut self, image: &Image, outcome: Result<Understood, Unreadable>) {
        let Some(known) = self.known.get_mut(image) else {
            return;
        };
        if let Err(error) = &outcome {
            if known.words() != Some(error.to_string()) {
                tracing::warn!("the filter's image {image} is not known: {error}");
            }
            let pause = PAUSE * 2_u32.saturating_pow(known.failures.min(8));
            known.failures = known.failures.saturating_add(1);
            // Another digest would be another image.
            known.ask_at = (!error.is_final()).then(|| Instant::now() + pause.min(LONGEST_PAUSE));
        } else {
            tracing::info!("the filter's image {image} is known");
        }
        known.outcome = Some(outcome);
    }
}

impl Known {
    /// Why it was not known at the last try.
    fn words(&self) -> Option<String> {
        let outcome = self.outcome.as_ref()?;
        outcome.as_ref().err().map(ToString::to_string)
    }
}

#[cfg(test)]
impl Images {
    /// Some of which this is known.
    pub(super) fn knowing(image: &Image, outcome: Result<Understood, Unreadable>) -> Self {
        let mut images = Self::new(Some(Registry::default()));
        let known = Known {
            outcome: None,
            failures: 0,
            ask_at: None,
        };
        images.known.insert(image.clone(), known);
        images.learn(image, outcome);
        images
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(digit: char) -> Image {
        let digits = digit.to_string().repeat(64);
        format!("oci://127.0.0.1:1/filter@sha256:{digits}")
            .parse()
            .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_is_asked_again_after_ever_longer_pauses() {
        let image = image('a');
        let mut images = Images::knowing(&image, Err(Unreadable::NotFound));
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let ask_at = images.known[&image].ask_at.unwrap();
            pauses.push(ask_at.duration_since(Instant::now()).as_secs());
            images.learn(&image, Err(Unreadable::NotFound));
        }
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30]);
        images.learn(&image, Err(Unreadable::NotOurs));
        assert_eq!(
            images.known[&image].ask_at, None,
            "it will never be the filter's"
        );
    }

    #[tokio::test]
    async fn what_is_of_interest_no_more_is_forgotten() {
        let mut images = Images::knowing(&image('a'), Err(Unreadable::NotOurs));
        images.follow(&BTreeSet::from([image('b')]));
        assert!(images.known.keys().eq([&image('b')]));
    }
}
