use super::extensions::EXTENSION;
use super::{Manifests, PLATFORM, registration};
use crate::index::{Index, PolicyVerdict, Settings};
use crate::verdict::Reason;

/// A policy of a Gateway's listeners, or of all of them, that takes an issuer's tokens.
pub(super) fn policy(name: &str, listener: Option<&str>, issuer: &str) -> String {
    let section = listener.map_or(String::new(), |listener| {
        format!(", sectionName: {listener}")
    });
    format!(
        "
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {{name: {name}, namespace: infra}}
spec:
  targetRef: {{group: gateway.networking.k8s.io, kind: Gateway, name: gw{section}}}
  rules:
    authentication: {{oidc: {{jwt: {{issuerUrl: 'https://{issuer}.example'}}}}}}
"
    )
}

/// A second listener at which clients connect, with a host of its own.
pub(super) fn two_listeners() -> Manifests {
    let listener =
        "  - {name: internal, hostname: '*.mcp.local', port: 8080, protocol: HTTP, allowedRoutes";
    let second =
        "  - {name: partners, hostname: partners.example.com, port: 8080, protocol: HTTP}\n";
    Manifests::one_server()
        .edit(listener, &format!("{second}{listener}"))
        .with(
            "
apiVersion: mcp.kuadrant.io/v1
kind: MCPGatewayExtension
metadata: {name: partners, namespace: infra}
spec:
  targetRef: {name: gw, sectionName: partners}
  publicHost: partners.example.com
",
        )
}

/// Whose tokens are taken at a host. Where there is none, none is asked for.
fn issuers(index: &Index, host: &str) -> Option<Vec<String>> {
    let mut endpoints = index.endpoints.iter();
    let endpoint = endpoints.find(|endpoint| endpoint.hosts.iter().any(|own| own == host));
    let authentication = endpoint.unwrap().authentication.as_ref()?;
    let issuers = authentication.issuers.iter();
    Some(issuers.map(|issuer| issuer.issuer.clone()).collect())
}

fn of(issuer: &str) -> Option<Vec<String>> {
    Some(vec![format!("https://{issuer}.example")])
}

fn nobody() -> Option<Vec<String>> {
    Some(Vec::new())
}

pub(super) fn verdict<'a>(index: &'a Index, name: &str) -> &'a PolicyVerdict {
    let mut verdicts = index.policy_verdicts.iter();
    verdicts.find(|verdict| verdict.name.name == name).unwrap()
}

pub(super) fn reasons(verdict: &PolicyVerdict) -> Vec<Reason> {
    verdict.told.iter().map(|fault| fault.reason).collect()
}

#[test]
fn a_gateways_policy_says_whose_tokens_are_taken_at_all_of_its_hosts() {
    for listener in [None, Some("mcp")] {
        let index = Manifests::one_server()
            .with(&policy("oidc", listener, "a"))
            .index();
        let [endpoint] = &index.endpoints[..] else {
            panic!("{:?}", index.endpoints)
        };
        let hosts = [
            "127.0.0.1",
            "mcp.example.com",
            "localhost",
            "mcp.127-0-0-1.sslip.io",
        ];
        assert_eq!(endpoint.hosts, hosts);
        assert_eq!(issuers(&index, "127.0.0.1"), of("a"));
        let authentication = endpoint.authentication.as_ref().unwrap();
        assert_eq!(authentication.policy, "infra/oidc");
        let resolved = registration(&index, "a").outcome.as_ref().unwrap();
        assert_eq!(
            (resolved.denied.as_ref(), resolved.policies.len()),
            (None, 0)
        );
        let rendered = crate::render::render(&index, &Default::default(), &Default::default());
        assert_eq!(rendered.unwrap().config.requires, ["authentication"]);
    }
}

const OTHER_GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other, namespace: infra}
spec:
  gatewayClassName: istio
  listeners:
  - {name: mcp, hostname: other.example.com, port: 8080, protocol: HTTP}
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPGatewayExtension
metadata: {name: other, namespace: infra}
spec:
  targetRef: {name: other, sectionName: mcp}
";

