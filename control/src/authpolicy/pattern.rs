//! Conditions of `rules.authorization`.

use std::collections::BTreeMap;

use mcp_filter_config::Condition;

use super::spec::{Authorization, Pattern};
use crate::cel;

/// What must hold for all rules.
pub(super) fn conditions(
    rules: &BTreeMap<String, Authorization>,
) -> Result<Vec<Condition>, String> {
    let mut conditions = Vec::new();
    for (rule, authorization) in rules {
        let at = format!("spec.rules.authorization.{rule}.patternMatching.patterns");
        conditions.extend(patterns(&at, &authorization.pattern_matching.patterns)?);
    }
    Ok(conditions)
}

/// The same for a policy that is asked before it is known what is called.
pub(super) fn conditions_without_call(
    rules: &BTreeMap<String, Authorization>,
) -> Result<Vec<Condition>, String> {
    for (rule, authorization) in rules {
        let at = format!("spec.rules.authorization.{rule}.patternMatching.patterns");
        let conditions = patterns(&at, &authorization.pattern_matching.patterns)?;
        if let Some(index) = conditions.iter().position(Condition::reads_call) {
            return Err(format!(
                "{at}[{index}]: a policy of a Gateway is asked before it is known what is called: give this pattern to \
                 a policy of the servers' HTTPRoute"
            ));
        }
    }
    conditions(rules)
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
