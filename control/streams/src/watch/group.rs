//! The one task of a group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;
use http::StatusCode;

use super::{Key, Member, Watch};
use crate::gateway::Checked;

/// How many members are asked for at a time.
const AT_ONCE: usize = 16;
/// The longest pause while the gateway is silent.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a round of questions has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Round {
    answered: bool,
    changed: bool,
    /// Of some client it is said that it may no longer have its stream; it is asked for again.
    doubted: bool,
    silence: Silence,
}

/// How often the gateway did not answer in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Silence {
    #[default]
    Never,
    Sometimes,
    /// So often that the others were not asked for.
    TooOften,
}

/// Asks on behalf of the group's members until there are none.
pub(super) async fn watch(watch: Watch, key: Key) {
    let settings = &watch.0.settings;
    let mut pause = settings.poll;
    // Whether some have yet to be asked for since one has seen a change.
    let mut is_owed = false;
    loop {
        tokio::time::sleep(pause).await;
        let Some(members) = next(&watch, &key) else {
            return;
        };
        let round = ask((&watch, &key), members).await;
        if round.changed || (is_owed && round.answered) {
            let silence = ask((&watch, &key), all(&watch, &key)).await.silence;
            is_owed = silence == Silence::TooOften;
        }
        pause = match round {
            // Whose turn it was may have nothing more: the group still waits to be asked for.
            Round {
                answered: false,
                silence: Silence::Never,
                doubted: false,
                ..
            } => Duration::ZERO,
            Round {
                answered: false,
                silence: Silence::Sometimes | Silence::TooOften,
                ..
            } => (pause.max(settings.poll) * 2).min(LONGEST_PAUSE),
            Round { .. } => settings.poll,
        };
    }
}

/// Whose turn it is; `None`, and the group is gone, when nobody is left.
pub(super) fn next(watch: &Watch, key: &Key) -> Option<Vec<Arc<Member>>> {
    let settings = &watch.0.settings;
    watch.with_groups(|groups| {
        let group = groups.get_mut(key)?;
        if group.is_empty() {
            groups.remove(key);
            return None;
        }
        let mut turn = group.due(Instant::now());
        turn.extend(group.next(settings.poll, settings.recheck));
        turn.sort_unstable_by_key(|member| member.number);
        turn.dedup_by_key(|member| member.number);
        Some(turn)
    })
}

fn all(watch: &Watch, key: &Key) -> Vec<Arc<Member>> {
    watch.with_groups(|groups| groups.get(key).map(|group| group.all()).unwrap_or_default())
}

async fn ask((watch, key): (&Watch, &Key), members: Vec<Arc<Member>>) -> Round {
    let questions = stream::iter(members).map(|member| ask_for((watch, key), member));
    let mut answers = questions.buffer_unordered(AT_ONCE);
    let mut sum = Round::default();
    let mut in_a_row = 0;
    while let Some(one) = answers.next().await {
        sum = Round {
            answered: sum.answered || one.answered,
            changed: sum.changed || one.changed,
            doubted: sum.doubted || one.doubted,
            silence: sum.silence.max(one.silence),
        };
        in_a_row = match one.silence {
            Silence::Never => 0,
            _ => in_a_row + 1,
        };
        // Each may have cost all of the gateway's time: with many more, nobody would be asked for in its turn.
        if in_a_row == AT_ONCE {
            sum.silence = Silence::TooOften;
            break;
        }
    }
    sum
}

async fn ask_for((watch, key): (&Watch, &Key), member: Arc<Member>) -> Round {
    match watch.0.gateway.check(&member.caller).await {
        Ok(Checked::Good(catalog)) => Round {
            answered: true,
            changed: member.tell(catalog),
            ..Round::default()
        },
        Ok(Checked::Ended(reply)) => refuse((watch, key), &member, reply.status()),
        Ok(Checked::Strange) => {
            tracing::warn!("who answers is not the gateway of this program");
            // The status of an answer that is none.
            refuse((watch, key), &member, StatusCode::OK)
        }
        Err(error) => {
            tracing::warn!(%error, "it is not known whether the catalog has changed");
            Round {
                silence: Silence::Sometimes,
                ..Round::default()
            }
        }
    }
}

/// The gateway says that a stream's client may no longer have it.
fn refuse((watch, key): (&Watch, &Key), member: &Member, status: StatusCode) -> Round {
    let least = watch.0.settings.second_look;
    if !member.holds(status, least) {
        tracing::debug!(%status, "it is doubted whether a stream's client may still have it");
        watch.ask_again(key, member, Instant::now() + least);
        return Round {
            doubted: true,
            ..Round::default()
        };
    }
    tracing::debug!(%status, "a stream's client may no longer have it");
    member.end();
    // Its stream may be there for longer, while its client reads nothing.
    watch.leave(key, member);
    Round::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use crate::catalog::Catalog;
    use crate::gateway::Gateway;
    use crate::settings::Settings;
    use http::header::HeaderValue;
    use http::uri::PathAndQuery;

    #[tokio::test]
    async fn while_the_gateway_is_silent_not_all_are_asked_for() {
        // Nobody is there.
        let settings = Settings::new("http://127.0.0.1:9".parse().unwrap());
        let watch = Watch::new(Gateway::new(&settings), &settings);
        let value = HeaderValue::from_static;
        let places: Vec<_> = (0..3 * AT_ONCE)
            .map(|_| {
                let path = PathAndQuery::from_static("/");
                let caller = Caller::new(value("a"), path, value("t"), &http::HeaderMap::new());
                watch.join(caller, Catalog::default())
            })
            .collect();
        let members: Vec<_> = places.iter().map(|place| place.member().clone()).collect();
        let key = Key::of(&members.first().unwrap().caller);
        let few = ask((&watch, &key), members.iter().take(2).cloned().collect()).await;
        assert_eq!((few.answered, few.silence), (false, Silence::Sometimes));
        let many = ask((&watch, &key), members).await;
        assert_eq!((many.answered, many.silence), (false, Silence::TooOften));
    }
}
