use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;

use super::*;

const DURATION: Duration = Duration::from_secs(15);

/// What there is between a candidate and the apiserver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Up,
    /// Every request fails.
    Failing,
    /// No request arrives, and none is answered.
    Cut,
    /// Every request arrives, and none is answered.
    NoAnswers,
}

/// Keeps one Lease as an apiserver does: a write of another version than the last is refused.
#[derive(Clone, Default)]
struct Apiserver(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    lease: Option<Object>,
    version: u64,
    links: BTreeMap<&'static str, Link>,
}

impl Apiserver {
    fn candidate(&self, name: &'static str) -> Lease {
        let leases = "/apis/coordination.k8s.io/v1/namespaces/mcp-system/leases";
        let app = Router::new()
            .route(leases, axum::routing::post(create))
            .route(&format!("{leases}/control"), get(read).put(replace))
            .with_state(self.clone())
            .layer(from_fn_with_state((self.clone(), name), passed));
        let client = Client::new(app, "mcp-system");
        Lease::new(client, "mcp-system", "control", name, DURATION).unwrap()
    }

    fn set(&self, name: &'static str, link: Link) {
        self.0.lock().unwrap().links.insert(name, link);
    }

    fn link(&self, name: &'static str) -> Link {
        let kept = self.0.lock().unwrap();
        kept.links.get(name).copied().unwrap_or(Link::Up)
    }

    fn lease(&self) -> Option<Object> {
        self.0.lock().unwrap().lease.clone()
    }

    fn spec(&self) -> LeaseSpec {
        self.lease().unwrap().spec.unwrap()
    }

    fn write(&self, lease: Option<Object>) -> Response {
        let mut kept = self.0.lock().unwrap();
        kept.version += 1;
        kept.lease = lease.map(|mut lease| {
            lease.metadata.resource_version = Some(kept.version.to_string());
            lease
        });
        Json(kept.lease.clone()).into_response()
    }
}

