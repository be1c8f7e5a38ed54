//! What the schemas refuse, in which words, and what they take.

mod cases;
mod complete;
mod schema;

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use harness::kubernetes::{Kubernetes, Trial};
use serde_json::{Value, json};

use cases::{cases, left_over};
use complete::complete;
use schema::{Rule, rules};

use crate::cluster::{cluster, namespace, object};

/// Writes at a time.
const AT_ONCE: usize = 16;

tests! {
    async fn every_rule_of_the_schemas_refuses_what_breaks_it_and_takes_what_just_keeps_it() {
        let cluster = cluster().await;
        let rules = rules();
        assert_eq!(left_over(&rules), Vec::<&str>::new(), "of these cases the schemas have no rule");
        let namespace = namespace(cluster).await;
        let tried = futures::stream::iter(rules.iter().enumerate())
            .map(|(number, rule)| tried(cluster, &namespace, (number, rule)));
        let faults: Vec<_> = tried.buffer_unordered(AT_ONCE).collect().await;
        let faults = faults.concat();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    }

    async fn all_versions_of_a_kind_have_the_same_rules() {
        let mut kinds: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for Rule { version, kind, place, check } in rules() {
            let versions = kinds.entry(kind).or_default();
            versions.entry(version).or_default().insert(format!("{} {check:?}", place.field));
        }
        assert_eq!(kinds.len(), 4);
        for (kind, versions) in kinds {
            let mut versions = versions.into_values();
            let first = versions.next().unwrap();
            assert!(versions.all(|other| other == first), "{kind}");
        }
    }

    async fn a_registration_is_refused_for_each_rule_that_it_breaks() {
        let long = |length: usize| "x".repeat(length);
        refused("MCPServerRegistration", registration, vec![
            (json!({"targetRef": null}), "spec.targetRef: Required value"),
            (json!({"targetRef": {"name": ""}}), "spec.targetRef.name"),
            (json!({"targetRef": {"kind": "HTTPRoute"}}), "spec.targetRef.name: Required value"),
            (json!({"prefix": "Github_"}), "spec.prefix"),
            (json!({"prefix": "_x"}), "spec.prefix"),
            (json!({"prefix": "a-b"}), "spec.prefix"),
            (json!({"prefix": ""}), "spec.prefix"),
            (json!({"path": "mcp"}), "spec.path"),
            (json!({"credentialRef": {"key": "token"}}), "spec.credentialRef.name: Required value"),
            (json!({"caCertSecretRef": {"name": ""}}), "spec.caCertSecretRef.name"),
            (json!({"state": "Off"}), "spec.state: Unsupported value"),
            (json!({"userSpecificList": "Enabled", "prefix": null}), "userSpecificList needs a prefix"),
            (json!({"tokenURLElicitation": {"url": "ftp://x"}}), "spec.tokenURLElicitation.url"),
            (json!({"category": ["a", "b", "c", "d"]}), "spec.category: Too many"),
            (json!({"category": [""]}), "spec.category[0]"),
            (json!({"category": [long(129)]}), "spec.category[0]"),
            (json!({"hint": long(257)}), "spec.hint"),
            (json!({"tags": vec!["x"; 11]}), "spec.tags: Too many"),
            (json!({"tags": [long(129)]}), "spec.tags[0]"),
            (json!({"timeouts": {"firstByte": "soon"}}), "spec.timeouts.firstByte"),
            (json!({"timeouts": {"idle": "5"}}), "spec.timeouts.idle"),
            (json!({"prefxi": "github_"}), ".spec.prefxi: field not declared in schema"),
        ]).await;
    }

    async fn a_registration_is_taken_at_the_edge_of_each_rule() {
        let long = |length: usize| "x".repeat(length);
        accepted("MCPServerRegistration", registration, vec![
            json!({}),
            json!({"prefix": null}),
            json!({"prefix": "0_"}),
            json!({"userSpecificList": "Enabled"}),
            json!({"userSpecificList": "Disabled", "prefix": null}),
            json!({"tokenURLElicitation": {"url": "https://example.com/token"}}),
            json!({"category": ["a", "b", long(128)], "hint": long(256), "tags": vec![long(128); 10]}),
            json!({"timeouts": {"firstByte": "30s", "idle": "1m30s"}}),
            json!({"caCertSecretRef": {"name": "ca"}, "state": "Disabled", "path": "/"}),
        ]).await;
    }

    async fn a_null_is_no_value() {
        let cluster = cluster().await;
        let namespace = namespace(cluster).await;
        let spec = json!({"targetRef": {"name": "route"}, "prefix": null});
        let outcome = cluster.submit(object("MCPServerRegistration", &namespace, "null", spec)).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("spec.prefix in body must be of type string"), "{error}");
    }

    async fn a_prefix_that_is_set_never_changes() {
        let cluster = cluster().await;
        let namespace = namespace(cluster).await;
        let with = |prefix: Value| {
            let spec = registration(&json!({"prefix": prefix}));
            object("MCPServerRegistration", &namespace, "r", spec)
        };
        cluster.submit(with(Value::Null)).await.unwrap();
        cluster.submit(with(json!("a_"))).await.expect("it may be set later");
        cluster.submit(with(json!("a_"))).await.expect("the same again");
        for other in [json!("b_"), Value::Null] {
            let error = cluster.submit(with(other)).await.unwrap_err().to_string();
            assert!(error.contains("prefix cannot change once it is set: make a new registration"), "{error}");
        }
    }

    async fn a_tool_prefix_that_is_set_never_changes() {
        let cluster = cluster().await;
        let namespace = namespace(cluster).await;
        let with = |prefix: Value| json!({
            "apiVersion": "mcp.kagenti.com/v1alpha1",
            "kind": "MCPServer",
            "metadata": {"name": "s", "namespace": namespace},
            "spec": merged(json!({"targetRef": {"name": "route"}}), &json!({"toolPrefix": prefix})),
        });
        cluster.submit(with(json!("a_"))).await.unwrap();
        for other in [json!("b_"), Value::Null] {
            let error = cluster.submit(with(other)).await.unwrap_err().to_string();
            assert!(error.contains("toolPrefix cannot change once it is set: make a new MCPServer"), "{error}");
        }
    }

    async fn an_extension_is_refused_for_each_rule_that_it_breaks() {
        refused("MCPGatewayExtension", extension, vec![
            (json!({"targetRef": {"name": "g"}}), "spec.targetRef.sectionName: Required value"),
            (json!({"targetRef": {"sectionName": "mcp"}}), "spec.targetRef.name: Required value"),
            (json!({"targetRef": {"name": "g", "sectionName": ""}}), "spec.targetRef.sectionName"),
            (json!({"backendPingIntervalSeconds": 9}), "spec.backendPingIntervalSeconds"),
            (json!({"backendPingIntervalSeconds": 7201}), "spec.backendPingIntervalSeconds"),
            (json!({"httpRouteManagement": "Perhaps"}), "spec.httpRouteManagement: Unsupported value"),
            (json!({"urlElicitation": "Perhaps"}), "spec.urlElicitation: Unsupported value"),
            (json!({"sessionStore": {}}), "spec.sessionStore.secretName: Required value"),
            (json!({"maxBodyBytes": 0}), "spec.maxBodyBytes"),
        ]).await;
        accepted("MCPGatewayExtension", extension, vec![
            json!({}),
            json!({"publicHost": "mcp.example.com", "privateHost": "10.0.0.1:8080", "backendPingIntervalSeconds": 10}),
            json!({"oauthProtectedResource": {"authorizationServers": ["https://issuer"], "resource": "https://mcp"}}),
            json!({"trustedHeadersKey": {"generate": "Enabled"}, "caCertBundleRef": {"name": "ca"}}),
        ]).await;
    }

    async fn a_virtual_server_needs_a_tool() {
        let spec = |change: &Value| merged(json!({"tools": ["a"]}), change);
        refused("MCPVirtualServer", spec, vec![
            (json!({"tools": []}), "spec.tools"),
            (json!({"tools": null}), "spec.tools: Required value"),
        ]).await;
        accepted("MCPVirtualServer", spec, vec![json!({}), json!({"prompts": [], "description": "d"})]).await;
    }
}

