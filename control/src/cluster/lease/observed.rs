//! What a candidate does about the Lease that it has seen.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use tokio::time::Instant;

/// The Lease as it was last seen, and since when it is as it is.
#[derive(Debug, Default)]
pub(super) struct Observed {
    object: Option<Lease>,
    /// When a candidate saw first, by its own clock, that it is so. Not before the change itself.
    since: Option<Instant>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is none.
    Create,
    /// It is nobody's, or its holder has not renewed it for its duration.
    Take,
    /// It is this candidate's.
    Renew,
    /// It is another's, for this long unless that one renews it.
    Wait(Duration),
}

impl Observed {
    pub(super) fn object(&self) -> Option<&Lease> {
        self.object.as_ref()
    }

    pub(super) fn see(&mut self, object: Option<Lease>, now: Instant) {
        if self.since.is_none() || spec(self.object.as_ref()) != spec(object.as_ref()) {
            self.since = Some(now);
        }
        self.object = object;
    }

    /// `duration` counts where the Lease has none.
    pub(super) fn step(&self, identity: &str, duration: Duration, now: Instant) -> Step {
        let Some(object) = &self.object else {
            return Step::Create;
        };
        let holder = holder(object);
        if holder == identity {
            return Step::Renew;
        }
        let seconds = spec(Some(object)).and_then(|spec| spec.lease_duration_seconds);
        let stated = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let duration = stated.map_or(duration, Duration::from_secs);
        let unchanged = self
            .since
            .map_or(Duration::ZERO, |since| now.duration_since(since));
        match duration.checked_sub(unchanged) {
            Some(left) if !holder.is_empty() && !left.is_zero() => Step::Wait(left),
            _ => Step::Take,
        }
    }
}

fn spec(object: Option<&Lease>) -> Option<&LeaseSpec> {
    object.and_then(|object| object.spec.as_ref())
}

/// Who has it; empty for nobody.
pub(super) fn holder(object: &Lease) -> &str {
    spec(Some(object))
        .and_then(|spec| spec.holder_identity.as_deref())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    fn held_by(holder: &str, renewed: i64) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(10),
            renew_time: Some(MicroTime(Timestamp::from_second(renewed).unwrap())),
            ..LeaseSpec::default()
        };
        Lease {
            spec: Some(spec),
            ..Lease::default()
        }
    }

    fn seen(object: Lease, at: Instant) -> Observed {
        let mut observed = Observed::default();
        observed.see(Some(object), at);
        observed
    }

    fn after(observed: &Observed, start: Instant, seconds: u64) -> Step {
        observed.step("me", DURATION, start + Duration::from_secs(seconds))
    }

    #[test]
    fn a_lease_that_is_not_there_is_created() {
        let now = Instant::now();
        let mut observed = Observed::default();
        observed.see(None, now);
        assert_eq!(after(&observed, now, 0), Step::Create);
        observed.see(Some(held_by("other", 0)), now);
        observed.see(None, now);
        assert_eq!(after(&observed, now, 0), Step::Create);
    }

    #[test]
    fn the_own_lease_is_renewed_however_old_it_is() {
        let now = Instant::now();
        let observed = seen(held_by("me", 0), now);
        assert_eq!(after(&observed, now, 0), Step::Renew);
        assert_eq!(after(&observed, now, 100), Step::Renew);
    }

    #[test]
    fn another_lease_is_taken_once_it_was_not_renewed_for_its_duration() {
        let now = Instant::now();
        let observed = seen(held_by("other", 0), now);
        let wait = |seconds| Step::Wait(Duration::from_secs(seconds));
        assert_eq!(after(&observed, now, 0), wait(10));
        assert_eq!(after(&observed, now, 9), wait(1));
        assert_eq!(after(&observed, now, 10), Step::Take);
    }

    #[test]
    fn what_time_the_holder_writes_does_not_count_but_that_it_writes() {
        let now = Instant::now();
        for first in [0, 4_000_000_000] {
            let mut observed = seen(held_by("other", first), now);
            let later = now + Duration::from_secs(9);
            observed.see(Some(held_by("other", first)), later);
            assert_eq!(after(&observed, now, 10), Step::Take, "{first}");
            observed.see(Some(held_by("other", first - 1)), later);
            let wait = Step::Wait(Duration::from_secs(9));
            assert_eq!(after(&observed, now, 10), wait, "{first}");
        }
    }

    #[test]
    fn a_new_version_alone_is_no_renewal() {
        let now = Instant::now();
        let mut observed = seen(held_by("other", 0), now);
        let mut labelled = held_by("other", 0);
        labelled.metadata.resource_version = Some("2".to_owned());
        observed.see(Some(labelled), now + Duration::from_secs(9));
        assert_eq!(after(&observed, now, 10), Step::Take);
    }

    #[test]
    fn a_lease_without_a_holder_is_taken_at_once() {
        let now = Instant::now();
        for object in [Lease::default(), held_by("", 0)] {
            assert_eq!(after(&seen(object, now), now, 0), Step::Take);
        }
    }

    #[test]
    fn a_lease_that_states_no_duration_has_the_candidates() {
        let now = Instant::now();
        for seconds in [None, Some(-1)] {
            let mut object = held_by("other", 0);
            if let Some(spec) = &mut object.spec {
                spec.lease_duration_seconds = seconds;
            }
            let observed = seen(object, now);
            let wait = Step::Wait(Duration::from_secs(1));
            assert_eq!(after(&observed, now, 14), wait, "{seconds:?}");
            assert_eq!(after(&observed, now, 15), Step::Take, "{seconds:?}");
        }
    }
}