async fn passed(
    State((apiserver, name)): State<(Apiserver, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    // Requests take their time, so that others come between.
    sleep(Duration::from_millis(10)).await;
    let refused = || failure(StatusCode::INTERNAL_SERVER_ERROR, "InternalError");
    match apiserver.link(name) {
        Link::Up => next.run(request).await,
        Link::Failing => refused(),
        Link::Cut => std::future::pending().await,
        Link::NoAnswers => {
            next.run(request).await;
            std::future::pending().await
        }
    }
}

fn failure(code: StatusCode, reason: &str) -> Response {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": code.as_u16()});
    (code, Json(status)).into_response()
}

async fn read(State(apiserver): State<Apiserver>) -> Response {
    match apiserver.lease() {
        Some(lease) => Json(lease).into_response(),
        None => failure(StatusCode::NOT_FOUND, "NotFound"),
    }
}

async fn create(State(apiserver): State<Apiserver>, Json(lease): Json<Object>) -> Response {
    match apiserver.lease() {
        Some(_) => failure(StatusCode::CONFLICT, "AlreadyExists"),
        None => apiserver.write(Some(lease)),
    }
}

async fn replace(State(apiserver): State<Apiserver>, Json(lease): Json<Object>) -> Response {
    match apiserver.lease() {
        None => failure(StatusCode::NOT_FOUND, "NotFound"),
        Some(kept) if kept.metadata.resource_version != lease.metadata.resource_version => {
            failure(StatusCode::CONFLICT, "Conflict")
        }
        Some(_) => apiserver.write(Some(lease)),
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_one_leads_for_as_long_as_it_renews() {
    let apiserver = Apiserver::default();
    let names = ["a", "b", "c", "d", "e"];
    let mut candidates: Vec<Lease> = names.map(|name| apiserver.candidate(name)).into();
    let first = {
        let waiting = candidates.iter_mut().map(|lease| Box::pin(lease.acquire()));
        futures::future::select_all(waiting).await.1
    };
    let mut leader = candidates.remove(first);
    assert_eq!(
        apiserver.spec().holder_identity.as_deref(),
        Some(leader.identity())
    );
    assert!(leader.identity().starts_with(&format!("{}_", names[first])));
    let others = candidates.iter_mut().map(|lease| Box::pin(lease.acquire()));
    tokio::select! {
        lost = leader.hold() => panic!("{lost}"),
        _ = futures::future::select_all(others) => panic!("two lead"),
        () = sleep(DURATION * 20) => {}
    }
    let spec = apiserver.spec();
    assert_eq!(
        (spec.lease_transitions, spec.lease_duration_seconds),
        (Some(0), Some(15))
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_leads_within_the_lease_where_one_ends_without_a_word() {
    let apiserver = Apiserver::default();
    let mut first = apiserver.candidate("a");
    first.acquire().await;
    drop(first);
    let begun = Instant::now();
    let mut next = apiserver.candidate("a");
    next.acquire().await;
    let waited = begun.elapsed();
    assert!(waited >= DURATION - Duration::from_millis(20), "{waited:?}");
    assert!(waited < DURATION + DURATION / 5, "{waited:?}");
    assert_eq!(apiserver.spec().lease_transitions, Some(1));
}

#[tokio::test(start_paused = true)]
async fn the_next_leads_at_once_where_one_gives_it_up() {
    let apiserver = Apiserver::default();
    let (mut first, mut next) = (apiserver.candidate("a"), apiserver.candidate("b"));
    first.acquire().await;
    let begun = Instant::now();
    tokio::join!(first.release(), next.acquire());
    assert!(begun.elapsed() < DURATION / 5, "{:?}", begun.elapsed());
    // Who has nothing gives up nothing.
    apiserver.candidate("c").release().await;
    assert_eq!(
        apiserver.spec().holder_identity.as_deref(),
        Some(next.identity())
    );
}

#[tokio::test(start_paused = true)]
async fn who_cannot_renew_stops_before_another_begins() {
    for link in [Link::Failing, Link::Cut] {
        let apiserver = Apiserver::default();
        let (mut first, mut next) = (apiserver.candidate("a"), apiserver.candidate("b"));
        first.acquire().await;
        apiserver.set("a", link);
        let begun = Instant::now();
        let stop = async {
            let lost = first.hold().await;
            assert!(matches!(lost, Lost::Unrenewed(_)), "{lost}");
            begun.elapsed()
        };
        let start = async {
            next.acquire().await;
            begun.elapsed()
        };
        let (stopped, started) = tokio::join!(stop, start);
        assert!(stopped <= DURATION * 2 / 3, "{link:?} {stopped:?}");
        assert!(started >= stopped + DURATION / 4, "{link:?} {started:?}");
        assert!(started <= DURATION * 6 / 5, "{link:?} {started:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_fault_ends_nothing() {
    let apiserver = Apiserver::default();
    let mut lease = apiserver.candidate("a");
    lease.acquire().await;
    let faults = async {
        for link in [Link::Failing, Link::Cut, Link::NoAnswers] {
            sleep(DURATION / 3).await;
            apiserver.set("a", link);
            sleep(DURATION / 5).await;
            apiserver.set("a", Link::Up);
        }
        sleep(DURATION).await;
    };
    tokio::select! {
        lost = lease.hold() => panic!("{lost}"),
        () = faults => {}
    }
}

#[tokio::test(start_paused = true)]
async fn who_loses_the_lease_to_a_hand_is_told() {
    let apiserver = Apiserver::default();
    let mut lease = apiserver.candidate("a");
    lease.acquire().await;
    let mut others = apiserver.lease().unwrap();
    others.spec.as_mut().unwrap().holder_identity = Some("other".to_owned());
    apiserver.write(Some(others));
    assert_eq!(lease.hold().await, Lost::Taken("other".to_owned()));
    apiserver.write(None);
    lease.acquire().await;
    apiserver.write(None);
    assert_eq!(lease.hold().await, Lost::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_label_on_the_lease_costs_nobody_the_lead() {
    let apiserver = Apiserver::default();
    let mut lease = apiserver.candidate("a");
    lease.acquire().await;
    let writer = async {
        for number in 0..3_000 {
            sleep(Duration::from_millis(33)).await;
            let mut labelled = apiserver.lease().unwrap();
            let labels = labelled.metadata.labels.get_or_insert_default();
            labels.insert("number".to_owned(), number.to_string());
            apiserver.write(Some(labelled));
        }
    };
    tokio::select! {
        lost = lease.hold() => panic!("{lost}"),
        () = writer => {}
    }
}

#[tokio::test(start_paused = true)]
async fn never_do_two_lead_whatever_the_links_do() {
    for seed in 1..40_u64 {
        let apiserver = Apiserver::default();
        let (leaders, terms) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let names = ["a", "b", "c"];
        let terms_of = names.map(|name| lead_on(apiserver.candidate(name), &leaders, &terms));
        tokio::select! {
            _ = futures::future::select_all(terms_of.map(Box::pin)) => {}
            () = flap(&apiserver, names, seed) => {}
        }
        assert!(terms.load(Ordering::Relaxed) > 3, "{seed}");
    }
}

/// Leads, is lost, leads again. Work goes on for a while after the lease was lost.
async fn lead_on(mut lease: Lease, leaders: &AtomicUsize, terms: &AtomicUsize) {
    loop {
        lease.acquire().await;
        assert_eq!(leaders.fetch_add(1, Ordering::Relaxed), 0, "two lead");
        terms.fetch_add(1, Ordering::Relaxed);
        lease.hold().await;
        sleep(DURATION / 4).await;
        leaders.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn flap(apiserver: &Apiserver, names: [&'static str; 3], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for _ in 0..300 {
        let name = names[usize::try_from(random(3)).unwrap()];
        let links = [
            Link::Up,
            Link::Up,
            Link::Failing,
            Link::Cut,
            Link::NoAnswers,
        ];
        apiserver.set(name, links[usize::try_from(random(5)).unwrap()]);
        sleep(Duration::from_millis(random(8_000))).await;
    }
}
