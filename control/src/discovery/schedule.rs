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
    /// From the news that a list has changed to the pass. What comes meanwhile is heard, too, and costs no other.
    pub gather: Duration,
    /// From the end of a pass for that reason to the next for it; after four of them doubled with each, up to `every`,
    /// until no news have come for as long as a pass may take. So what changes a few times is known soon, and a server
    /// that tells ceaselessly costs little more than one that tells nothing.
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

/// Passes in a row, due to news, after which they become rarer.
const QUICK_PASSES: u32 = 4;

/// News of changes that were none, which are told on at once.
const UNFOUNDED_AT_ONCE: u32 = 4;

/// One server's plan. Moments are counted from an arbitrary start.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    timing: Timing,
    pass_at: Duration,
    listen_from: Option<Duration>,
    /// The end of the last pass.
    passed_at: Duration,
    /// Whether the next pass is due to news.
    has_news: bool,
    /// Passes in a row that were due to news, without quiet between them.
    news_passes: u32,
    /// Failures in a row, whoever's.
    failures: u32,
    /// Failures in a row of the server's own; those of the gateway between them count neither way.
    servers_failures: u32,
    /// When the first of these was.
    fails_since: Option<Duration>,
    /// Streams in a row that ended soon and without news.
    silent_streams: u32,
    /// When [`Timing::every`] will have gone by for each news of no change that was told.
    unfounded_until: Duration,
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
            passed_at: now,
            has_news: false,
            news_passes: 0,
            failures: 0,
            servers_failures: 0,
            fails_since: None,
            silent_streams: 0,
            unfounded_until: now,
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
        self.count_news(now);
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

    /// Whether news of a change that is none may be told on now. Each costs a configuration, so four may come at once,
    /// and then one for each [`Timing::every`].
    pub(super) fn may_tell_unfounded(&mut self, now: Duration) -> bool {
        let until = self.unfounded_until.max(now);
        let may = until <= now + self.timing.every * (UNFOUNDED_AT_ONCE - 1);
        if may {
            self.unfounded_until = until + self.timing.every;
        }
        may
    }

    fn count_news(&mut self, now: Duration) {
        if std::mem::take(&mut self.has_news) {
            self.news_passes = self.news_passes.saturating_add(1);
        } else {
            self.forget_news_after_quiet(now);
        }
        self.passed_at = now;
    }

    fn forget_news_after_quiet(&mut self, now: Duration) {
        if now.saturating_sub(self.passed_at) >= self.timing.pass {
            self.news_passes = 0;
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
        if matches!(heard, Heard::Changed(_)) || lived > self.timing.longest_retry {
            self.silent_streams = 0;
        }
        match heard {
            Heard::Changed(_) | Heard::Reopened => self.news(now),
            Heard::Closed | Heard::Refused => {
                self.listen_from = Some(now + self.next_stream(chance))
            }
            Heard::NotOffered => self.listen_from = None,
            Heard::SessionLost => {
                self.listen_from = None;
                self.pass_at = self.pass_at.min(now + self.next_stream(chance));
            }
        }
    }

    fn news(&mut self, now: Duration) {
        if std::mem::replace(&mut self.has_news, true) {
            return;
        }
        self.forget_news_after_quiet(now);
        let gather = self.timing.gather;
        let at = (self.passed_at + self.settle()).max(now + gather);
        self.pass_at = self.pass_at.min(at);
        // What waits on the stream when the pass begins is read by it, so it is heard before. Until then the server can
        // wait with more.
        self.listen_from = Some(self.pass_at.saturating_sub(gather).max(now));
    }

    /// 500 ms four times, 1 s, 2 s, ... after passes that were due to news, and never beyond the ordinary time.
    fn settle(&self) -> Duration {
        if self.news_passes == 0 {
            return Duration::ZERO;
        }
        let doublings = self.news_passes.saturating_sub(QUICK_PASSES);
        let doubled = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        let settle = self.timing.settle.saturating_mul(doubled);
        settle.min(self.timing.every)
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
mod tests;
