//! The keys of tokens' issuers on Istio: who fetches them, and what their change and their lack mean to users.

use std::time::{Duration, Instant};

use harness::authority::Authority;
use harness::component;
use harness::istio::Issuers;
use harness::load::Load;
use harness::manifests::{Server, gateway_policy};
use harness::oidc_provider::{Algorithm, HOST, OidcProvider, Setup};
use harness::sessions::Client;
use harness::wait::until;
use serde_json::{Value, json};

use crate::changes::{assert_goes_on, tell};
use crate::faults::{SOME, serve};
use crate::managed::{CONSEQUENCE, EVERY_WORKER, Managed};

const LIST: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#;

/// How often istiod fetches keys anew; every twenty minutes where nothing is said.
const INTERVAL: (&str, &str) = ("PILOT_JWT_PUB_KEY_REFRESH_INTERVAL", "1s");

/// From a new key to its use: the interval, and what a change of the listener takes on a busy machine.
const TAKEN: Duration = Duration::from_secs(20);

/// Istiod tries for five seconds with each try of its interval, and then waits for a minute.
const RECOVERY: Duration = Duration::from_secs(75);

/// Who fetches keys: Envoy, or istiod in its place where Envoy knows no way.
const FETCHER: &str = "PILOT_JWT_ENABLE_REMOTE_JWKS";

tests! {
    async fn new_keys_are_taken_within_istiods_interval_and_known_ones_while_the_issuer_is_down() {
        let mut provider = OidcProvider::start(light().keeping_keys()).await;
        let managed = Managed::asking(often(&Authority::new()).await).await;
        let upstream = serve(&managed).await;
        let (feed, _told) = tell(&managed).await;
        let old = provider.bearer("ada").await;
        guard(&managed, &provider, &old).await;
        let known = bearing(&managed, &old);
        let load = Load::start(&known, "echo_greet", "greet");
        load.until_more(SOME).await;
        let mut under_way = vec![known.open_call("told_told", json!({})).await];

        provider.rotate_keys().await;
        let rotated = Instant::now();
        let new = provider.bearer("ada").await;
        until_taken(&managed, &new, CONSEQUENCE).await;
        assert!(rotated.elapsed() <= TAKEN, "{:?}", rotated.elapsed());
        assert_goes_on(&mut under_way, &feed, 1).await;

        // Whatever istiod gives to gateways after that is what it keeps.
        until_fetched(&provider, 2).await;
        provider.withhold_keys().await;
        provider.rotate_keys().await;
        let newest = provider.bearer("ada").await;
        provider.kill().await;
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        managed.until_ready("later", "True", "Ready").await;
        for (bearer, status) in [(&old, 200), (&new, 200), (&newest, 401)] {
            assert_eq!(answer(&managed, bearer).await, status);
        }
        assert!(is_in_force(&managed).await);
        load.until_more(SOME).await;

        provider.start_again().await;
        until_taken(&managed, &newest, RECOVERY).await;
        load.until_more(SOME).await;
        load.stop().await;
    }

    async fn users_of_an_issuer_of_a_private_authority_get_in_where_istiod_trusts_that_and_else_not() {
        let (trusted, unknown) = (Authority::new(), Authority::new());
        let provider = OidcProvider::start(light().tls(&trusted)).await;
        let mut managed = Managed::asking(often(&trusted).await).await;
        let upstream = serve(&managed).await;
        let old = provider.bearer("ada").await;
        guard(&managed, &provider, &old).await;
        provider.rotate_keys().await;
        let new = provider.bearer("ada").await;
        until_taken(&managed, &new, TAKEN).await;
        assert_eq!(answer(&managed, &old).await, 200);

        // Control does not trust it, so somebody else has to say where its keys are.
        managed.kubernetes.submit(place_of_keys(&provider)).await.unwrap();
        until("the gateway has both rules", CONSEQUENCE, || async {
            listeners(&managed).await.contains("origins-1").then_some(())
        }).await;
        until_fetched(&provider, 4).await;
        provider.kill().await;
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        managed.until_ready("later", "True", "Ready").await;
        assert_eq!(answer(&managed, &new).await, 200);
        managed.istiod.kill().await;
        managed.start_istiod_again().await;
        until_refused(&managed, &new).await;

        let strange = OidcProvider::start(light().tls(&unknown)).await;
        let issuer = strange.issuer();
        managed.kubernetes.apply(&gateway_policy(&issuer)).await;
        until("the gateway has its rule", CONSEQUENCE, || async {
            listeners(&managed).await.contains(&issuer).then_some(())
        }).await;
        until_in_force(&managed).await;
        assert_eq!(answer(&managed, &strange.bearer("ada").await).await, 401);
        let told = format!("JWKS fetch failed for issuer {issuer}");
        let told = |line: &str| line.contains(&told).then_some(());
        managed.istiod.process().line("that the keys cannot be fetched", told).await;
    }

    async fn envoy_fetches_keys_where_istio_has_it_do_so_and_tells_it_a_way() {
        let provider = OidcProvider::start(light()).await;
        let issuers = Issuers::of(&Authority::new()).await.setting(FETCHER, "envoy");
        let mut managed = Managed::asking(issuers).await;
        let upstream = serve(&managed).await;
        let bearer = provider.bearer("ada").await;
        apply(&managed, &provider).await;
        let told = |line: &str| line.contains("Please create ServiceEntry").then_some(());
        managed.istiod.process().line("what Envoy lacks", told).await;
        until_refused(&managed, &bearer).await;
        until_in_force(&managed).await;
        managed.kubernetes.submit(way(&provider, "HTTP")).await.unwrap();
        until_taken(&managed, &bearer, CONSEQUENCE).await;
        assert_envoy_fetches(&managed).await;

        // A control that cannot ask the issuer takes nothing back.
        provider.kill().await;
        let image = managed.image();
        managed.hand_over("mcp-controller-1", &image, &[]).await;
        managed.kubernetes.apply(&Server::new("later", upstream.address()).yaml()).await;
        managed.until_ready("later", "True", "Ready").await;
        assert_eq!(answer(&managed, &bearer).await, 200);
        assert_envoy_fetches(&managed).await;

        let authority = Authority::new();
        let private = OidcProvider::start(light().tls(&authority)).await;
        let bearer = private.bearer("ada").await;
        managed.kubernetes.apply(&gateway_policy(&private.issuer())).await;
        until_refused(&managed, &bearer).await;
        managed.kubernetes.delete(&way(&provider, "HTTP")).await;
        for object in [way(&private, "HTTPS"), trust(&authority), place_of_keys(&private)] {
            managed.kubernetes.submit(object).await.unwrap();
        }
        until_taken(&managed, &bearer, CONSEQUENCE).await;
    }
}