#[test]
fn where_one_filter_serves_all_gateways_none_leads_around_anothers_policy() {
    let others = |issuer| policy("theirs", None, issuer).replace("name: gw", "name: other");
    let both = Manifests::one_server()
        .with(OTHER_GATEWAY)
        .with(&policy("oidc", None, "a"));
    let hosts = ["mcp.example.com", "other.example.com"];
    let index = both.index();
    assert_eq!(hosts.map(|host| issuers(&index, host)), [of("a"), nobody()]);
    let told = &verdict(&index, "oidc").told;
    let message = "nobody gets in at other.example.com, for without Istio one filter serves all Gateways, each with all \
                   servers: give all Gateways the same policy, or serve each from a folder of its own";
    assert_eq!(told[1].message, message);

    let different = both.clone().with(&others("b")).index();
    assert_eq!(
        hosts.map(|host| issuers(&different, host)),
        [nobody(), nobody()]
    );
    let same = both.clone().with(&others("a")).index();
    assert_eq!(hosts.map(|host| issuers(&same, host)), [of("a"), of("a")]);
    assert_eq!(issuers(&same, "127.0.0.1"), of("a"));

    let on_istio = both.index_by(&Settings::cluster(None));
    assert_eq!(hosts.map(|host| issuers(&on_istio, host)), [of("a"), None]);
}

#[test]
fn no_gateway_takes_tokens_for_anybody_where_another_asks_for_its_own() {
    let target = "  targetRef: {name: gw, sectionName: mcp}\n";
    let resource = "  oauthProtectedResource: {resource: 'https://mcp.example.com/mcp'}\n";
    let other = "  targetRef: {name: other, sectionName: mcp}\n";
    let theirs = policy("theirs", None, "a").replace("name: gw", "name: other");
    let one = Manifests::one_server()
        .with(OTHER_GATEWAY)
        .with(&policy("oidc", None, "a"))
        .with(&theirs)
        .edit(target, &format!("{target}{resource}"));
    let hosts = ["mcp.example.com", "other.example.com"];
    let index = one.index();
    assert_eq!(hosts.map(|host| issuers(&index, host)), [of("a"), nobody()]);
    let own = resource.replace("mcp.example.com", "other.example.com");
    let index = one.edit(other, &format!("{other}{own}")).index();
    assert_eq!(hosts.map(|host| issuers(&index, host)), [of("a"), of("a")]);
}

#[test]
fn without_a_policy_nobody_is_asked_and_nothing_is_required() {
    let index = Manifests::one_server().index();
    assert_eq!(issuers(&index, "127.0.0.1"), None);
    let rendered = crate::render::render(&index, &Default::default(), &Default::default());
    assert!(rendered.unwrap().config.requires.is_empty());
}

#[test]
fn a_policy_for_a_listener_beats_one_for_the_gateway() {
    let index = two_listeners()
        .with(&policy("all", None, "a"))
        .with(&policy("some", Some("partners"), "b"))
        .index();
    assert_eq!(issuers(&index, "mcp.example.com"), of("a"));
    assert_eq!(issuers(&index, "partners.example.com"), of("b"));
}

#[test]
fn a_policy_for_one_listener_leaves_the_other_open_but_for_hosts_that_are_both_s() {
    let index = two_listeners()
        .with(&policy("some", Some("partners"), "b"))
        .index();
    assert_eq!(issuers(&index, "mcp.example.com"), None);
    assert_eq!(issuers(&index, "partners.example.com"), of("b"));
    // Nobody passes by the policy at the address.
    assert_eq!(issuers(&index, "127.0.0.1"), of("b"));
}

#[test]
fn at_a_host_of_listeners_with_different_policies_nobody_gets_in() {
    let index = two_listeners()
        .with(&policy("all", None, "a"))
        .with(&policy("some", Some("partners"), "b"))
        .index();
    assert_eq!(issuers(&index, "127.0.0.1"), nobody());
    for name in ["all", "some"] {
        let verdict = verdict(&index, name);
        assert_eq!(
            reasons(verdict),
            [Reason::AudienceNotChecked, Reason::Conflicted]
        );
        let told = "nobody gets in at 127.0.0.1, where listeners";
        assert!(verdict.told[1].message.starts_with(told));
        assert!(verdict.accepted);
    }
}

#[test]
fn in_a_cluster_gateways_of_one_host_may_have_different_policies() {
    let manifests = Manifests::platform()
        .with(&PLATFORM.replace("gw", "two"))
        .with(&policy("a", None, "a"))
        .with(&policy("b", None, "b").replace("name: gw", "name: two"));
    let told = |settings: &Settings| {
        let index = manifests.index_by(settings);
        ["a", "b"].map(|name| reasons(verdict(&index, name)))
    };
    let unchecked = || vec![Reason::AudienceNotChecked];
    assert_eq!(told(&Settings::cluster(None)), [unchecked(), unchecked()]);
    let conflicted = || vec![Reason::AudienceNotChecked, Reason::Conflicted];
    assert_eq!(
        told(&super::settings()),
        [conflicted(), conflicted()],
        "one machine has one filter"
    );
}

