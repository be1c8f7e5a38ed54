//! Each reason that a person can act on, in the words that say how; and no registration has another's.

use std::sync::Arc;

use harness::manifests::Server;
use harness::port::Port;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::{Value, json};

use crate::events::until_event;
use crate::world::{
    World, assert_says, condition, object, registration, route, until_tools, until_tools_under,
};

/// What is wrong in the objects of a server.
struct Mistake {
    /// The server's name.
    name: &'static str,
    /// Of which of its objects.
    kind: &'static str,
    /// What is edited there.
    edit: Value,
    reason: &'static str,
    /// What the message says is wrong: an object by its name, or the registration's own field.
    at: &'static str,
    /// What it says is to be done.
    remedy: &'static str,
}

tests! {
    async fn a_mistake_in_the_objects_is_told_with_its_reason_harms_no_other_and_can_be_undone() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("sane", upstream.address())).await;
        world.until_ready("sane", "True", "Ready").await;
        for (name, certificates) in [("no-certificate", "none"), ("cut-certificate", CUT)] {
            let mut secret = object("v1", "Secret", name);
            secret["metadata"]["labels"] = json!({"mcp.kuadrant.io/secret": "true"});
            secret["stringData"] = json!({"ca.crt": certificates});
            world.kubernetes.submit(secret).await.unwrap();
        }
        let mut repairs = Vec::new();
        for Mistake { name, kind, edit, .. } in mistakes() {
            world.apply(&Server::new(name, upstream.address()).credential("Bearer x")).await;
            let part = part(kind, name);
            repairs.push(undoing(&edit, &world.kubernetes.read(&part).await));
            world.kubernetes.edit(&part, edit).await;
        }
        for Mistake { name, reason, at, remedy, .. } in mistakes() {
            let told = world.until_ready(name, "False", reason).await;
            assert_says(&told, &[at, remedy]);
            let accepted = condition(&told, "Accepted").unwrap();
            let is_accepted = if reason == "Disabled" { ("True", "Accepted") } else { ("False", reason) };
            assert_eq!((&accepted["status"], &accepted["reason"]), (&is_accepted.0.into(), &is_accepted.1.into()), "{name}");
            let programmed = condition(&told, "Programmed").unwrap();
            assert_eq!((&programmed["status"], &programmed["reason"]), (&"False".into(), &reason.into()), "{name}");
        }
        world.until_ready("sane", "True", "Ready").await;
        until_tools(world.gateway(), &["sane_greet"]).await;
        let two_rules = ("MCPServerRegistration", "two-rules");
        assert_eq!(until_event(&world, two_rules, "TargetUnsupported").await, "Warning");
        for (Mistake { name, kind, .. }, repair) in mistakes().into_iter().zip(repairs) {
            world.kubernetes.edit(&part(kind, name), repair).await;
        }
        for Mistake { name, .. } in mistakes() {
            world.until_ready(name, "True", "Ready").await;
            let prefix = format!("{}_", name.replace('-', "_"));
            until_tools_under(world.gateway(), &prefix, &[&format!("{prefix}greet")]).await;
        }
    }

    async fn a_mistake_of_a_server_is_told_with_its_reason_harms_no_other_and_can_be_mended() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let sane = Upstream::start(one_tool()).await;
        let locked = Upstream::start(Script { authorization: Some("Bearer x".to_owned()), ..one_tool() }).await;
        let old = Upstream::start(Script { protocol_version: "1999-01-01", ..one_tool() }).await;
        let nobody = Port::hold();
        world.apply(&Server::new("sane", sane.address())).await;
        for (name, address, reason, says) in [
            ("locked", locked.address(), "UpstreamRefused", ["the server answers 401", "in credentialRef"]),
            ("old", old.address(), "ProtocolError", ["\"1999-01-01\"", "supported are 2025-03-26"]),
            ("nobody", nobody.address(), "UpstreamUnreachable", ["no connection to the server", "check that the server runs"]),
        ] {
            world.apply(&Server::new(name, address)).await;
            let told = world.until_ready(name, "False", reason).await;
            assert_says(&told, &says);
            assert_eq!(condition(&told, "Accepted").unwrap()["status"], "True", "{name}: no object is at fault");
        }
        world.until_ready("sane", "True", "Ready").await;
        until_tools(world.gateway(), &["sane_greet"]).await;
        world.apply(&Server::new("locked", locked.address()).credential("Bearer x")).await;
        let port = old.port();
        drop(old);
        let _newer = Upstream::start_at(port, one_tool()).await;
        let _somebody = Upstream::start_at(Arc::new(nobody), one_tool()).await;
        for name in ["locked", "old", "nobody"] {
            world.until_ready(name, "True", "Ready").await;
        }
        until_tools(world.gateway(), &["locked_greet", "nobody_greet", "old_greet", "sane_greet"]).await;
    }

    async fn names_that_another_has_are_told_and_the_rest_is_served() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let upstream = Upstream::start(one_tool()).await;
        let more = ["greet", "part"].map(|name| Tool::new(name, Answer::Echo));
        let younger = Upstream::start(Script::with_tools(more.to_vec())).await;
        world.apply(&Server::new("first", upstream.address()).prefix("")).await;
        world.until_ready("first", "True", "Ready").await;
        world.apply(&Server::new("second", younger.address()).prefix("")).await;
        let conflict = world.until_ready("second", "True", "NameConflict").await;
        assert!(conflict["status"]["conflicts"].to_string().contains("greet"), "{conflict}");
        until_tools(world.gateway(), &["greet", "part"]).await;
        world.kubernetes.delete(&registration("first")).await;
        let alone = world.until_ready("second", "True", "Ready").await;
        assert_eq!(alone["status"]["discoveredTools"], 2);
    }

    async fn a_field_without_effect_is_named() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("echo", upstream.address())).await;
        world.until_ready("echo", "True", "Ready").await;
        let edit = json!({"spec": {"tokenURLElicitation": {"url": "https://example.com/token"}}});
        world.kubernetes.edit(&registration("echo"), edit).await;
        world.until_ready("echo", "True", "Ready").await;
        let told = |echo: &Value| {
            let unsupported = condition(echo, "Unsupported")?;
            let is_told = unsupported["status"] == "True" && unsupported["reason"] == "Unsupported";
            (is_told && unsupported["message"].as_str()?.contains("spec.tokenURLElicitation")).then_some(())
        };
        world.kubernetes.until_object("the field is named", &registration("echo"), told).await;
    }

    async fn what_does_not_fit_into_an_object_stays_out_until_there_is_room_and_the_rest_is_served() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let sane = Upstream::start(one_tool()).await;
        world.apply(&Server::new("sane", sane.address())).await;
        world.until_ready("sane", "True", "Ready").await;
        let upstream = Upstream::start(Script::with_tools((0..3).map(large).collect())).await;
        world.apply(&Server::new("older", upstream.address())).await;
        world.until_ready("older", "True", "Ready").await;
        world.apply(&Server::new("younger", upstream.address())).await;
        let told = world.until_ready("younger", "False", "CatalogTooLarge").await;
        assert_says(&told, &["one object holds 1400 kB", "attach its route to another gateway"]);
        for name in ["sane", "older"] {
            world.until_ready(name, "True", "Ready").await;
        }
        let listed = ["older_large-0", "older_large-1", "older_large-2", "sane_greet"];
        until_tools(world.gateway(), &listed).await;
        world.kubernetes.delete(&registration("older")).await;
        world.until_ready("younger", "True", "Ready").await;
        let listed = ["sane_greet", "younger_large-0", "younger_large-1", "younger_large-2"];
        until_tools(world.gateway(), &listed).await;
    }
}

