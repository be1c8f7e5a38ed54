use super::Manifests;
use crate::verdict::Reason::{TargetNotFound, TargetUnsupported};

fn grant(namespace: &str, from: &str, to: &str) -> String {
    format!(
        "
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {{name: grant, namespace: {namespace}}}
spec:
  from: [{from}]
  to: [{to}]
"
    )
}

/// What a message says is to be applied.
fn manifest(message: &str) -> &str {
    message.split_once('\n').expect("a manifest").1
}

/// The registration stands in another namespace than its route.
fn distant_registration() -> Manifests {
    Manifests::one_server()
        .edit(
            "kind: MCPServerRegistration\nmetadata: {name: a, namespace: team}",
            "kind: MCPServerRegistration\nmetadata: {name: a, namespace: away}",
        )
        .edit(
            "targetRef: {name: a}",
            "targetRef: {name: a, namespace: team}",
        )
}

const FROM: &str = "{group: mcp.kuadrant.io, kind: MCPServerRegistration, namespace: away}";
const TO: &str = "{group: gateway.networking.k8s.io, kind: HTTPRoute}";

#[test]
fn a_route_in_another_namespace_needs_a_grant() {
    let (reason, message) = distant_registration().fault();
    assert_eq!(reason, TargetNotFound);
    let sentence = "HTTPRoute team/a is in another namespace, where nothing lets MCPServerRegistration of \
                    namespace away refer to it: add a ReferenceGrant to namespace team. Who owns that may apply:\n";
    assert!(message.starts_with(sentence), "{message}");
    let granted = distant_registration().with(&grant("team", FROM, TO));
    assert_eq!(granted.resolved().host, "a.mcp.local");
    let granted = distant_registration().with(manifest(&message));
    assert_eq!(granted.resolved().host, "a.mcp.local");
}

#[test]
fn a_grant_may_name_the_object() {
    let named = |name: &str| TO.replace('}', &format!(", name: {name}}}"));
    let right = distant_registration().with(&grant("team", FROM, &named("a")));
    assert!(right.index().registrations[0].outcome.is_ok());
    let wrong = distant_registration().with(&grant("team", FROM, &named("b")));
    assert_eq!(wrong.fault().0, TargetNotFound);
}

#[test]
fn a_grant_for_others_or_elsewhere_grants_nothing() {
    let cases = [
        ("away", FROM, TO),
        (
            "team",
            "{group: mcp.kuadrant.io, kind: MCPServerRegistration, namespace: b}",
            TO,
        ),
        (
            "team",
            "{group: mcp.kagenti.com, kind: MCPServerRegistration, namespace: away}",
            TO,
        ),
        (
            "team",
            "{group: mcp.kuadrant.io, kind: MCPServer, namespace: away}",
            TO,
        ),
        ("team", FROM, "{group: '', kind: Service}"),
    ];
    for (namespace, from, to) in cases {
        let manifests = distant_registration().with(&grant(namespace, from, to));
        assert_eq!(
            manifests.fault().0,
            TargetNotFound,
            "{namespace} {from} {to}"
        );
    }
}

#[test]
fn a_service_in_another_namespace_needs_a_grant() {
    let manifests = Manifests::one_server()
        .edit(
            "{group: networking.istio.io, kind: Hostname, name: a.example, port: 80}",
            "{name: a, namespace: away, port: 80}",
        )
        .with(
            "
apiVersion: v1
kind: Service
metadata: {name: a, namespace: away}
spec: {type: ExternalName, externalName: a.example, ports: [{port: 80}]}
",
        );
    let (reason, message) = manifests.fault();
    assert_eq!(reason, TargetUnsupported);
    assert!(
        message.contains("lets HTTPRoute of namespace team refer to it"),
        "{message}"
    );
    let granted = manifests.with(manifest(&message));
    assert_eq!(
        granted.resolved().upstream.cluster,
        "outbound|80||a.example"
    );
}

#[test]
fn an_extension_in_another_namespace_than_its_gateway_needs_a_grant() {
    let away = Manifests::one_server().edit(
        "kind: MCPGatewayExtension\nmetadata: {name: gw, namespace: infra}\nspec:\n  targetRef: {name: gw",
        "kind: MCPGatewayExtension\nmetadata: {name: gw, namespace: away}\nspec:\n  targetRef: {name: gw, namespace: infra",
    );
    let notices = away.notices();
    let [notice] = notices.as_slice() else {
        panic!("{notices:?}")
    };
    let told = "refused MCPGatewayExtension away/gw: TargetNotFound: Gateway infra/gw is in another namespace";
    assert!(notice.starts_with(told), "{notice}");
    let granted = away.with(manifest(notice));
    assert!(granted.notices().is_empty());
    assert!(granted.index().registrations[0].outcome.is_ok());
}