/// What goes wrong with the cases of a rule.
async fn tried(
    cluster: &Kubernetes,
    namespace: &str,
    (number, rule): (usize, &Rule),
) -> Vec<String> {
    let complete = complete(&rule.version, &rule.kind, namespace);
    let is_of_status = rule.place.pointer.starts_with("/status");
    let mut faults = Vec::new();
    for (case, mut written) in cases(rule, &complete).into_iter().enumerate() {
        let name = format!("rule-{number}-{case}");
        written.object["metadata"]["name"] = name.as_str().into();
        if is_of_status {
            written.stored = Some(complete.clone());
        }
        let trial = match &written.stored {
            None => Trial::Create,
            Some(_) if is_of_status => Trial::Status,
            Some(_) => Trial::Replace,
        };
        if let Some(mut stored) = written.stored.take() {
            stored["metadata"]["name"] = name.as_str().into();
            cluster.submit(stored).await.unwrap();
        }
        let outcome = cluster.tried(&written.object, trial).await;
        let value = written.object.pointer(&rule.place.pointer).unwrap();
        let fault = fault(&written.words, outcome);
        faults.extend(fault.map(|fault| format!("{rule}: {value} {fault}")));
    }
    faults
}

/// What is wrong where the apiserver should say these words, or nothing.
fn fault(words: &[String], outcome: Result<(), kube::Error>) -> Option<String> {
    match outcome {
        Ok(()) if words.is_empty() => None,
        Ok(()) => Some("was taken".to_owned()),
        Err(error) if words.is_empty() => Some(format!("was refused: {error}")),
        Err(error) => {
            let error = error.to_string();
            let missing = words.iter().find(|words| !error.contains(*words))?;
            Some(format!("was refused without {missing:?}: {error}"))
        }
    }
}

fn registration(change: &Value) -> Value {
    merged(
        json!({"targetRef": {"name": "route"}, "prefix": "a_"}),
        change,
    )
}

fn extension(change: &Value) -> Value {
    merged(
        json!({"targetRef": {"name": "gateway", "sectionName": "mcp"}}),
        change,
    )
}

/// `spec` with these members instead of its own; null takes one away.
fn merged(mut spec: Value, change: &Value) -> Value {
    let members = spec.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    spec
}

async fn refused(kind: &str, spec: impl Fn(&Value) -> Value, cases: Vec<(Value, &str)>) {
    let cluster = cluster().await;
    let namespace = namespace(cluster).await;
    for (change, expected) in cases {
        let outcome = cluster
            .submit(object(kind, &namespace, "refused", spec(&change)))
            .await;
        let error = outcome
            .expect_err(&format!("{change} was taken"))
            .to_string();
        assert!(error.contains(expected), "{change}: {error}");
    }
}

async fn accepted(kind: &str, spec: impl Fn(&Value) -> Value, cases: Vec<Value>) {
    let cluster = cluster().await;
    let namespace = namespace(cluster).await;
    for (number, change) in cases.iter().enumerate() {
        let object = object(
            kind,
            &namespace,
            &format!("accepted-{number}"),
            spec(change),
        );
        let outcome = cluster.submit(object).await;
        outcome.unwrap_or_else(|error| panic!("{change}: {error}"));
    }
}
