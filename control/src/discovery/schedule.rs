//! When to do what: time goes in, the next action comes out.

use std::time::Duration;

use super::server::Heard;

/// The times of discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Bound of one pass. A little more is needed to ask the gateway about a failure.
    pub pass: Duration,
    /// From a good pass to the next.
    pub every: Duration,
    /// From the first failure in a row to the next try; doubled with each.
    pub first_retry: Duration,
    /// The longest wait between tries.
    pub longest_retry: Duration,
    /// From the news that a list has changed to the pass, so that news that come together cost one.
    pub gather: Duration,
    /// The least time between two passes for that reason, so that a burst of news costs few.
    pub settle: Duration,
    /// Failures of the server in a row after which its last offer is dropped, once `lost_after` has passed, too.
    pub failures_until_lost: u32,
    /// From the first failure of the server in a row, the least time until its last offer is dropped.
    pub lost_after: Duration,
}

impl Timing {
    /// For the gateways of a cluster: a server that restarts or is rolled out loses nothing.
    pub fn cluster() -> Self {
        Self {
            lost_after: Duration::from_secs(5 * 60),
            ..Self::default()
        }
    }
}

impl Default for Timing {
    /// For an Envoy of our own.
    fn default() -> Self {
        Self {
            pass: Duration::from_secs(8),
            every: Duration::from_secs(60),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(60),
            gather: Duration::from_millis(100),
            settle: Duration::from_millis(500),
            failures_until_lost: 3,
            lost_after: Duration::ZERO,
        }
    }
}

/// One server's plan. Moments are counted from an arbitrary start.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    timing: Timing,
    pass_at: Duration,
    listen_from: Option<Duration>,
    /// From when on there may be another pass because of news.
    news_from: Duration,
    /// Failures in a row, whoever's.
    failures: u32,
    /// Failures in a row of the server's own; those of the gateway between them count neither way.
    servers_failures: u32,
    /// When the first of these was.
    fails_since: Option<Duration>,
    /// Streams in a row that ended soon and without news.
    silent_streams: u32,
}

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    Good { can_listen: bool },
    Failed { is_the_servers: bool },
}

/// What becomes of the last offer after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastOffer {
    Stays,
    Dropped,
}

impl Schedule {
    /// The first pass is due at `now`.
    pub(super) fn new(timing: Timing, now: Duration) -> Self {
        Self {
            timing,
            pass_at: now,
            listen_from: None,
            news_from: now,
            failures: 0,
            servers_failures: 0,
            fails_since: None,
            silent_streams: 0,
        }
    }

    /// When the next pass is due.
    pub(super) fn pass_at(&self) -> Duration {
        self.pass_at
    }

    /// From when on to listen to the server's stream; `None` for not at all.
    pub(super) fn listen_from(&self) -> Option<Duration> {
        self.listen_from
    }

    /// Somebody wants to know now.
    pub(super) fn hurry(&mut self, now: Duration) {
        self.pass_at = self.pass_at.min(now);
    }

    /// A pass has ended. `chance` is uniform in 0..1 and spreads the retries of many servers.
    pub(super) fn passed(&mut self, now: Duration, passed: Passed, chance: f64) -> LastOffer {
        match passed {
            Passed::Good { can_listen } => {
                self.failures = 0;
                self.servers_failures = 0;
                self.fails_since = None;
                self.pass_at = now + self.timing.every;
                let from = self.listen_from.unwrap_or(now);
                self.listen_from = can_listen.then_some(from);
                LastOffer::Stays
            }
            Passed::Failed { is_the_servers } => {
                self.failures = self.failures.saturating_add(1);
                self.pass_at = now + self.backoff(self.failures, chance);
                self.listen_from = None;
                if is_the_servers {
                    self.servers_failed(now)
                } else {
                    LastOffer::Stays
                }
            }
        }
    }

