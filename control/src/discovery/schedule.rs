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
    /// From the news that a list has changed to the pass, so that a burst of news costs one; also the least time
    /// between two passes for that reason.
    pub settle: Duration,
    /// Failures of the server in a row after which its last offer is dropped.
    pub failures_until_lost: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            pass: Duration::from_secs(8),
            every: Duration::from_secs(60),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(60),
            settle: Duration::from_millis(500),
            failures_until_lost: 3,
        }
    }
}

/// One server's plan. Moments are counted from an arbitrary start.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    timing: Timing,
    pass_at: Duration,
    listen_from: Option<Duration>,
    /// Failures in a row, whoever's.
    failures: u32,
    /// Failures in a row of the server's own; those of the gateway between them count neither way.
    servers_failures: u32,
    /// Streams in a row that ended without news.
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
            failures: 0,
            servers_failures: 0,
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
                self.pass_at = now + self.timing.every;
                let from = self.listen_from.unwrap_or(now);
                self.listen_from = can_listen.then_some(from);
                LastOffer::Stays
            }
            Passed::Failed { is_the_servers } => {
                self.failures = self.failures.saturating_add(1);
                self.servers_failures = self
                    .servers_failures
                    .saturating_add(u32::from(is_the_servers));
                self.pass_at = now + self.backoff(self.failures, chance);
                self.listen_from = None;
                let lost =
                    is_the_servers && self.servers_failures >= self.timing.failures_until_lost;
                if lost {
                    LastOffer::Dropped
                } else {
                    LastOffer::Stays
                }
            }
        }
    }

    /// Something came, or ended, on the server's stream.
    pub(super) fn heard(&mut self, now: Duration, heard: Heard, chance: f64) {
        match heard {
            Heard::Changed => {
                self.silent_streams = 0;
                self.pass_at = self.pass_at.min(now + self.timing.settle);
                // Until the pass nothing more needs to be heard.
                self.listen_from = Some(self.pass_at);
            }
            Heard::Closed => {
                self.silent_streams = self.silent_streams.saturating_add(1);
                self.listen_from = Some(now + self.backoff(self.silent_streams, chance));
            }
            Heard::NotOffered => self.listen_from = None,
            Heard::SessionLost => {
                self.silent_streams = self.silent_streams.saturating_add(1);
                self.listen_from = None;
                self.pass_at = self
                    .pass_at
                    .min(now + self.backoff(self.silent_streams, chance));
            }
        }
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
