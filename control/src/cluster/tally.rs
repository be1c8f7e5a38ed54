//! How many registrations stand how.

use std::collections::BTreeMap;

use super::objects::{Known, Objects};
use super::standing::{self, Standing};
use crate::manifests::Identity;
use crate::verdict::{Readiness, Reason, Verdict};

/// Status and reason of the condition Ready.
pub(super) type Stand = (String, String);

/// Counts each registration of either kind once, by what its status says or is about to say.
pub(super) fn tally(standings: &[Standing], objects: &Objects) -> BTreeMap<Stand, usize> {
    let stand = |verdict: &Verdict| (verdict.ready.to_string(), verdict.reason.to_string());
    let standings: BTreeMap<Identity, Stand> = standings
        .iter()
        .map(|standing| (standing.identity(), stand(&standing.verdict)))
        .collect();
    let mut counts = BTreeMap::new();
    for (identity, known) in objects.registrations() {
        let stands = match &known.content {
            Err(reason) => stand(&standing::unreadable(&identity, reason)),
            Ok(_) => match standings.get(&identity) {
                Some(stand) => stand.clone(),
                None => as_written(known),
            },
        };
        *counts.entry(stands).or_default() += 1;
    }
    counts
}

/// What another control has said of one that this one has not asked for yet.
fn as_written(known: &Known) -> Stand {
    let conditions = known
        .status
        .as_ref()
        .and_then(|status| status["conditions"].as_array());
    let mut conditions = conditions.into_iter().flatten();
    let ready = conditions.find(|condition| condition["type"] == "Ready");
    let text = |member: &str| ready?[member].as_str().map(str::to_owned);
    match (text("status"), text("reason")) {
        (Some(status), Some(reason)) => (status, reason),
        _ => (Readiness::Unknown.to_string(), Reason::Pending.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use serde_json::json;

    use super::super::model::Model;
    use super::super::model::samples::{
        OBJECTS, found, model, name, objects, read, see_live, server,
    };
    use super::*;

    fn counts(model: &Model, objects: &Objects) -> Vec<(String, usize)> {
        let counts = tally(&model.standings(), objects).into_iter();
        counts
            .map(|((status, reason), count)| (format!("{status} {reason}"), count))
            .collect()
    }

    #[test]
    fn each_registration_counts_once_wherever_it_reaches() {
        let lost = "
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPServerRegistration
metadata: {name: lost, namespace: team}
spec: {targetRef: {name: nowhere}}
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPServerRegistration
metadata: {name: poison, namespace: team}
spec: {targetRef: 7}
";
        let servers = [
            server("github", &["one", "two"]),
            server("gitlab", &["two"]),
        ];
        let objects = objects(&[OBJECTS, &servers.concat(), lost].concat());
        let mut model = model();
        read(&mut model, &objects, None);
        let expected = [
            ("False Invalid".to_owned(), 1),
            ("False TargetNotFound".to_owned(), 1),
            ("Unknown Pending".to_owned(), 2),
        ];
        assert_eq!(counts(&model, &objects), expected);
    }

    #[test]
    fn behind_a_gateway_that_is_not_reached_nothing_is_ready() {
        let objects = objects(&[OBJECTS, &server("github", &["one"])].concat());
        let mut model = model();
        read(&mut model, &objects, None);
        let one = name("infra", "one");
        model.learn(&one, &found("github", "t"), Timestamp::now());
        read(&mut model, &objects, None);
        see_live(&mut model);
        assert_eq!(counts(&model, &objects), [("True Ready".to_owned(), 1)]);
        let gateway = model.gateways.get_mut(&one).unwrap();
        gateway.is_in_trouble(Reason::GatewayUnreachable, "it is down".to_owned());
        let expected = [("Unknown GatewayUnreachable".to_owned(), 1)];
        assert_eq!(counts(&model, &objects), expected);
    }

    #[test]
    fn one_that_another_control_has_served_counts_as_that_one_said() {
        let written =
            json!({"conditions": [{"type": "Ready", "status": "True", "reason": "Ready"}]});
        let server = server("github", &["one"]);
        let told = format!("{server}status: {written}\n");
        let (one, told) = (name("infra", "one"), objects(&[OBJECTS, &told].concat()));
        let mut before = model();
        read(&mut before, &told, None);
        before.learn(&one, &found("github", "t"), Timestamp::now());
        read(&mut before, &told, None);
        let pushed = before.gateways[&one].config().unwrap().clone();
        for (objects, expected) in [
            (told, "True Ready"),
            (objects(&[OBJECTS, &server].concat()), "Unknown Pending"),
        ] {
            let mut after = model();
            read(&mut after, &objects, Some(&pushed));
            assert!(after.standings().is_empty(), "it was not asked for yet");
            assert_eq!(counts(&after, &objects), [(expected.to_owned(), 1)]);
        }
    }
}