    fn servers_failed(&mut self, now: Duration) -> LastOffer {
        self.servers_failures = self.servers_failures.saturating_add(1);
        let since = *self.fails_since.get_or_insert(now);
        let is_often = self.servers_failures >= self.timing.failures_until_lost;
        let is_long = now.saturating_sub(since) >= self.timing.lost_after;
        if is_often && is_long {
            LastOffer::Dropped
        } else {
            LastOffer::Stays
        }
    }

    /// Something came, or ended, on the server's stream.
    pub(super) fn heard(&mut self, now: Duration, heard: Heard, chance: f64) {
        let lived = self
            .listen_from
            .map_or(Duration::ZERO, |from| now.saturating_sub(from));
        if heard == Heard::Changed || lived > self.timing.longest_retry {
            self.silent_streams = 0;
        }
        match heard {
            Heard::Changed => {
                let at = self.news_from.max(now + self.timing.gather);
                self.pass_at = self.pass_at.min(at);
                self.news_from = self.pass_at + self.timing.settle;
                // Until the pass nothing more needs to be heard.
                self.listen_from = Some(self.pass_at);
            }
            Heard::Closed => self.listen_from = Some(now + self.next_stream(chance)),
            Heard::NotOffered => self.listen_from = None,
            Heard::SessionLost => {
                self.listen_from = None;
                self.pass_at = self.pass_at.min(now + self.next_stream(chance));
            }
        }
    }

    fn next_stream(&mut self, chance: f64) -> Duration {
        self.silent_streams = self.silent_streams.saturating_add(1);
        self.backoff(self.silent_streams, chance)
    }