fn one_tool() -> Script {
    Script::with_tools(vec![Tool::new("greet", Answer::Echo)])
}

/// A tool of which three fill most of an object, and six do not fit into one.
fn large(number: u64) -> Tool {
    Tool::of_size(&format!("large-{number}"), (number, 300_000))
}

/// The edit after which what `edit` changes is again as it is in `object`.
fn undoing(edit: &Value, object: &Value) -> Value {
    match edit {
        Value::Object(members) if object.is_object() => {
            let members = members.iter();
            members
                .map(|(name, edit)| (name.clone(), undoing(edit, &object[name])))
                .collect()
        }
        _ => object.clone(),
    }
}

/// The beginning and the end of a certificate.
const CUT: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn mistakes() -> Vec<Mistake> {
    let mut mistakes = in_registrations();
    mistakes.extend(in_certificates());
    mistakes.extend(in_routes());
    mistakes.extend(in_secrets());
    mistakes
}

fn in_registrations() -> Vec<Mistake> {
    let of = |name, spec: Value, reason, at, remedy| Mistake {
        name,
        kind: "MCPServerRegistration",
        edit: json!({"spec": spec}),
        reason,
        at,
        remedy,
    };
    vec![
        of(
            "disabled",
            json!({"state": "Disabled"}),
            "Disabled",
            "spec.state is Disabled",
            "set it to Enabled",
        ),
        of(
            "nowhere",
            json!({"targetRef": {"name": "none"}}),
            "TargetNotFound",
            "HTTPRoute mcp-test/none does not exist",
            "create it, or correct spec.targetRef",
        ),
        of(
            "no-secret",
            json!({"credentialRef": {"name": "none"}}),
            "CredentialNotFound",
            "no Secret mcp-test/none with the label mcp.kuadrant.io/secret: \"true\"",
            "create it, or add the label, or take out credentialRef",
        ),
        of(
            "no-key",
            json!({"credentialRef": {"key": "none"}}),
            "CredentialKeyMissing",
            "Secret mcp-test/no-key-token has no key none",
            "name one that it has (token) in spec.credentialRef.key, or add it",
        ),
        of(
            "bad-time",
            json!({"timeouts": {"firstByte": "0s"}}),
            "Invalid",
            "spec.timeouts.firstByte \"0s\"",
            "must be a duration of at most a day, such as 300s",
        ),
    ]
}