#[test]
fn of_two_policies_for_one_target_the_older_holds() {
    let aged = |name: &str, created: &str, issuer: &str| {
        let from = format!("name: {name}, ");
        let to = format!("name: {name}, creationTimestamp: '{created}', ");
        policy(name, Some("mcp"), issuer).replace(&from, &to)
    };
    let manifests = Manifests::one_server()
        .with(&aged("a-new", "2026-02-01T00:00:00Z", "new"))
        .with(&aged("b-old", "2026-01-01T00:00:00Z", "old"));
    let index = manifests.index();
    assert_eq!(issuers(&index, "mcp.example.com"), of("old"));
    let told = "refused AuthPolicy infra/a-new: Conflicted: AuthPolicy infra/b-old is for listener mcp of Gateway \
                infra/gw, too, and is older, so it alone holds: take one of them out";
    assert_eq!(manifests.notices()[0], told);
    assert!(!verdict(&index, "a-new").enforced);
    assert!(verdict(&index, "b-old").enforced);
    let without_age = Manifests::one_server()
        .with(&policy("b", None, "b"))
        .with(&policy("a", None, "a"))
        .index();
    assert_eq!(issuers(&without_age, "mcp.example.com"), of("a"));
}

#[test]
fn a_gateways_policy_that_is_left_no_listener_is_told() {
    let index = Manifests::one_server()
        .with(&policy("all", None, "a"))
        .with(&policy("some", Some("mcp"), "b"))
        .index();
    assert_eq!(issuers(&index, "mcp.example.com"), of("b"));
    let verdict = verdict(&index, "all");
    assert_eq!(reasons(verdict), [Reason::Overridden]);
    assert!(verdict.accepted && !verdict.enforced);
}

#[test]
fn a_policy_for_a_listener_that_does_not_exist_denies_all_of_its_gateway() {
    let manifests = Manifests::one_server().with(&policy("oidc", Some("web"), "a"));
    let told = "refused AuthPolicy infra/oidc: TargetNotFound: Gateway infra/gw has no listener web; it has mcp, internal. \
                Nothing of Gateway infra/gw is listed and all its calls are denied until the policy is changed";
    assert_eq!(manifests.notices(), [told]);
    let denied = registration(&manifests.index(), "a").outcome.clone();
    assert!(denied.unwrap().denied.unwrap().hidden);
}

/// The Gateway with a listener `web` beside the one that serves, for requests to this host.
fn beside(hostname: &str) -> Manifests {
    let internal = "  - {name: internal";
    let web = format!("  - {{name: web, port: 80, protocol: TLS{hostname}}}\n{internal}");
    Manifests::one_server()
        .edit(internal, &web)
        .with(&policy("oidc", Some("web"), "a"))
}

#[test]
fn a_policy_for_a_listener_by_which_an_endpoint_is_reached_without_an_extension_denies() {
    let told = "refused AuthPolicy infra/oidc: PolicyUnsupported: spec.targetRef.sectionName: listener web takes requests \
                for mcp.example.com, too, where MCP is served, ";
    let notices = beside("").notices();
    assert!(notices[0].starts_with(told), "{notices:?}");
}

#[test]
fn a_policy_for_a_listener_that_leads_to_servers_denies_and_for_another_does_nothing() {
    let manifests = two_listeners().with(&policy("oidc", Some("internal"), "a"));
    let index = manifests.index();
    let denied = registration(&index, "a")
        .outcome
        .as_ref()
        .unwrap()
        .denied
        .clone();
    assert!(denied.unwrap().hidden);
    let told = "refused AuthPolicy infra/oidc: PolicyUnsupported: spec.targetRef.sectionName: listener internal leads to \
                servers; ";
    assert!(
        manifests.notices()[0].starts_with(told),
        "{:?}",
        manifests.notices()
    );
    let web = beside(", hostname: web.example.com");
    let told = "accepted AuthPolicy infra/oidc: Unsupported: listener web of Gateway infra/gw serves no MCP, so it has no \
                effect here";
    assert_eq!(web.notices(), [told]);
}

#[test]
fn a_policy_that_cannot_be_enforced_lets_nobody_in() {
    let odd = |listener| policy("odd", listener, "a").replace("jwt: ", "opa: ");
    let whole = Manifests::one_server().with(&odd(Some("mcp"))).index();
    assert_eq!(issuers(&whole, "mcp.example.com"), nobody());
    let of_server = |index: &Index| {
        let resolved = registration(index, "a").outcome.clone().unwrap();
        resolved.denied.map(|denied| denied.hidden)
    };
    assert_eq!(of_server(&whole), Some(true));
    let half = two_listeners().with(&odd(Some("partners"))).index();
    assert!(whole.issuers.is_empty() && half.issuers.is_empty());
    assert_eq!(issuers(&half, "partners.example.com"), nobody());
    assert_eq!(issuers(&half, "mcp.example.com"), None);
    assert_eq!(of_server(&half), None);
    for index in [whole, half] {
        let verdict = verdict(&index, "odd");
        assert_eq!(reasons(verdict), [Reason::PolicyUnsupported]);
        assert!(!verdict.accepted);
    }
}

