use std::collections::BTreeSet;
use std::sync::Mutex;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use super::*;

/// What an apiserver answers whom it asks what control may.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Allowed,
    Denied,
    Fails,
    /// One of its authorizers does.
    Undecided,
}

/// Gives these answers in turn, the last one again and again, and serves one EnvoyFilter to everybody.
#[derive(Clone)]
struct Apiserver(Arc<Mutex<Kept>>);

struct Kept {
    answers: Vec<Answer>,
    verbs: Vec<String>,
}

impl Apiserver {
    fn with(mut answers: Vec<Answer>) -> Self {
        answers.reverse();
        let verbs = Vec::new();
        Self(Arc::new(Mutex::new(Kept { answers, verbs })))
    }

    /// What is told first of EnvoyFilters, where control attaches by WasmPlugins, and when.
    async fn first(&self) -> (Change, Duration) {
        let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let app = Router::new()
            .route(reviews, post(review))
            .route("/apis/networking.istio.io/{version}", get(kinds))
            .route(
                "/apis/networking.istio.io/{version}/envoyfilters",
                get(filters),
            )
            .with_state(self.clone());
        let client = Client::new(app, "mcp-system");
        let mut watches = Watches::new(client, Arc::default());
        let [_, filters] = attachments(Attach::WasmPlugin);
        let begun = tokio::time::Instant::now();
        watches.follow([Scope::of(filters)]);
        let (_, change) = watches.next().await;
        (change, begun.elapsed())
    }

    fn verbs(&self) -> Vec<String> {
        self.0.lock().unwrap().verbs.clone()
    }
}

async fn review(State(apiserver): State<Apiserver>, Json(mut review): Json<Value>) -> Response {
    let mut kept = apiserver.0.lock().unwrap();
    let verb = &review["spec"]["resourceAttributes"]["verb"];
    kept.verbs.extend(verb.as_str().map(str::to_owned));
    let answer = match &kept.answers[..] {
        [last] => *last,
        _ => kept.answers.pop().unwrap(),
    };
    review["status"] = match answer {
        Answer::Allowed => json!({"allowed": true}),
        Answer::Denied => json!({"allowed": false}),
        Answer::Undecided => json!({"allowed": false, "evaluationError": "webhook: no answer"}),
        Answer::Fails => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    Json(review).into_response()
}

async fn kinds() -> Json<Value> {
    let kind = json!({"name": "envoyfilters", "singularName": "envoyfilter", "namespaced": true,
        "kind": "EnvoyFilter", "verbs": ["list", "watch"]});
    Json(json!({"kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": Attach::EnvoyFilter.version(), "resources": [kind]}))
}

async fn filters() -> Json<Value> {
    let filter = json!({"metadata": {"namespace": "infra", "name": "former"}});
    Json(
        json!({"kind": "EnvoyFilterList", "apiVersion": Attach::EnvoyFilter.version(),
        "metadata": {"resourceVersion": "1"}, "items": [filter]}),
    )
}

#[tokio::test(start_paused = true)]
async fn an_apiserver_that_cannot_say_whether_control_may_list_is_asked_until_it_can() {
    use Answer::{Allowed, Fails, Undecided};
    let apiserver = Apiserver::with(vec![Fails, Fails, Undecided, Allowed, Fails, Allowed]);
    let (change, took) = apiserver.first().await;
    let Change::Listed(listed) = change else {
        panic!("{change:?}");
    };
    let names: Vec<_> = listed.iter().map(|object| name(object).name).collect();
    assert_eq!(names, ["former"]);
    assert_eq!(took.as_secs(), 4, "four pauses");
}

#[tokio::test(start_paused = true)]
async fn what_control_may_not_list_or_not_watch_is_told_as_that_and_not_asked_for() {
    use Answer::{Allowed, Denied};
    for (answers, verbs) in [
        (vec![Denied], &["list"][..]),
        (vec![Allowed, Denied], &["list", "watch"]),
    ] {
        let apiserver = Apiserver::with(answers);
        let (change, _) = apiserver.first().await;
        assert!(matches!(change, Change::Forbidden), "{change:?}");
        assert_eq!(apiserver.verbs(), verbs);
    }
}

/// Never answers the first request of each sort.
async fn deaf_at_first(
    asked: Arc<Mutex<BTreeSet<String>>>,
    request: Request,
    next: Next,
) -> Response {
    let is_watch = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("watch=true"));
    let sort = format!("{} {is_watch}", request.uri().path());
    let is_new = asked.lock().unwrap().insert(sort);
    match (is_new, is_watch) {
        (true, _) => std::future::pending().await,
        (false, false) => next.run(request).await,
        (false, true) => {
            let object = json!({"apiVersion": Attach::EnvoyFilter.version(), "kind": "EnvoyFilter",
                "metadata": {"namespace": "infra", "name": "later", "resourceVersion": "2"}});
            format!("{}\n", json!({"type": "ADDED", "object": object})).into_response()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_never_answered_is_told_counted_and_asked_for_again() {
    let asked = Arc::default();
    let deaf = move |request, next| deaf_at_first(Arc::clone(&asked), request, next);
    let app = Router::new()
        .route("/apis/networking.istio.io/{version}", get(kinds))
        .route(
            "/apis/networking.istio.io/{version}/envoyfilters",
            get(filters),
        )
        .layer(from_fn(deaf));
    let metrics = Arc::<Metrics>::default();
    let mut watches = Watches::new(Client::new(app, "mcp-system"), Arc::clone(&metrics));
    watches.follow([Scope::of(Resource::Attachment(Attach::EnvoyFilter))]);
    let all = async {
        let (_, listed) = watches.next().await;
        assert!(matches!(listed, Change::Listed(_)), "{listed:?}");
        let (_, put) = watches.next().await;
        assert!(matches!(put, Change::Put(_)), "{put:?}");
    };
    let patience = Duration::from_secs(5 * 60);
    tokio::time::timeout(patience, all)
        .await
        .expect("the watch goes on");
    let counted = "mcp_control_watch_errors_total{kind=\"EnvoyFilter\"} 3\n";
    let told = metrics.text();
    assert!(
        told.contains(counted),
        "of the kind, the list and the watch: {told}"
    );
}