fn in_certificates() -> Vec<Mistake> {
    let of = |name, secret: &str, at, remedy| Mistake {
        name,
        kind: "MCPServerRegistration",
        edit: json!({"spec": {"caCertSecretRef": {"name": secret}}}),
        reason: "CertificateInvalid",
        at,
        remedy,
    };
    vec![
        of(
            "no-ca",
            "no-certificate",
            "Secret mcp-test/no-certificate, key ca.crt: no PEM certificates",
            "put the certificate of the authority there",
        ),
        of(
            "cut-ca",
            "cut-certificate",
            "Secret mcp-test/cut-certificate, key ca.crt: certificate number 1 of 1 is damaged",
            "copy it again",
        ),
        of(
            "ca-without-key",
            "ca-without-key-token",
            "Secret mcp-test/ca-without-key-token has no key ca.crt",
            "name one that it has (token) in spec.caCertSecretRef.key, or add it",
        ),
        of(
            "ca-nowhere",
            "none",
            "no Secret mcp-test/none with the label mcp.kuadrant.io/secret: \"true\"",
            "create it, or add the label, or take out caCertSecretRef",
        ),
    ]
}

fn in_routes() -> Vec<Mistake> {
    let of = |name, spec: Value, reason, at, remedy| Mistake {
        name,
        kind: "HTTPRoute",
        edit: json!({"spec": spec}),
        reason,
        at,
        remedy,
    };
    let elsewhere =
        json!([{"name": "mcp-gateway", "namespace": "gateway-system", "sectionName": "none"}]);
    vec![
        of(
            "two-rules",
            json!({"rules": [{}, {}]}),
            "TargetUnsupported",
            "HTTPRoute mcp-test/two-rules: it has 2 rules",
            "write one",
        ),
        of(
            "no-host",
            json!({"hostnames": null}),
            "TargetUnsupported",
            "HTTPRoute mcp-test/no-host: it has no hostnames",
            "give it one, such as name.mcp.local",
        ),
        of(
            "unattached",
            json!({"parentRefs": elsewhere}),
            "NotAttached",
            "HTTPRoute mcp-test/unattached is attached to no gateway: Gateway gateway-system/mcp-gateway",
            "correct the parentRef; the listeners are mcp, mcp-local",
        ),
    ]
}

fn in_secrets() -> Vec<Mistake> {
    let of = |name, edit, reason, at, remedy| Mistake {
        name,
        kind: "Secret",
        edit,
        reason,
        at,
        remedy,
    };
    vec![
        of(
            "no-label",
            json!({"metadata": {"labels": null}}),
            "CredentialNotLabelled",
            "Secret mcp-test/no-label-token lacks the label mcp.kuadrant.io/secret: \"true\"",
            "add it",
        ),
        of(
            "placeholder",
            json!({"data": null, "stringData": {"token": "Bearer $NOT_SET"}}),
            "CredentialPlaceholder",
            "Secret mcp-test/placeholder-token, key token: the value is still $NOT_SET",
            "replace it before the Secret is made",
        ),
        of(
            "empty",
            json!({"data": {"token": ""}}),
            "CredentialKeyMissing",
            "Secret mcp-test/empty-token, key token: the value is empty",
            "put the credential there",
        ),
    ]
}

/// One of a server's objects.
fn part(kind: &str, name: &str) -> Value {
    match kind {
        "HTTPRoute" => route(name),
        "Secret" => object("v1", kind, &format!("{name}-token")),
        _ => registration(name),
    }
}
