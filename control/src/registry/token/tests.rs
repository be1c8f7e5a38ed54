use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::*;
use crate::tls::plain_client;

/// A registry whose token service is at `/token` of it.
struct Fake {
    address: SocketAddr,
    /// What the token service got: its `authorization` and its query.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

/// What the two answer.
#[derive(Clone)]
struct Answers {
    /// To everybody, with this status.
    challenge: (StatusCode, String),
    /// The token service's.
    token: (StatusCode, &'static str),
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Fake {
    /// One that names a token service of this host, with this answer.
    async fn start(host: &str, status: u16) -> Self {
        Self::answering(host, 401, (status, r#"{"token": "granted"}"#)).await
    }

    /// The same where the registry has this status, and the token service this answer.
    async fn answering(host: &str, status: u16, granting: (u16, &'static str)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::default();
        let answers = Answers {
            challenge: (
                StatusCode::from_u16(status).unwrap(),
                format!(
                    r#"Bearer realm="http://{host}:{}/token",service="tests""#,
                    address.port()
                ),
            ),
            token: (StatusCode::from_u16(granting.0).unwrap(), granting.1),
            asked: Arc::clone(&asked),
        };
        let routes = Router::new()
            .route("/v2/", get(challenge))
            .route("/token", get(token))
            .with_state(answers);
        tokio::spawn(async { axum::serve(listener, routes).await.unwrap() });
        Self { address, asked }
    }

    async fn access(&self, login: RegistryAuth) -> Result<RegistryAuth, Unreadable> {
        let http = plain_client().build().unwrap();
        let way = Way {
            http,
            is_plain: true,
        };
        let image = format!("{}/team/filter", self.address);
        way.access(&image.parse().unwrap(), login).await
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn challenge(State(answers): State<Answers>) -> Response {
    let (status, challenge) = answers.challenge;
    (status, [("www-authenticate", challenge)]).into_response()
}

async fn token(
    State(answers): State<Answers>,
    uri: axum::http::Uri,
    headers: HeaderMap,
) -> Response {
    let word = headers.get("authorization");
    let word = word.map_or("", |word| word.to_str().unwrap()).to_owned();
    let query = uri.query().unwrap_or_default().to_owned();
    answers.asked.lock().unwrap().push((word, query));
    answers.token.into_response()
}

fn login() -> RegistryAuth {
    RegistryAuth::Basic("reader".to_owned(), "secret".to_owned())
}

#[tokio::test]
async fn a_login_is_changed_for_the_token_of_the_token_service() {
    let fake = Fake::start("127.0.0.1", 200).await;
    let granted = RegistryAuth::Bearer("granted".to_owned());
    assert_eq!(fake.access(login()).await.unwrap(), granted);
    assert_eq!(fake.access(RegistryAuth::Anonymous).await.unwrap(), granted);
    let query = "service=tests&scope=repository%3Ateam%2Ffilter%3Apull".to_owned();
    // "reader:secret"
    let word = "Basic cmVhZGVyOnNlY3JldA==".to_owned();
    assert_eq!(
        fake.asked(),
        [(word, query.clone()), (String::new(), query)]
    );
}

#[tokio::test]
async fn a_token_has_either_of_its_names_or_both() {
    for body in [
        r#"{"token": "granted"}"#,
        r#"{"access_token": "granted", "expires_in": 300}"#,
        r#"{"token": "granted", "access_token": "granted"}"#,
        r#"{"token": null, "access_token": "granted"}"#,
    ] {
        let fake = Fake::answering("127.0.0.1", 401, (200, body)).await;
        let granted = fake.access(login()).await.unwrap();
        assert_eq!(
            granted,
            RegistryAuth::Bearer("granted".to_owned()),
            "{body}"
        );
    }
    let fake = Fake::answering("127.0.0.1", 401, (200, r#"{"expires_in": 300}"#)).await;
    let told = fake.access(login()).await.unwrap_err().to_string();
    assert!(told.contains("its answer has no token"), "{told}");
}

#[tokio::test]
async fn a_registry_that_asks_for_no_login_gets_none() {
    let token = (200, r#"{"token": "granted"}"#);
    let open = Fake::answering("127.0.0.1", 200, token).await;
    assert_eq!(open.access(login()).await.unwrap(), RegistryAuth::Anonymous);
    for status in [429, 502] {
        let busy = Fake::answering("127.0.0.1", status, token).await;
        let told = busy.access(login()).await.unwrap_err().to_string();
        assert!(told.contains(&format!("it answers {status}")), "{told}");
        assert_eq!(busy.asked(), [], "it is given nothing");
    }
}

#[tokio::test]
async fn a_token_service_that_does_not_work_is_told_as_that() {
    let fake = Fake::start("127.0.0.1", 503).await;
    let told = fake.access(login()).await.unwrap_err().to_string();
    let port = fake.address.port();
    assert!(told.contains(&format!("http://127.0.0.1:{port}")), "{told}");
    assert!(told.contains("it answers 503"), "{told}");
    let fake = Fake::start("127.0.0.1", 401).await;
    let refused = fake.access(login()).await.unwrap_err();
    assert!(matches!(refused, Unreadable::Unauthorized), "{refused}");
}

#[tokio::test]
async fn a_login_goes_in_clear_to_no_other_host() {
    let fake = Fake::start("localhost", 200).await;
    let refused = fake.access(login()).await.unwrap_err();
    assert!(matches!(refused, Unreadable::InClear(_)), "{refused}");
    assert_eq!(fake.asked(), []);
}

#[test]
fn a_login_goes_to_whom_the_registry_names_with_tls() {
    let way = |is_plain| Way {
        http: plain_client().build().unwrap(),
        is_plain,
    };
    for (realm, with_tls, without) in [
        ("https://auth.example.com/token", true, true),
        ("https://registry.example.com/token", true, true),
        ("http://registry.example.com:8080/token", false, true),
        ("http://auth.example.com/token", false, false),
        (
            "http://registry.example.com.evil.example/token",
            false,
            false,
        ),
    ] {
        let realm = realm.parse().unwrap();
        let registry = "registry.example.com:5000";
        assert_eq!(way(false).may_have_login(&realm, registry), with_tls);
        assert_eq!(
            way(true).may_have_login(&realm, registry),
            without,
            "{realm}"
        );
    }
}
