use super::*;
use crate::object::ObjectName;

fn identity(kind: Kind) -> Identity {
    Identity {
        kind,
        name: ObjectName {
            namespace: "mcp-test".to_owned(),
            name: "github".to_owned(),
        },
    }
}

fn verdict(ready: Readiness, reason: Reason) -> Verdict {
    Verdict {
        name: identity(Kind::McpServerRegistration).name,
        kind: "MCPServerRegistration",
        ready,
        reason,
        message: "what to do".to_owned(),
        tools: Some(3),
        prompts: Some(0),
        resources: None,
        conflicts: Vec::new(),
        unsupported: Vec::new(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn written(before: Option<&Value>, verdict: &Verdict, now: Timestamp) -> Option<Value> {
    let identity = identity(Kind::McpServerRegistration);
    let writer = Writer {
        identity: &identity,
        version: Some("mcp.kuadrant.io/v1alpha1"),
        generation: Some(7),
        before,
        now,
    };
    let object = writer.registration(verdict, &Facts::default())?;
    assert_eq!(
        object["apiVersion"], "mcp.kuadrant.io/v1alpha1",
        "as it was read"
    );
    Some(object["status"].clone())
}

fn condition<'a>(status: &'a Value, kind: &str) -> &'a Value {
    let conditions = status["conditions"].as_array().unwrap();
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)
        .unwrap()
}

#[test]
fn what_is_there_already_is_not_written_again() {
    let ready = verdict(Readiness::True, Reason::Ready);
    let first = written(None, &ready, at(100)).unwrap();
    assert_eq!(first["discoveredTools"], 3);
    assert_eq!(first["observedGeneration"], 7);
    assert_eq!(condition(&first, "Ready")["observedGeneration"], 7);
    assert_eq!(written(Some(&first), &ready, at(200)), None);
}

#[test]
fn a_transition_has_its_time_and_a_new_reason_has_not() {
    let first = written(
        None,
        &verdict(Readiness::False, Reason::UpstreamUnreachable),
        at(100),
    );
    let second = written(
        first.as_ref(),
        &verdict(Readiness::False, Reason::UpstreamRefused),
        at(200),
    );
    let third = written(
        second.as_ref(),
        &verdict(Readiness::True, Reason::Ready),
        at(300),
    );
    let times = [first, second, third].map(|status| {
        let status = status.unwrap();
        let time = &condition(&status, "Ready")["lastTransitionTime"];
        let time: Timestamp = time.as_str().unwrap().parse().unwrap();
        time.as_second()
    });
    assert_eq!(times, [100, 100, 300]);
}

#[test]
fn what_its_author_must_change_is_not_accepted_and_what_a_server_lacks_is() {
    for (reason, accepted) in [
        (Reason::TargetNotFound, "False"),
        (Reason::CredentialNotLabelled, "False"),
        (Reason::UpstreamRefused, "True"),
        (Reason::CatalogTooLarge, "True"),
        (Reason::Disabled, "True"),
    ] {
        let status = written(None, &verdict(Readiness::False, reason), at(1)).unwrap();
        assert_eq!(
            condition(&status, "Accepted")["status"],
            accepted,
            "{reason}"
        );
        assert_eq!(
            condition(&status, "Programmed")["status"],
            "False",
            "{reason}"
        );
        assert_eq!(condition(&status, "Ready")["message"], "what to do");
    }
}

#[test]
fn fields_without_effect_are_named() {
    let verdict = Verdict {
        unsupported: vec!["spec.hint".to_owned()],
        ..verdict(Readiness::True, Reason::Ready)
    };
    let status = written(None, &verdict, at(1)).unwrap();
    let message = &condition(&status, "Unsupported")["message"];
    assert!(message.as_str().unwrap().contains("spec.hint"), "{message}");
}

#[test]
fn no_message_is_longer_than_the_apiserver_takes() {
    let verdict = Verdict {
        message: "é".repeat(40_000),
        ..verdict(Readiness::False, Reason::Invalid)
    };
    let status = written(None, &verdict, at(1)).unwrap();
    let message = condition(&status, "Ready")["message"].as_str().unwrap();
    assert!(message.len() <= LONGEST_MESSAGE);
}

#[test]
fn the_older_kind_has_the_members_of_its_own_status_alone() {
    let identity = identity(Kind::McpServer);
    let writer = Writer {
        identity: &identity,
        version: Some("mcp.kagenti.com/v1alpha1"),
        generation: Some(1),
        before: None,
        now: at(1),
    };
    let ready = verdict(Readiness::True, Reason::Ready);
    let object = writer.registration(&ready, &Facts::default()).unwrap();
    assert_eq!(object["apiVersion"], "mcp.kagenti.com/v1alpha1");
    let members: Vec<_> = object["status"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["conditions", "discoveredTools"]);
}

#[test]
fn a_virtual_server_has_what_its_names_come_to_and_is_written_when_that_changes() {
    let identity = identity(Kind::McpVirtualServer);
    let ready = Wish::new("Ready", Readiness::False, Reason::Unsupported, "not yet");
    let written = |before: Option<&Value>, tools: usize, unmatched: usize| {
        let selection = Selection {
            tools: Some(tools),
            unmatched: (0..unmatched).map(|number| number.to_string()).collect(),
        };
        let writer = Writer {
            identity: &identity,
            version: Some("mcp.kuadrant.io/v1alpha1"),
            generation: Some(7),
            before,
            now: at(1),
        };
        let object = writer.virtual_server(&ready, &selection)?;
        Some(object["status"].clone())
    };
    let first = written(None, 1, 2).unwrap();
    assert_eq!(
        (&first["tools"], &first["unmatched"]),
        (&json!(1), &json!(["0", "1"]))
    );
    assert_eq!(first["observedGeneration"], 7);
    assert_eq!(condition(&first, "Ready")["observedGeneration"], 7);
    assert_eq!(written(Some(&first), 1, 2), None);
    assert_eq!(written(Some(&first), 2, 1).unwrap()["tools"], 2);
    let many = written(None, 1, 1000).unwrap();
    assert_eq!(many["unmatched"].as_array().unwrap().len(), MOST_NAMES);
}
