use super::{Manifests, refused, registration};
use crate::network::{PathMatch, PathRewrite};
use crate::verdict::Reason::{Invalid, TargetNotFound, TargetUnsupported};

pub(super) const BACKEND: &str =
    "backendRefs: [{group: networking.istio.io, kind: Hostname, name: a.example, port: 80}]";

/// With a rule of these lines before its backendRefs.
pub(super) fn rule(lines: &str) -> Manifests {
    Manifests::one_server().edit(
        &format!("- {BACKEND}"),
        &format!("- {lines}\n    {BACKEND}"),
    )
}

/// With a rewrite in the rule.
pub(super) fn rewrite(rewrite: &str) -> Manifests {
    rule(&format!(
        "filters: [{{type: URLRewrite, urlRewrite: {{{rewrite}}}}}]"
    ))
}

pub(super) fn message(text: &str) -> String {
    format!("HTTPRoute team/a: {text}")
}

#[test]
fn a_route_without_matches_takes_every_path() {
    let manifests = Manifests::one_server();
    let (route, resolved) = (manifests.route(), manifests.resolved());
    assert_eq!(route.host, "a.mcp.local");
    assert_eq!(route.path, PathMatch::Prefix("/".to_owned()));
    assert_eq!((route.authority_rewrite, route.path_rewrite), (None, None));
    assert_eq!(route.cluster, "outbound|80||a.example");
    assert_eq!(
        (resolved.host.as_str(), resolved.path.as_str()),
        ("a.mcp.local", "/mcp")
    );
    let upstream = resolved.upstream;
    assert_eq!(upstream.authority, "a.mcp.local");
    assert_eq!(upstream.path, "/mcp");
}

#[test]
fn a_rewritten_hostname_is_what_the_server_is_asked_for() {
    let manifests = rewrite("hostname: up.example");
    assert_eq!(
        manifests.route().authority_rewrite.as_deref(),
        Some("up.example")
    );
    assert_eq!(manifests.resolved().upstream.authority, "up.example");
    assert_eq!(manifests.resolved().host, "a.mcp.local");
}

#[test]
fn a_rewritten_path_is_what_the_server_is_asked_for() {
    let full = rewrite("path: {type: ReplaceFullPath, replaceFullPath: /api/v1}");
    assert_eq!(
        full.route().path_rewrite,
        Some(PathRewrite::Full("/api/v1".to_owned()))
    );
    assert_eq!(full.resolved().upstream.path, "/api/v1");
    for (prefix, expected) in [("/api", "/api/mcp"), ("api", "/api/mcp"), ("''", "/mcp")] {
        let path = format!("path: {{type: ReplacePrefixMatch, replacePrefixMatch: {prefix}}}");
        assert_eq!(
            rewrite(&path).resolved().upstream.path,
            expected,
            "{prefix}"
        );
    }
}

#[test]
fn each_hostname_and_match_is_a_route() {
    let manifests = rule("matches: [{path: {value: /mcp}}, {path: {type: Exact, value: /other}}]")
        .edit(
            "hostnames: [a.mcp.local]",
            "hostnames: [a.mcp.local, '*.mcp.local', b.mcp.local]",
        );
    let routes = manifests.index().network.routes;
    let found: Vec<_> = routes.into_iter().map(|r| (r.host, r.path)).collect();
    let (prefix, exact) = (
        PathMatch::Prefix("/mcp".to_owned()),
        PathMatch::Exact("/other".to_owned()),
    );
    let expected = ["a.mcp.local", "b.mcp.local"].map(|host| {
        [
            (host.to_owned(), exact.clone()),
            (host.to_owned(), prefix.clone()),
        ]
    });
    assert_eq!(found, expected.concat());
}

#[test]
fn the_registrations_path_must_be_one_that_the_route_takes() {
    let manifests = rule("matches: [{path: {type: PathPrefix, value: /api}}]");
    let expected = "no match of HTTPRoute team/a takes path /mcp";
    assert_eq!(manifests.fault(), refused(TargetUnsupported, expected));
    let own = manifests.edit("prefix: a_", "prefix: a_\n  path: /api/mcp");
    assert_eq!(own.resolved().path, "/api/mcp");
}

