//! AuthPolicies on Istio: tokens of an issuer that istiod asks for its keys.

use harness::caller::Request;
use harness::component;
use harness::issuer::Issuer;
use harness::load::Load;
use harness::manifests::gateway_policy;
use harness::sessions::Client;
use harness::wait::until;
use serde_json::{Value, json};

use crate::faults::{SOME, names, serve};
use crate::managed::{CONSEQUENCE, EVERY_WORKER, HOST, Managed};

const LIST: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#;

/// The end of a token, in seconds since 1970.
const LONG_AGO: u64 = 1_000_000_000;

tests! {
    async fn the_policy_of_the_guide_wants_a_token_in_its_own_words_and_its_end_opens_the_gateway() {
        let managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        let issuer = Issuer::by_address().await;
        guard(&managed, &issuer).await;
        let policy: Value = serde_saphyr::from_str(&gateway_policy(issuer.url())).unwrap();
        let denial = &policy["spec"]["rules"]["response"]["unauthenticated"];
        let stale = issuer.bearer_with("ada", json!({"exp": LONG_AGO}));
        for bearer in [None, Some(stale.as_str()), Some("Bearer not-a-token")] {
            let reply = bearing(&managed, bearer).send(LIST).await;
            assert_eq!(reply.status, 401, "{}", reply.shown());
            assert_eq!(reply.text(), denial["body"]["value"].as_str().unwrap(), "byte for byte");
            let challenge = denial["headers"]["WWW-Authenticate"]["value"].as_str().unwrap();
            assert_eq!(reply.header("www-authenticate"), Some(challenge));
        }
        for path in ["/mcp?x=/.well-known", "/mcp/.well-known", "/.well-known/../mcp", "/.well-known/%2e%2e/mcp", "/%6dcp"] {
            let client = bearing(&managed, None);
            let reply = client.post(LIST).path(path).send(client.address, client.protocol).await;
            let is_refused = reply.status == 401 || reply.status == 404 && !path.starts_with("/mcp");
            assert!(is_refused && !reply.text().contains("echo"), "{path}: {}", reply.shown());
        }
        until("kubectl shows that the policy is in force", CONSEQUENCE, || async {
            let table = managed.run("kubectl get authpolicy mcp-auth-policy -n gateway-system").await;
            let cells: Vec<_> = table.lines().nth(1).expect("a policy").split_whitespace().collect();
            (cells[..3] == ["mcp-auth-policy", "True", "True"]).then_some(())
        }).await;

        managed.run("kubectl delete authpolicy mcp-auth-policy -n gateway-system").await;
        managed.until_serving().await;
        assert!(names(&managed).await.contains("echo_greet"));
        managed.until_ready("echo", "True", "Ready").await;
    }

    async fn a_users_session_is_nobody_elses_and_the_metadata_is_open_to_stale_tokens() {
        let managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        let issuer = Issuer::by_address().await;
        guard(&managed, &issuer).await;
        let mut ada = bearing(&managed, Some(&issuer.bearer("ada")));
        ada.initialize("2025-11-25", json!({})).await;
        ada.call("echo_greet", json!({})).await.result();
        let thief = bearing(&managed, Some(&issuer.bearer("mallory")));
        let stolen = Client { session: ada.session.clone(), ..thief };
        assert_eq!(stolen.call("echo_greet", json!({})).await.status, 404);
        ada.call("echo_greet", json!({})).await.result();

        let stale = issuer.bearer_with("ada", json!({"exp": LONG_AGO}));
        let client = bearing(&managed, Some(stale.as_str()));
        let metadata = Request::bare("GET").path("/.well-known/oauth-protected-resource/mcp");
        let told = client.stamped(metadata).send(client.address, client.protocol).await;
        assert_eq!(told.status, 200, "{}", told.shown());
        let told: Value = serde_json::from_str(told.text()).unwrap();
        assert_eq!(told["authorization_servers"], json!([issuer.url()]));
        assert_eq!(told["resource"], format!("http://{HOST}/mcp"));
    }

    async fn no_request_fails_when_a_policy_is_replaced_by_one_with_another_rule() {
        let managed = Managed::start().await;
        let _upstream = serve(&managed).await;
        let issuer = Issuer::by_address().await;
        guard(&managed, &issuer).await;
        let load = Load::start(&bearing(&managed, Some(&issuer.bearer("ada"))), "echo_greet", "greet");
        load.until_more(SOME).await;
        let rule = json!({"spec": {"rules": {"authorization": {"ada": {"patternMatching": {"patterns": [
            {"predicate": r#"auth.identity.sub == "ada""#},
        ]}}}}}});
        managed.run(&format!("kubectl patch authpolicy mcp-auth-policy -n gateway-system --type merge -p '{rule}'")).await;
        let bob = bearing(&managed, Some(&issuer.bearer("bob")));
        until("another user is refused", CONSEQUENCE, || async {
            (bob.send(LIST).await.status == 401).then_some(())
        }).await;
        load.until_more(SOME).await;
        load.stop().await;
    }
}

/// Applies the guide's policy with this issuer, and waits until it is in force.
async fn guard(managed: &Managed, issuer: &Issuer) {
    managed.kubernetes.define(&component::auth_policies()).await;
    managed
        .kubernetes
        .apply(&gateway_policy(issuer.url()))
        .await;
    let known = bearing(managed, Some(&issuer.bearer("ada")));
    until("a good token passes", CONSEQUENCE, || async {
        for _ in 0..EVERY_WORKER {
            let without = managed.client().send(LIST).await;
            let with = known.send(LIST).await;
            if (without.status, with.status) != (401, 200) {
                return None;
            }
        }
        Some(())
    })
    .await;
}

fn bearing(managed: &Managed, bearer: Option<&str>) -> Client {
    match bearer {
        Some(bearer) => managed.client().header("authorization", bearer),
        None => managed.client(),
    }
}
