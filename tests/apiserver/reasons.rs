//! Each reason that a person can act on, in the words that say how; and no registration has another's.

use harness::manifests::Server;
use harness::port::Port;
use harness::script::{Answer, Script, Tool};
use harness::upstream::Upstream;
use serde_json::{Value, json};

use crate::events::until_event;
use crate::world::{World, condition, registration, until_tools};

/// What is wrong: the server's name, an object of it, what is edited there, the reason, and a part of the message.
type Mistake = (
    &'static str,
    &'static str,
    Value,
    &'static str,
    &'static str,
);

tests! {
    async fn a_mistake_in_the_objects_is_told_with_its_reason_and_harms_no_other() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let upstream = Upstream::start(one_tool()).await;
        world.apply(&Server::new("sane", upstream.address())).await;
        world.until_ready("sane", "True", "Ready").await;
        let none = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "no-certificate", "namespace": "mcp-test", "labels": {"mcp.kuadrant.io/secret": "true"}},
            "stringData": {"ca.crt": "none"},
        });
        world.kubernetes.submit(none).await.unwrap();
        for (name, kind, edit, ..) in mistakes() {
            world.apply(&Server::new(name, upstream.address()).credential("Bearer x")).await;
            world.kubernetes.edit(&object(kind, name), edit).await;
        }
        for (name, _, _, reason, says) in mistakes() {
            let told = world.until_ready(name, "False", reason).await;
            let message = condition(&told, "Ready").unwrap()["message"].as_str().unwrap();
            assert!(message.contains(says), "{name}: {message}");
        }
        world.until_ready("sane", "True", "Ready").await;
        until_tools(world.gateway(), &["sane_greet"]).await;
        let two_rules = ("MCPServerRegistration", "two-rules");
        assert_eq!(until_event(&world, two_rules, "TargetUnsupported").await, "Warning");
    }

    async fn a_mistake_of_a_server_is_told_with_its_reason_and_harms_no_other() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let sane = Upstream::start(one_tool()).await;
        let locked = Upstream::start(Script { authorization: Some("Bearer x".to_owned()), ..one_tool() }).await;
        let old = Upstream::start(Script { protocol_version: "1999-01-01", ..one_tool() }).await;
        let nobody = Port::hold();
        world.apply(&Server::new("sane", sane.address())).await;
        for (name, address, reason, says) in [
            ("locked", locked.address(), "UpstreamRefused", "401"),
            ("old", old.address(), "ProtocolError", "1999-01-01"),
            ("nobody", nobody.address(), "UpstreamUnreachable", "check that the server runs"),
        ] {
            world.apply(&Server::new(name, address)).await;
            let told = world.until_ready(name, "False", reason).await;
            let message = condition(&told, "Ready").unwrap()["message"].as_str().unwrap();
            assert!(message.contains(says), "{name}: {message}");
        }
        world.until_ready("sane", "True", "Ready").await;
        until_tools(world.gateway(), &["sane_greet"]).await;
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
            unsupported["message"].as_str()?.contains("spec.tokenURLElicitation").then_some(())
        };
        world.kubernetes.until_object("the field is named", &registration("echo"), told).await;
    }

    async fn what_does_not_fit_into_an_object_stays_out_and_the_rest_is_served() {
        let world = World::start().await;
        let _control = world.control("one").await;
        let sane = Upstream::start(one_tool()).await;
        world.apply(&Server::new("sane", sane.address())).await;
        world.until_ready("sane", "True", "Ready").await;
        let large = (0..8).map(|number| {
            let name = format!("large-{number}");
            let definition = json!({
                "name": name, "description": noise(number, 300_000), "inputSchema": {"type": "object"},
            });
            Tool::defined(&name, &definition.to_string())
        });
        let upstream = Upstream::start(Script::with_tools(large.collect())).await;
        world.apply(&Server::new("large", upstream.address())).await;
        world.until_ready("large", "False", "CatalogTooLarge").await;
        world.until_ready("sane", "True", "Ready").await;
        until_tools(world.gateway(), &["sane_greet"]).await;
    }
}

fn one_tool() -> Script {
    Script::with_tools(vec![Tool::new("greet", Answer::Echo)])
}

fn mistakes() -> Vec<Mistake> {
    [in_registrations(), in_routes(), in_secrets()].concat()
}

fn in_registrations() -> Vec<Mistake> {
    let (no_target, no_secret) = ("HTTPRoute mcp-test/none", "Secret mcp-test/none");
    let no_certificate = json!({"name": "no-certificate"});
    let mistakes = [
        ("disabled", json!({"state": "Disabled"}), "Disabled", ""),
        (
            "nowhere",
            json!({"targetRef": {"name": "none"}}),
            "TargetNotFound",
            no_target,
        ),
        (
            "no-secret",
            json!({"credentialRef": {"name": "none"}}),
            "CredentialNotFound",
            no_secret,
        ),
        (
            "no-key",
            json!({"credentialRef": {"key": "none"}}),
            "CredentialKeyMissing",
            "it has token",
        ),
        (
            "no-ca",
            json!({"caCertSecretRef": no_certificate}),
            "CertificateInvalid",
            "mcp-test/no-certificate",
        ),
        (
            "bad-time",
            json!({"timeouts": {"firstByte": "0s"}}),
            "Invalid",
            "firstByte",
        ),
    ];
    let kind = "MCPServerRegistration";
    let mistakes = mistakes.into_iter();
    mistakes
        .map(|(name, spec, reason, says)| (name, kind, json!({"spec": spec}), reason, says))
        .collect()
}

fn in_routes() -> Vec<Mistake> {
    let elsewhere =
        json!([{"name": "mcp-gateway", "namespace": "gateway-system", "sectionName": "none"}]);
    let mistakes = [
        (
            "two-rules",
            json!({"rules": [{}, {}]}),
            "TargetUnsupported",
            "it has 2 rules; write one",
        ),
        (
            "no-host",
            json!({"hostnames": null}),
            "TargetUnsupported",
            "hostnames",
        ),
        (
            "unattached",
            json!({"parentRefs": elsewhere}),
            "NotAttached",
            "Gateway gateway-system/mcp-gateway",
        ),
    ];
    let mistakes = mistakes.into_iter();
    mistakes
        .map(|(name, spec, reason, says)| (name, "HTTPRoute", json!({"spec": spec}), reason, says))
        .collect()
}

fn in_secrets() -> Vec<Mistake> {
    let placeholder = json!({"data": null, "stringData": {"token": "Bearer $NOT_SET"}});
    let unlabelled = json!({"metadata": {"labels": null}});
    vec![
        (
            "no-label",
            "Secret",
            unlabelled,
            "CredentialNotLabelled",
            "mcp.kuadrant.io/secret: \"true\"",
        ),
        (
            "placeholder",
            "Secret",
            placeholder,
            "CredentialPlaceholder",
            "$NOT_SET",
        ),
    ]
}

/// An object of a server's.
fn object(kind: &str, name: &str) -> Value {
    let (version, name) = match kind {
        "HTTPRoute" => ("gateway.networking.k8s.io/v1", name.to_owned()),
        "Secret" => ("v1", format!("{name}-token")),
        _ => return registration(name),
    };
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "mcp-test"}})
}

/// Text that nothing makes shorter: digits of a xorshift generator.
fn noise(seed: u64, length: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = seed + 0x9E37_79B9_7F4A_7C15;
    let digits = (0..length).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(DIGITS[usize::try_from(state >> 58).expect("six bits")])
    });
    digits.collect()
}
