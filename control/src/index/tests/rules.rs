use super::routes::{BACKEND, message, rewrite, rule};
use super::{Manifests, refused};
use crate::verdict::Reason::TargetUnsupported;

#[test]
fn a_route_must_have_one_rule_with_one_backend() {
    let backend = "{group: networking.istio.io, kind: Hostname, name: a.example, port: 80}";
    let cases = [
        (
            format!("  rules:\n  - {BACKEND}"),
            "  rules: []".to_owned(),
            "it has 0 rules; write one",
        ),
        (
            format!("  - {BACKEND}"),
            format!("  - {BACKEND}\n  - {BACKEND}"),
            "it has 2 rules; write one",
        ),
        (
            BACKEND.to_owned(),
            "backendRefs: []".to_owned(),
            "its rule has 0 backendRefs; write one",
        ),
        (
            BACKEND.to_owned(),
            format!("backendRefs: [{backend}, {backend}]"),
            "its rule has 2 backendRefs; write one",
        ),
        (
            "port: 80}]\n".to_owned(),
            "port: 80, weight: 0}]\n".to_owned(),
            "its backendRef has weight 0, so that nothing is sent to it",
        ),
        (
            "port: 80}]\n".to_owned(),
            "port: 80, filters: [{type: URLRewrite, urlRewrite: {hostname: x}}]}]\n".to_owned(),
            "filters of a backendRef are not supported: move them to the rule",
        ),
        (
            "a.example, port: 80}]\n".to_owned(),
            "a.example}]\n".to_owned(),
            "backendRef a.example needs a port",
        ),
        (
            "kind: Hostname,".to_owned(),
            "kind: Bucket,".to_owned(),
            "backendRef a.example is of kind Bucket (group \"networking.istio.io\"): use a Service, or Hostname of \
             group networking.istio.io",
        ),
    ];
    for (from, to, text) in cases {
        let manifests = Manifests::one_server().edit(&from, &to);
        assert_eq!(
            manifests.fault(),
            refused(TargetUnsupported, &message(text))
        );
    }
}

#[test]
fn matches_that_would_take_only_some_of_mcps_requests_are_refused() {
    let by = |field: &str| {
        format!(
            "a match by {field} is not supported: MCP uses several methods, match by path alone"
        )
    };
    let cases = [
        ("{headers: [{name: a, value: b}]}", by("headers")),
        ("{queryParams: [{name: a, value: b}]}", by("queryParams")),
        ("{method: POST}", by("method")),
        (
            "{path: {type: RegularExpression, value: /.*}}",
            "a match by RegularExpression is not supported: use PathPrefix or Exact".to_owned(),
        ),
        (
            "{path: {value: mcp}}",
            "a match by path \"mcp\": it must begin with / and have no query, blanks or characters beyond ASCII".to_owned(),
        ),
        (
            "{path: {value: '/a b'}}",
            "a match by path \"/a b\": it must begin with / and have no query, blanks or characters beyond ASCII".to_owned(),
        ),
    ];
    for (matched, text) in cases {
        let manifests = rule(&format!("matches: [{matched}]"));
        assert_eq!(
            manifests.fault(),
            refused(TargetUnsupported, &message(&text))
        );
    }
}

#[test]
fn filters_other_than_rewrites_that_work_are_refused() {
    let header =
        rule("filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [a]}}]");
    let text = message("filter RequestHeaderModifier is not supported: only URLRewrite is");
    assert_eq!(header.fault(), refused(TargetUnsupported, &text));
    let cases = [
        (
            "hostname: UP.example",
            "URLRewrite: UP.example is not a host name in lower case",
        ),
        (
            "path: {type: ReplaceFullPath}",
            "URLRewrite.path needs the field of its type, with an absolute path",
        ),
        (
            "path: {type: ReplaceFullPath, replaceFullPath: 'a'}",
            "URLRewrite.path needs the field of its type, with an absolute path",
        ),
        (
            "path: {type: ReplacePrefixMatch, replacePrefixMatch: '/a b'}",
            "URLRewrite.path needs the field of its type, with an absolute path",
        ),
    ];
    for (lines, text) in cases {
        assert_eq!(
            rewrite(lines).fault(),
            refused(TargetUnsupported, &message(text))
        );
    }
    let exact = rewrite("path: {type: ReplacePrefixMatch, replacePrefixMatch: /a}").edit(
        "- filters",
        "- matches: [{path: {type: Exact, value: /mcp}}]\n    filters",
    );
    let text = message("ReplacePrefixMatch needs matches of type PathPrefix");
    assert_eq!(exact.fault(), refused(TargetUnsupported, &text));
}
