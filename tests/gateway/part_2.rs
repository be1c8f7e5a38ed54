//! Part 2 of the newer guide on Istio: users log in at Keycloak, and each acts as the owner of the PAT that was sent.

use harness::clients::Login;
use harness::component;
use harness::github::token;
use harness::keycloak::{Keycloak, Realm, user};
use harness::manifests::gateway_policy;
use harness::wait::until;
use serde_json::json;

use crate::managed::{CONSEQUENCE, HOST, Managed};
use crate::newer_guide::PART_1;
use crate::token_keys::listeners;

const GATEWAY: &str = "http://mcp.127-0-0-1.sslip.io:8001";

/// What the guide deletes of its part 2.
const CLEANUP: [&str; 2] = [
    "kubectl delete authpolicy mcp-auth-policy -n gateway-system --ignore-not-found",
    "kubectl delete authpolicy github-token-replacement-policy -n mcp-test --ignore-not-found",
];

tests! {
    async fn two_users_log_in_by_part_2_and_without_it_part_1_is_back() {
        let keycloak = Keycloak::start().await;
        let managed = Managed::trusting(keycloak.authority()).await;
        managed.trust().await;
        for name in PART_1 {
            managed.apply(name).await;
            if name.ends_with("service-entry.yaml") {
                managed.lead_here("github-mcp-external").await;
            }
        }
        managed.until_ready("github", "True", "Ready").await;
        let listed = managed.until_listed().await;

        let origin = format!("http://{HOST}:{}", managed.address().port());
        let step_8 = gateway_policy(&keycloak.issuer(Realm::Mcp));
        assert!(step_8.contains(GATEWAY), "{step_8}");
        managed.kubernetes.define(&component::auth_policies()).await;
        managed.kubernetes.apply(&step_8.replace(GATEWAY, &origin)).await;
        managed.apply("part-2/step-9-route-policy.yaml").await;
        for (policy, namespace) in [("mcp-auth-policy", "gateway-system"), ("github-token-replacement-policy", "mcp-test")] {
            let line = format!("kubectl wait authpolicy {policy} -n {namespace} --for=condition=Enforced --timeout=60s");
            managed.run(&line).await;
        }
        until("who has no token is refused", CONSEQUENCE, || async {
            (managed.status().await? == 401).then_some(())
        }).await;
        until_keys_are_there(&managed).await;

        let url = format!("{origin}/mcp");
        let [mona, otto] = [user("mcp", 'a'), user("mcp2", 'b')].map(|user| Login { calls: 5, ..user });
        let authority = keycloak.authority();
        let (mona, otto) = tokio::join!(mona.trusting(authority, &url), otto.trusting(authority, &url));
        for (seen, name, letter) in [(&mona, "mcp", 'a'), (&otto, "mcp2", 'b')] {
            seen.assert_steps(&keycloak.login(&origin));
            assert_eq!(seen.claims["preferred_username"], name);
            assert_eq!(seen.tools.len(), listed.len());
            assert_eq!(seen.results.len(), 5);
            seen.assert_acts_as(letter);
        }
        assert_ne!(mona.claims["sub"], otto.claims["sub"]);
        let pats: Vec<_> = ['a', 'b', 'l'].map(|letter| format!("Bearer {}", token(letter))).into();
        let used = managed.github.authorizations();
        assert!(used.iter().all(|used| used.is_empty() || pats.contains(used)), "no token of Keycloak's: {used:?}");

        for line in CLEANUP {
            managed.run(line).await;
        }
        until("nobody is refused", CONSEQUENCE, || async {
            let reply = managed.client().call("github_get_me", json!({})).await;
            let error = reply.message()["error"]["message"].as_str()?.to_owned();
            (error.contains("mcp-test/github") && error.contains("401")).then_some(())
        }).await;
        assert_eq!(managed.until_listed().await, listed);
    }
}

/// Waits until Envoy has Keycloak's keys. While Keycloak takes longer over them than istiod waits, users are refused; it
/// asks again after a minute, and until then gives Envoy a key of its own making, which has no certificate.
async fn until_keys_are_there(managed: &Managed) {
    until("istiod has Keycloak's keys", CONSEQUENCE, || async {
        listeners(managed).await.contains("x5c").then_some(())
    })
    .await;
}
