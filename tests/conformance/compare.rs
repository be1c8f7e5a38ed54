//! What was found directly and through the gateway, check by check.

use std::collections::{BTreeMap, BTreeSet};

use crate::suite::{Check, Status};

/// Where a scenario does worse through the gateway than directly: `way` says through what.
pub(crate) fn losses(direct: &[Check], through: &[Check], way: &str) -> Vec<String> {
    let direct = by_id(direct);
    let mut losses = Vec::new();
    for (id, found) in by_id(through) {
        let before = direct.get(id).map_or(&[][..], Vec::as_slice);
        for (place, check) in found.iter().enumerate() {
            let before = before.get(place).map(|check| check.status);
            if is_loss(before, check.status) {
                let before =
                    before.map_or("not looked at".to_owned(), |before| format!("{before:?}"));
                let Check { status, reason, .. } = check;
                losses.push(format!(
                    "{id}: {before} directly, {status:?} through {way}: {reason}"
                ));
            }
        }
    }
    losses.extend(missing(&direct, &by_id(through), way));
    losses
}

/// A success may not fail or be doubted. It may become what the suite does not judge, such as the form of lists: they are
/// no event streams here, which MCP leaves to the server. Beyond that nothing fails that did not.
fn is_loss(before: Option<Status>, now: Status) -> bool {
    match before {
        Some(Status::Success) => !matches!(now, Status::Success | Status::Info),
        Some(Status::Failure) => false,
        _ => now == Status::Failure,
    }
}

/// Successes of before that were not looked at.
fn missing(direct: &ById<'_>, through: &ById<'_>, way: &str) -> Vec<String> {
    let missing = direct.iter().filter(|(id, before)| {
        let found = through.get(*id).map_or(0, Vec::len);
        let lost = before.iter().skip(found);
        lost.filter(|check| check.status == Status::Success).count() > 0
    });
    missing
        .map(|(id, _)| format!("{id}: Success directly, not looked at through {way}"))
        .collect()
}

/// Where two ways through the gateway differ. What the suite only tells, such as the messages that it saw, may.
pub(crate) fn differences(
    (one, one_way): (&[Check], &str),
    (other, other_way): (&[Check], &str),
) -> Vec<String> {
    let (one, other) = (by_id(one), by_id(other));
    let ids: BTreeSet<&str> = one.keys().chain(other.keys()).copied().collect();
    let mut differences = Vec::new();
    for id in ids {
        let (left, right) = (statuses(&one, id), statuses(&other, id));
        if left != right {
            differences.push(format!(
                "{id}: {left:?} through {one_way}, {right:?} through {other_way}"
            ));
        }
    }
    differences
}

/// The checks of one id, in their order.
type ById<'a> = BTreeMap<&'a str, Vec<&'a Check>>;

fn by_id(checks: &[Check]) -> ById<'_> {
    let mut by_id = ById::new();
    for check in checks {
        by_id.entry(&check.id).or_default().push(check);
    }
    by_id
}

fn statuses(checks: &ById<'_>, id: &str) -> Vec<Status> {
    let checks = checks.get(id).into_iter().flatten();
    let statuses = checks.map(|check| check.status);
    statuses.filter(|status| *status != Status::Info).collect()
}