    /// 1 s, 2 s, 4 s, ... give or take a fifth, and never beyond the longest.
    fn backoff(&self, failures: u32, chance: f64) -> Duration {
        let doubled = 2_u32
            .checked_pow(failures.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let wait = self
            .timing
            .first_retry
            .saturating_mul(doubled)
            .min(self.timing.longest_retry);
        wait.mul_f64(0.8 + 0.4 * chance.clamp(0.0, 1.0))
            .min(self.timing.longest_retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Passed = Passed::Good { can_listen: true };
    const SERVERS: Passed = Passed::Failed {
        is_the_servers: true,
    };
    const GATEWAYS: Passed = Passed::Failed {
        is_the_servers: false,
    };

    /// No spread: the factor is one.
    const MIDDLE: f64 = 0.5;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn schedule() -> Schedule {
        Schedule::new(Timing::default(), Duration::ZERO)
    }

    #[test]
    fn the_first_pass_is_due_at_once_and_the_next_after_a_minute() {
        let mut schedule = schedule();
        assert_eq!(schedule.pass_at(), Duration::ZERO);
        assert_eq!(schedule.listen_from(), None);
        schedule.passed(seconds(2.0), GOOD, MIDDLE);
        assert_eq!(schedule.pass_at(), seconds(62.0));
        assert_eq!(schedule.listen_from(), Some(seconds(2.0)));
    }

    #[test]
    fn retries_come_after_growing_pauses_up_to_a_minute() {
        let mut schedule = schedule();
        let pauses: Vec<u64> = (0..9)
            .map(|_| {
                let now = schedule.pass_at();
                schedule.passed(now, SERVERS, MIDDLE);
                (schedule.pass_at() - now).as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        schedule.passed(seconds(500.0), GOOD, MIDDLE);
        schedule.passed(seconds(560.0), SERVERS, MIDDLE);
        assert_eq!(schedule.pass_at(), seconds(561.0));
    }

    #[test]
    fn a_thousand_failures_overflow_nothing() {
        let mut schedule = schedule();
        for _ in 0..1000 {
            schedule.passed(Duration::ZERO, SERVERS, 1.0);
        }
        assert_eq!(schedule.pass_at(), seconds(60.0));
    }

    #[test]
    fn chance_spreads_retries_by_a_fifth() {
        for (chance, pause) in [(0.0, 0.8), (1.0, 1.2), (7.0, 1.2)] {
            let mut schedule = schedule();
            schedule.passed(Duration::ZERO, SERVERS, chance);
            assert_eq!(schedule.pass_at(), seconds(pause));
        }
    }

    #[test]
    fn the_third_failure_in_a_row_drops_the_offer() {
        let mut schedule = schedule();
        let mut drops =
            |passed| schedule.passed(Duration::ZERO, passed, MIDDLE) == LastOffer::Dropped;
        let story = [
            SERVERS, SERVERS, GOOD, SERVERS, SERVERS, SERVERS, SERVERS, GOOD, SERVERS,
        ];
        let dropped: Vec<bool> = story.into_iter().map(&mut drops).collect();
        assert_eq!(
            dropped,
            [false, false, false, false, false, true, true, false, false]
        );
    }

    #[test]
    fn failures_of_the_gateway_drop_nothing_and_forgive_nothing() {
        let mut schedule = schedule();
        let mut drops =
            |passed| schedule.passed(Duration::ZERO, passed, MIDDLE) == LastOffer::Dropped;
        let story = [
            GATEWAYS, GATEWAYS, GATEWAYS, GATEWAYS, SERVERS, SERVERS, GATEWAYS, SERVERS,
        ];
        let dropped: Vec<bool> = story.into_iter().map(&mut drops).collect();
        assert_eq!(
            dropped,
            [false, false, false, false, false, false, false, true]
        );
    }

    /// When the offer of a server that only fails is dropped; a pass takes `pass`.
    fn dropped_at(mut schedule: Schedule, pass: Duration) -> Duration {
        loop {
            let now = schedule.pass_at() + pass;
            if schedule.passed(now, SERVERS, MIDDLE) == LastOffer::Dropped {
                return now;
            }
            assert!(now < seconds(3600.0), "never dropped");
        }
    }

    fn in_a_cluster() -> Schedule {
        Schedule::new(Timing::cluster(), Duration::ZERO)
    }

    #[test]
    fn in_a_cluster_the_offer_outlives_a_rollout_and_a_hang() {
        let refused = dropped_at(in_a_cluster(), Duration::ZERO);
        assert_eq!(dropped_at(schedule(), Duration::ZERO), seconds(3.0));
        assert!(seconds(300.0) <= refused && refused <= seconds(360.0));
        let hung = dropped_at(in_a_cluster(), seconds(8.0));
        assert_eq!(dropped_at(schedule(), seconds(8.0)), seconds(27.0));
        assert!(seconds(308.0) <= hung && hung <= seconds(376.0));
    }

    #[test]
    fn long_ago_is_not_often() {
        let mut schedule = in_a_cluster();
        let mut drops =
            |at, passed| schedule.passed(seconds(at), passed, MIDDLE) == LastOffer::Dropped;
        assert!(!drops(0.0, SERVERS));
        assert!(!drops(400.0, SERVERS));
        assert!(drops(401.0, SERVERS));
        assert!(!drops(402.0, GATEWAYS));
        assert!(drops(403.0, SERVERS));
    }

    #[test]
    fn a_good_pass_begins_the_time_anew() {
        let mut schedule = in_a_cluster();
        let story = [
            (0.0, SERVERS),
            (200.0, SERVERS),
            (250.0, GOOD),
            (300.0, SERVERS),
            (301.0, SERVERS),
            (599.0, SERVERS),
            (600.0, SERVERS),
        ];
        let dropped: Vec<bool> = story
            .into_iter()
            .map(|(at, passed)| schedule.passed(seconds(at), passed, MIDDLE) == LastOffer::Dropped)
            .collect();
        assert_eq!(dropped, [false, false, false, false, false, false, true]);
    }

    #[test]
    fn news_that_come_together_cost_one_pass() {
        let mut schedule = schedule();
        schedule.passed(Duration::ZERO, GOOD, MIDDLE);
        schedule.heard(seconds(10.0), Heard::Changed, MIDDLE);
        assert_eq!(schedule.pass_at(), seconds(10.1));
        assert_eq!(schedule.listen_from(), Some(seconds(10.1)));
        schedule.heard(seconds(10.05), Heard::Changed, MIDDLE);
        assert_eq!(schedule.pass_at(), seconds(10.1));
    }

    #[test]
    fn however_many_news_come_passes_because_of_them_are_half_a_second_apart() {
        let mut schedule = schedule();
        schedule.passed(Duration::ZERO, GOOD, MIDDLE);
        let mut now = seconds(10.0);
        let passes: Vec<Duration> = (0..4)
            .map(|_| {
                schedule.heard(now, Heard::Changed, MIDDLE);
                now = schedule.pass_at();
                schedule.passed(now, GOOD, MIDDLE);
                now
            })
            .collect();
        assert_eq!(passes, [10.1, 10.6, 11.1, 11.6].map(seconds));
        schedule.heard(seconds(20.0), Heard::Changed, MIDDLE);
        assert_eq!(schedule.pass_at(), seconds(20.1));
    }

    #[test]
    fn news_never_delay_a_pass() {
        let mut schedule = schedule();
        schedule.passed(Duration::ZERO, GOOD, MIDDLE);
        schedule.heard(seconds(59.9), Heard::Changed, MIDDLE);
        assert_eq!(schedule.pass_at(), seconds(60.0));
    }

    #[test]
    fn streams_that_end_at_once_are_opened_again_after_growing_pauses() {
        let mut schedule = schedule();
        schedule.passed(Duration::ZERO, GOOD, MIDDLE);
        let mut now = seconds(1.0);
        let pauses: Vec<u64> = (0..8)
            .map(|_| {
                schedule.heard(now, Heard::Closed, MIDDLE);
                let from = schedule.listen_from().unwrap();
                let pause = from - now;
                now = from;
                pause.as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_stream_that_lived_long_is_opened_again_soon() {
        let mut schedule = schedule();
        schedule.passed(Duration::ZERO, GOOD, MIDDLE);
        for _ in 0..6 {
            schedule.heard(schedule.listen_from().unwrap(), Heard::Closed, MIDDLE);
        }
        let later = schedule.listen_from().unwrap() + seconds(300.0);
        schedule.heard(later, Heard::Closed, MIDDLE);
        assert_eq!(schedule.listen_from(), Some(later + seconds(1.0)));
    }

    #[test]
    fn a_good_pass_does_not_shorten_the_pause_before_the_next_stream() {
        let mut schedule = schedule();
        schedule.passed(Duration::ZERO, GOOD, MIDDLE);
        schedule.heard(seconds(59.5), Heard::Closed, MIDDLE);
        schedule.passed(seconds(60.0), GOOD, MIDDLE);
        assert_eq!(schedule.listen_from(), Some(seconds(60.5)));
    }

    #[test]
    fn no_stream_is_asked_for_where_there_is_none_and_none_while_the_server_fails() {
        let mut schedule = schedule();
        schedule.passed(Duration::ZERO, GOOD, MIDDLE);
        schedule.heard(seconds(1.0), Heard::NotOffered, MIDDLE);
        assert_eq!(schedule.listen_from(), None);
        schedule.passed(seconds(60.0), GOOD, MIDDLE);
        schedule.passed(seconds(120.0), SERVERS, MIDDLE);
        assert_eq!(schedule.listen_from(), None);
    }

    #[test]
    fn a_lost_session_brings_the_pass_forward_but_not_in_a_tight_loop() {
        let mut schedule = schedule();
        let mut now = Duration::ZERO;
        let pauses: Vec<u64> = (0..4)
            .map(|_| {
                schedule.passed(now, GOOD, MIDDLE);
                schedule.heard(now, Heard::SessionLost, MIDDLE);
                let pause = schedule.pass_at() - now;
                now = schedule.pass_at();
                pause.as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8]);
    }

    #[test]
    fn hurry_brings_the_pass_forward() {
        let mut schedule = schedule();
        schedule.passed(Duration::ZERO, GOOD, MIDDLE);
        schedule.hurry(seconds(5.0));
        assert_eq!(schedule.pass_at(), seconds(5.0));
    }
}
