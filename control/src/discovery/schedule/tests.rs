use super::super::tells::Tells;
use super::*;

const GOOD: Passed = Passed::Good { can_listen: true };
const SERVERS: Passed = Passed::Failed {
    is_the_servers: true,
};
const GATEWAYS: Passed = Passed::Failed {
    is_the_servers: false,
};

const CHANGED: Heard = Heard::Changed(Tells {
    tools: true,
    prompts: false,
    resources: false,
});

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
    let mut drops = |passed| schedule.passed(Duration::ZERO, passed, MIDDLE) == LastOffer::Dropped;
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
    let mut drops = |passed| schedule.passed(Duration::ZERO, passed, MIDDLE) == LastOffer::Dropped;
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
    let mut drops = |at, passed| schedule.passed(seconds(at), passed, MIDDLE) == LastOffer::Dropped;
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
    schedule.heard(seconds(10.0), CHANGED, MIDDLE);
    assert_eq!(schedule.pass_at(), seconds(10.1));
    assert_eq!(schedule.listen_from(), Some(seconds(10.0)));
    schedule.heard(seconds(10.05), CHANGED, MIDDLE);
    assert_eq!(schedule.pass_at(), seconds(10.1));
    schedule.passed(seconds(10.2), GOOD, MIDDLE);
    assert_eq!(schedule.pass_at(), seconds(70.2));
}

/// The pauses before passes over a server that tells news `after` it was listed, which takes `pass`.
fn pauses(schedule: &mut Schedule, pass: Duration, after: Duration) -> Vec<f64> {
    let pauses = (0..12).map(|_| {
        let end = schedule.pass_at() + pass;
        schedule.passed(end, GOOD, MIDDLE);
        schedule.heard(end + after, CHANGED, MIDDLE);
        (schedule.pass_at() - end).as_secs_f64()
    });
    pauses.collect()
}

#[test]
fn a_server_that_tells_news_because_it_was_listed_is_listed_after_growing_pauses() {
    for pass in [0.0, 5.0] {
        let pauses = pauses(&mut schedule(), seconds(pass), Duration::ZERO);
        assert_eq!(
            pauses,
            [
                0.1, 0.5, 0.5, 0.5, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0
            ]
        );
    }
    let late = pauses(&mut schedule(), seconds(5.0), seconds(3.0));
    assert_eq!(
        late,
        [
            3.1, 3.1, 3.1, 3.1, 3.1, 3.1, 3.1, 4.0, 8.0, 16.0, 32.0, 60.0
        ]
    );
}

#[test]
fn news_after_quiet_bring_a_pass_soon_whatever_was_before() {
    let mut schedule = schedule();
    pauses(&mut schedule, Duration::ZERO, Duration::ZERO);
    let mut end = schedule.pass_at();
    schedule.passed(end, GOOD, MIDDLE);
    schedule.heard(end + seconds(8.0), CHANGED, MIDDLE);
    assert_eq!(schedule.pass_at(), end + seconds(8.1));
    // An ordinary pass is no news.
    pauses(&mut schedule, Duration::ZERO, Duration::ZERO);
    for _ in 0..2 {
        end = schedule.pass_at();
        schedule.passed(end, GOOD, MIDDLE);
    }
    schedule.heard(end + seconds(1.0), CHANGED, MIDDLE);
    assert_eq!(schedule.pass_at(), end + seconds(1.1));
}

#[test]
fn news_of_no_change_are_told_four_times_at_once_and_then_once_a_minute() {
    let mut schedule = schedule();
    let mut told = |from: u64, to: u64| {
        let moments = (from..to).map(Duration::from_secs);
        moments
            .filter(|now| schedule.may_tell_unfounded(*now))
            .count()
    };
    assert_eq!(told(0, 30), 4);
    assert_eq!(told(30, 60), 0);
    assert_eq!(told(60, 660), 10);
    assert_eq!(told(10_000, 10_030), 4);
}

#[test]
fn a_stream_that_was_away_brings_a_pass_and_counts_as_silent() {
    let mut schedule = schedule();
    schedule.passed(Duration::ZERO, GOOD, MIDDLE);
    schedule.heard(seconds(1.0), Heard::Closed, MIDDLE);
    schedule.heard(seconds(2.0), Heard::Reopened, MIDDLE);
    assert_eq!(schedule.pass_at(), seconds(2.1));
    schedule.heard(seconds(2.0), Heard::Closed, MIDDLE);
    assert_eq!(schedule.listen_from(), Some(seconds(4.0)));
}

#[test]
fn news_never_delay_a_pass() {
    let mut schedule = schedule();
    schedule.passed(Duration::ZERO, GOOD, MIDDLE);
    schedule.heard(seconds(59.9), CHANGED, MIDDLE);
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