/// A provider that starts soon.
fn light() -> Setup {
    Setup::new().signing(Algorithm::Es256)
}

/// Istiod fetches keys often, from issuers for whom this authority vouches.
async fn often(authority: &Authority) -> Issuers {
    let (name, value) = INTERVAL;
    Issuers::of(authority).await.setting(name, value)
}

/// Applies the guide's policy with this issuer, and waits until it lets this token in alone.
async fn guard(managed: &Managed, provider: &OidcProvider, bearer: &str) {
    apply(managed, provider).await;
    until_taken(managed, bearer, CONSEQUENCE).await;
}

/// Applies it, and waits until who has no token is refused.
async fn apply(managed: &Managed, provider: &OidcProvider) {
    managed.kubernetes.define(&component::auth_policies()).await;
    let policy = gateway_policy(&provider.issuer());
    managed.kubernetes.apply(&policy).await;
    until("who has no token is refused", CONSEQUENCE, || async {
        (managed.client().send(LIST).await.status == 401).then_some(())
    })
    .await;
}

/// At all workers, each of which may have keys of its own.
async fn until_taken(managed: &Managed, bearer: &str, bound: Duration) {
    until("the token passes", bound, || async {
        for _ in 0..EVERY_WORKER {
            if answer(managed, bearer).await != 200 {
                return None;
            }
        }
        Some(())
    })
    .await;
}

async fn until_refused(managed: &Managed, bearer: &str) {
    until("the token is refused", CONSEQUENCE, || async {
        (answer(managed, bearer).await == 401).then_some(())
    })
    .await;
}

/// The status with which a request with this token is answered.
async fn answer(managed: &Managed, bearer: &str) -> u16 {
    bearing(managed, bearer).send(LIST).await.status
}

fn bearing(managed: &Managed, bearer: &str) -> Client {
    managed.client().header("authorization", bearer)
}

/// Waits until the provider has given its keys so many times more.
async fn until_fetched(provider: &OidcProvider, times: usize) {
    let fetched = || {
        let lines = provider.process().lines();
        lines
            .iter()
            .filter(|line| line.ends_with("/jwks 200"))
            .count()
    };
    let wanted = fetched() + times;
    until("istiod has fetched the keys", CONSEQUENCE, || async {
        (fetched() >= wanted).then_some(())
    })
    .await;
}

/// Waits until `kubectl get authpolicy` shows that the policy is in force, whatever its issuer's keys.
async fn until_in_force(managed: &Managed) {
    until(
        "the policy is shown to be in force",
        CONSEQUENCE,
        || async { is_in_force(managed).await.then_some(()) },
    )
    .await;
}

async fn is_in_force(managed: &Managed) -> bool {
    let table = managed
        .run("kubectl get authpolicy mcp-auth-policy -n gateway-system")
        .await;
    let cells = table.lines().nth(1).expect("a policy").split_whitespace();
    cells.take(3).eq(["mcp-auth-policy", "True", "True"])
}

/// The gateway's listeners, as Envoy has them.
pub(crate) async fn listeners(managed: &Managed) -> String {
    let proxy = &managed.proxy;
    proxy
        .ask_envoy("/config_dump?resource=dynamic_listeners")
        .await
}

async fn assert_envoy_fetches(managed: &Managed) {
    let listeners = listeners(managed).await;
    let is_remote = listeners.contains("remote_jwks") && !listeners.contains("local_jwks");
    assert!(is_remote, "{listeners}");
}

/// Somebody's own rule beside control's, which says where a provider has its keys.
fn place_of_keys(provider: &OidcProvider) -> Value {
    let issuer = provider.issuer();
    let rule = json!({
        "issuer": issuer, "jwksUri": format!("{issuer}/jwks"), "forwardOriginalToken": true,
    });
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "login", "namespace": "gateway-system"},
        "spec": {
            "targetRefs": [{
                "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "mcp-gateway",
            }],
            "jwtRules": [rule],
        },
    })
}

/// How the mesh reaches a provider.
fn way(provider: &OidcProvider, protocol: &str) -> Value {
    let port = provider.address().port();
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "login", "namespace": "gateway-system"},
        "spec": {
            "hosts": [HOST],
            "ports": [{"number": port, "name": "login", "protocol": protocol}],
            "location": "MESH_EXTERNAL",
            "resolution": "STATIC",
            "endpoints": [{"address": "127.0.0.1"}],
        },
    })
}

/// Has Envoy speak TLS with the provider, and trust this authority there.
fn trust(authority: &Authority) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "login", "namespace": "gateway-system"},
        "spec": {
            "host": HOST,
            "trafficPolicy": {"tls": {"mode": "SIMPLE", "sni": HOST, "caCertificates": authority.file()}},
        },
    })
}