#[test]
fn a_routes_policy_that_asks_for_claims_of_nobody_is_told() {
    let route = "
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {name: claims, namespace: team}
spec:
  targetRef: {kind: HTTPRoute, name: a}
  rules:
    authorization: {a: {patternMatching: {patterns: [{predicate: has(auth.identity.sub)}]}}}
";
    let manifests = Manifests::one_server().with(route);
    let told = "accepted AuthPolicy team/claims: TokensNotVerified: it reads claims of the caller's token (auth.identity), \
                and no caller has any: add an AuthPolicy for Gateway infra/gw that says whose tokens are taken";
    assert_eq!(manifests.notices(), [told]);
    let index = manifests.with(&policy("oidc", None, "a")).index();
    assert!(verdict(&index, "claims").told.is_empty());
    let resolved = registration(&index, "a").outcome.as_ref().unwrap();
    assert_eq!(resolved.policies, [0]);
    assert_eq!(issuers(&index, "mcp.example.com"), of("a"));
}

#[test]
fn a_gateway_of_the_older_generation_has_a_policy_too() {
    let older = "
apiVersion: mcp.kagenti.com/v1alpha1
kind: MCPServer
metadata: {name: old, namespace: team}
spec: {targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: a}}
";
    let manifests = Manifests::one_server().edit(EXTENSION, "").with(older);
    let index = manifests.with(&policy("oidc", Some("mcp"), "a")).index();
    assert_eq!(issuers(&index, "mcp.example.com"), of("a"));
}

#[test]
fn issuers_are_checked_by_the_extensions_authorities() {
    let target = "  targetRef: {name: gw, sectionName: mcp}\n";
    let manifests = Manifests::one_server().with(&policy("oidc", None, "a"));
    let [issuer] = <[_; 1]>::try_from(manifests.index().issuers).unwrap();
    assert_eq!(issuer.url, "https://a.example");
    assert_eq!(issuer.authorities, Ok(None));
    assert_eq!(issuer.policies[0].to_string(), "infra/oidc");
    let named = manifests.edit(
        target,
        &format!("{target}  caCertBundleRef: {{name: authorities}}\n"),
    );
    let [issuer] = <[_; 1]>::try_from(named.index().issuers).unwrap();
    let fault = issuer.authorities.unwrap_err();
    assert_eq!(fault.reason, Reason::CertificateInvalid);
    let told =
        "Secret infra/authorities does not exist: create it, or take out spec.caCertBundleRef";
    assert_eq!(fault.message, told);
    let on_istio = named.index_by(&Settings::cluster(None)).issuers;
    assert_eq!(on_istio[0].authorities, Ok(None), "istiod goes by its own");
    let secret = authorities("authorities", 1);
    let [issuer] = <[_; 1]>::try_from(named.with(&secret).index().issuers).unwrap();
    let authorities = issuer.authorities.unwrap().unwrap();
    assert!(authorities.starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn an_issuer_is_not_asked_by_extensions_that_disagree_about_its_authorities() {
    let [mcp, partners] = [
        "  targetRef: {name: gw, sectionName: mcp}\n",
        "  publicHost: partners.example.com\n",
    ];
    let bundle = |line: &str, name: &str| format!("{line}  caCertBundleRef: {{name: {name}}}\n");
    let told = |names: [&str; 2]| {
        let manifests = two_listeners()
            .with(&policy("oidc", None, "a"))
            .edit(mcp, &bundle(mcp, names[0]))
            .edit(partners, &bundle(partners, names[1]))
            .with(&authorities("one", 1))
            .with(&authorities("same", 1))
            .with(&authorities("two", 2));
        let [issuer] = <[_; 1]>::try_from(manifests.index().issuers).unwrap();
        issuer.authorities
    };
    assert!(told(["one", "same"]).unwrap().is_some());
    let fault = told(["one", "two"]).unwrap_err();
    assert_eq!(fault.reason, Reason::CertificateInvalid);
    let message = "spec.caCertBundleRef of several MCPGatewayExtensions names different certificates for issuer \
                   https://a.example: name the same in all";
    assert_eq!(fault.message, message);
}

/// A Secret with so many certificates.
fn authorities(name: &str, count: usize) -> String {
    let pem = include_str!("authority.pem")
        .repeat(count)
        .replace('\n', "\n    ");
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: infra}}\nstringData:\n  ca.crt: |\n    {pem}\n"
    )
}