#[test]
fn the_registrations_path_must_be_absolute() {
    for path in ["mcp", "''", "'/a b'", "'/a#b'", "/ä"] {
        let manifests =
            Manifests::one_server().edit("prefix: a_", &format!("prefix: a_\n  path: {path}"));
        let path = path.trim_matches('\'');
        let expected = format!("spec.path {path:?} must be an absolute path, such as /mcp");
        assert_eq!(manifests.fault(), refused(Invalid, &expected));
    }
}

#[test]
fn a_route_must_exist_and_be_a_route() {
    let missing = Manifests::one_server().edit("targetRef: {name: a}", "targetRef: {name: b}");
    let expected = "HTTPRoute team/b does not exist: create it, or correct spec.targetRef";
    assert_eq!(missing.fault(), refused(TargetNotFound, expected));
    let service = Manifests::one_server().edit(
        "targetRef: {name: a}",
        "targetRef: {group: '', kind: Service, name: a}",
    );
    let expected = "spec.targetRef must be an HTTPRoute, not Service";
    assert_eq!(service.fault(), refused(TargetUnsupported, expected));
    let group =
        Manifests::one_server().edit("targetRef: {name: a}", "targetRef: {group: x.io, name: a}");
    let expected =
        "spec.targetRef must be an HTTPRoute of group gateway.networking.k8s.io, not of x.io";
    assert_eq!(group.fault(), refused(TargetUnsupported, expected));
}

#[test]
fn a_route_must_have_a_hostname_without_wildcard() {
    let cases = [
        (
            "hostnames: []",
            "it has no hostnames: give it one, such as name.mcp.local",
        ),
        (
            "hostnames: [A.mcp.local]",
            "A.mcp.local is not a host name in lower case",
        ),
        (
            "hostnames: [127.0.0.1]",
            "127.0.0.1 is not a host name in lower case",
        ),
        (
            "hostnames: [a.mcp.1]",
            "a.mcp.1 is not a host name in lower case",
        ),
    ];
    for (hostnames, text) in cases {
        let manifests = Manifests::one_server().edit("hostnames: [a.mcp.local]", hostnames);
        assert_eq!(
            manifests.fault(),
            refused(TargetUnsupported, &message(text))
        );
    }
    let wildcard = Manifests::one_server().edit("[a.mcp.local]", "['*.mcp.local']");
    let expected = "HTTPRoute team/a has only hostnames with *: add one without";
    assert_eq!(wildcard.fault(), refused(TargetUnsupported, expected));
}

#[test]
fn timeouts_of_a_route_are_told_to_have_no_effect() {
    let manifests = rule("timeouts: {request: 10s}");
    let index = manifests.index();
    let expected = ["timeouts of the HTTPRoute (use spec.timeouts)"];
    assert_eq!(registration(&index, "a").unsupported, expected);
    assert!(registration(&index, "a").outcome.is_ok());
}

#[test]
fn two_registrations_may_share_a_route() {
    let second = "
apiVersion: mcp.kuadrant.io/v1
kind: MCPServerRegistration
metadata: {name: b, namespace: team}
spec: {prefix: b_, path: /other, targetRef: {name: a}}
";
    let index = Manifests::one_server().with(second).index();
    assert!(index.registrations.iter().all(|r| r.outcome.is_ok()));
    assert_eq!(index.network.routes.len(), 1);
    assert_eq!(
        registration(&index, "b").outcome.as_ref().unwrap().path,
        "/other"
    );
}

#[test]
fn what_an_older_registrations_route_takes_is_not_taken_again() {
    let second = super::SERVER
        .replace("NAME", "b")
        .replace("b.mcp.local", "a.mcp.local");
    let index = Manifests::one_server().with(&second).index();
    assert!(registration(&index, "a").outcome.is_ok());
    let fault = registration(&index, "b").outcome.as_ref().unwrap_err();
    assert_eq!(fault.reason, TargetUnsupported);
    assert_eq!(
        fault.message,
        "HTTPRoute team/a takes a.mcp.local already, for an older registration: give HTTPRoute team/b another hostname \
         or path"
    );
    assert_eq!(index.network.routes[0].cluster, "outbound|80||a.example");
    assert_eq!(index.network.clusters.len(), 1);
}
