//! Has a gateway try again to pull its image.
//!
//! Istio's agent pulls once for each version of a WasmPlugin or EnvoyFilter, and answers 403 to everything when it cannot. A
//! registry that is back then helps nobody, until something of the object changes.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::action::Action;
use super::apply::Apply;
use crate::attach::Attachment;
use crate::image::Image;
use crate::registry::{Registry, Unreadable};

/// How long a gateway may be closed before it is helped: longer than a pull takes.
const PATIENCE: Duration = Duration::from_secs(4);

/// Between two looks whether the registry is there.
const LOOK: Duration = Duration::from_secs(1);

/// After a nudge that did not help, at first. Twice as long after each.
const PAUSE: Duration = Duration::from_secs(8);

/// The longest of these.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// After one of several Pods was seen closed, how long others may be all that is seen before none is thought so.
const DOUBT: Duration = Duration::from_secs(30);

/// How long a registry may take that works.
const ANSWER: Duration = Duration::from_secs(2);

/// What a gateway pulls, and by which objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) image: Image,
    pub(super) objects: Vec<Attachment>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Nudges {
    apply: Apply,
    registry: Option<Registry>,
    pace: Pace,
}

/// When it is time.
#[derive(Debug, Default)]
struct Pace {
    next: Option<Instant>,
    nudges: u32,
    /// Whether the registry was there at the last look.
    was_there: bool,
    /// When the gateway was seen closed last.
    closed_at: Option<Instant>,
    /// Whether that was since the last nudge.
    is_closed: bool,
}

impl Nudges {
    pub(super) fn new(apply: Apply, registry: Option<Registry>) -> Self {
        Self {
            apply,
            registry,
            pace: Pace::default(),
        }
    }

    /// The gateway answers as one that has not got its image.
    pub(super) async fn closed(&mut self, pair: &Pair) {
        self.pace.close(Instant::now());
        self.go_on(pair).await;
    }

    /// None of its Pods that were asked answers so, whatever else they answer. Whether another may.
    pub(super) async fn not_closed(&mut self, pair: Option<&Pair>) -> bool {
        match pair {
            Some(pair) if self.pace.is_in_doubt(Instant::now()) => {
                self.go_on(pair).await;
                true
            }
            _ => {
                self.pace = Pace::default();
                false
            }
        }
    }

    async fn go_on(&mut self, pair: &Pair) {
        if !self.pace.is_due(Instant::now()) {
            return;
        }
        let is_there = self.is_there(&pair.image).await;
        if !self.pace.look(is_there, Instant::now()) {
            return;
        }
        let now = Timestamp::now().to_string();
        let nudges = pair.objects.iter().map(|object| {
            let patch = json!({"metadata": {"annotations": {object.attach.nudge(): now}}});
            Action::Prune(object.key(), patch)
        });
        let nudges: Vec<_> = nudges.collect();
        match self.apply.all(&nudges).await {
            Ok(()) => tracing::info!("the gateway of {} is to pull its image again", pair.image),
            Err(error) => tracing::warn!("{error}"),
        }
    }

    async fn is_there(&self, image: &Image) -> bool {
        let Some(registry) = &self.registry else {
            return true;
        };
        let asked = timeout(ANSWER, registry.understood(image)).await;
        // An image of before there were annotations can be pulled, too.
        asked.is_ok_and(|asked| matches!(asked, Ok(_) | Err(Unreadable::NotOurs)))
    }
}

impl Pace {
    fn close(&mut self, now: Instant) {
        self.closed_at = Some(now);
        self.is_closed = true;
    }

    /// Whether a Pod may be closed though another serves.
    fn is_in_doubt(&self, now: Instant) -> bool {
        self.closed_at
            .is_some_and(|at| now.duration_since(at) < DOUBT)
    }

    fn is_due(&mut self, now: Instant) -> bool {
        self.is_closed && *self.next.get_or_insert(now + PATIENCE) <= now
    }

    /// Whether to nudge, when the registry was looked for.
    fn look(&mut self, is_there: bool, now: Instant) -> bool {
        let is_back = is_there && !self.was_there;
        self.was_there = is_there;
        if !is_there {
            self.next = Some(now + LOOK);
            return false;
        }
        if is_back {
            self.nudges = 0;
        }
        let pause = PAUSE * 2_u32.saturating_pow(self.nudges.min(8));
        self.nudges = self.nudges.saturating_add(1);
        self.next = Some(now + pause.min(LONGEST_PAUSE));
        self.is_closed = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// At which seconds a gateway that stays closed is nudged, where the registry is there from `back` on.
    fn nudges(back: u32) -> Vec<u32> {
        let (start, mut pace) = (Instant::now(), Pace::default());
        let seconds = (0..600).filter(|second| {
            let now = start + SECOND * *second;
            pace.close(now);
            pace.is_due(now) && pace.look(*second >= back, now)
        });
        seconds.collect()
    }

    #[test]
    fn a_gateway_that_stays_closed_is_nudged_ever_more_rarely() {
        assert_eq!(nudges(0), [4, 12, 28, 60, 124, 244, 364, 484]);
    }

    #[test]
    fn a_pod_that_is_closed_is_not_forgotten_for_another_that_serves() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        assert!(!pace.is_in_doubt(start) && !pace.is_due(start));
        pace.close(start);
        assert!(!pace.is_due(start), "it may be pulling");
        let later = start + PATIENCE;
        assert!(pace.is_in_doubt(later) && pace.is_due(later));
        assert!(pace.look(true, later));
        let later = later + PAUSE;
        assert!(
            !pace.is_due(later),
            "once, where none was seen closed since"
        );
        pace.close(later);
        assert!(pace.is_due(later), "it has not helped");
        assert!(!pace.is_in_doubt(later + DOUBT));
    }

    #[test]
    fn a_registry_that_is_back_is_tried_within_a_second() {
        assert_eq!(nudges(100)[..3], [100, 108, 124]);
    }
}
