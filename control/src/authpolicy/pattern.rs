//! Conditions of `rules.authorization`.

use std::collections::BTreeMap;

use mcp_filter_config::Condition;

use super::spec::{Authorization, Pattern};
use crate::cel;

/// What must hold for all rules.
pub(super) fn conditions(
    rules: &BTreeMap<String, Authorization>,
) -> Result<Vec<Condition>, String> {
    gather(rules, |_, _| Ok(()))
}

/// The same for a policy that is asked before it is known what is called.
pub(super) fn conditions_without_call(
    rules: &BTreeMap<String, Authorization>,
) -> Result<Vec<Condition>, String> {
    gather(rules, |at, condition| {
        if !condition.reads_call() {
            return Ok(());
        }
        Err(format!(
            "{at}: a policy of a Gateway is asked before it is known what is called: give this pattern to a policy of \
             the servers' HTTPRoute"
        ))
    })
}

/// Those of all rules, each of which is shown to `check` with its place.
fn gather(
    rules: &BTreeMap<String, Authorization>,
    check: impl Fn(&str, &Condition) -> Result<(), String>,
) -> Result<Vec<Condition>, String> {
    let mut gathered = Vec::new();
    for (rule, authorization) in rules {
        let at = format!("spec.rules.authorization.{rule}.patternMatching.patterns");
        let conditions = patterns(&at, &authorization.pattern_matching.patterns)?;
        for (index, condition) in conditions.iter().enumerate() {
            check(&format!("{at}[{index}]"), condition)?;
        }
        gathered.extend(conditions);
    }
    Ok(gathered)
}

fn patterns(at: &str, patterns: &[Pattern]) -> Result<Vec<Condition>, String> {
    let each = patterns.iter().enumerate();
    each.map(|(index, pattern)| one_pattern(&format!("{at}[{index}]"), pattern))
        .collect()
}

fn one_pattern(at: &str, pattern: &Pattern) -> Result<Condition, String> {
    match (&pattern.predicate, &pattern.all, &pattern.any) {
        (Some(text), None, None) => {
            cel::predicate(text).map_err(|error| format!("{at}.predicate, {error}"))
        }
        (None, Some(inner), None) => Ok(Condition::All(patterns(&format!("{at}.all"), inner)?)),
        (None, None, Some(inner)) => Ok(Condition::Any(patterns(&format!("{at}.any"), inner)?)),
        _ => Err(format!("{at}: one of predicate, all and any must be given")),
    }
}
