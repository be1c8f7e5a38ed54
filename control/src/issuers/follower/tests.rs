use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

const TIMING: Timing = Timing {
    request: Duration::from_secs(10),
    every: Duration::from_secs(3600),
    first_retry: Duration::from_millis(1),
    longest_retry: Duration::from_millis(1),
};

/// Serves what `answer` makes of its own URL, of the path that is asked for, and of how often it was asked before.
async fn serve(
    answer: impl Fn(&str, &str, usize) -> (StatusCode, String) + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (own, asked) = (url.clone(), Arc::new(AtomicUsize::new(0)));
    let answer = Arc::new(answer);
    let answer = move |uri: Uri| {
        let answer = answer(&own, uri.path(), asked.fetch_add(1, Ordering::Relaxed));
        async move { answer }
    };
    let server = axum::serve(listener, Router::new().fallback(answer));
    tokio::spawn(server.into_future());
    url
}

fn metadata(url: &str) -> String {
    json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string()
}

fn issuer(url: &str) -> TokenIssuer {
    TokenIssuer {
        url: url.to_owned(),
        authorities: Ok(None),
        policies: Vec::new(),
    }
}

async fn first(issuer: TokenIssuer) -> Result<String, String> {
    let mut follower = Follower::new(Authorities::File("/nonexistent".into()), TIMING);
    follower.follow(&[issuer]);
    follower.next().await.keys.map(|url| url.to_string())
}

/// One that has its metadata at this path alone.
async fn serve_at(place: &'static str) -> String {
    serve(move |own, path, _| match path == place {
        true => (StatusCode::OK, metadata(own)),
        false => (StatusCode::NOT_FOUND, String::new()),
    })
    .await
}

#[tokio::test]
async fn an_issuer_is_asked_where_its_keys_are() {
    let url = serve_at("/.well-known/openid-configuration").await;
    assert_eq!(first(issuer(&url)).await, Ok(format!("{url}/keys")));
}

#[tokio::test]
async fn one_that_is_no_openid_provider_is_asked_as_an_authorization_server() {
    let url = serve_at("/.well-known/oauth-authorization-server").await;
    assert_eq!(first(issuer(&url)).await, Ok(format!("{url}/keys")));
}

#[tokio::test]
async fn a_name_that_says_its_address_needs_no_name_server() {
    let url = serve(|own, _, _| {
        let port = own.rsplit(':').next().unwrap();
        let named = format!("http://issuer.127-0-0-1.sslip.io:{port}");
        (StatusCode::OK, metadata(&named))
    })
    .await;
    let port = url.rsplit(':').next().unwrap();
    let named = format!("http://issuer.127-0-0-1.sslip.io:{port}");
    assert_eq!(first(issuer(&named)).await, Ok(format!("{named}/keys")));
}

#[tokio::test]
async fn what_keeps_an_issuer_from_answering_is_told() {
    let absent = serve(|_, _, _| (StatusCode::NOT_FOUND, String::new())).await;
    let expected = format!(
        "{absent}/.well-known/openid-configuration answers 404, and {absent}/.well-known/oauth-authorization-server \
         answers 404"
    );
    assert_eq!(first(issuer(&absent)).await, Err(expected));
    let moved = serve(|_, _, _| (StatusCode::FOUND, String::new())).await;
    assert!(
        first(issuer(&moved))
            .await
            .unwrap_err()
            .contains("answers 302")
    );
    let large = serve(|_, _, _| (StatusCode::OK, " ".repeat(LARGEST + 1))).await;
    assert!(
        first(issuer(&large))
            .await
            .unwrap_err()
            .contains("has more than")
    );
    let closed = "http://127.0.0.1:1";
    let told = first(issuer(closed)).await.unwrap_err();
    let place = format!("{closed}/.well-known/openid-configuration cannot be read: ");
    assert!(told.starts_with(&place), "{told}");
    let told = first(issuer("https://127.0.0.1:1")).await.unwrap_err();
    assert!(told.starts_with("/nonexistent: "), "{told}");
}

#[test]
fn the_authorities_of_mozillas_list_are_a_hundred_and_more() {
    assert!(Authorities::WellKnown.certificates().unwrap().len() > 100);
}

#[tokio::test]
async fn an_issuer_that_fails_is_asked_again() {
    let url = serve(|own, _, before| match before {
        // Two places for each question.
        0..4 => (StatusCode::BAD_GATEWAY, String::new()),
        _ => (StatusCode::OK, metadata(own)),
    })
    .await;
    let mut follower = Follower::new(Authorities::File("/nonexistent".into()), TIMING);
    follower.follow(&[issuer(&url)]);
    for _ in 0..2 {
        assert!(follower.next().await.keys.is_err());
    }
    assert!(follower.next().await.keys.is_ok());
}

#[tokio::test]
async fn who_is_followed_already_is_asked_anew_only_where_others_vouch_for_it() {
    let url = serve(|own, _, _| (StatusCode::OK, metadata(own))).await;
    let other = serve(|own, _, _| (StatusCode::OK, metadata(own))).await;
    let mut follower = Follower::new(Authorities::File("/nonexistent".into()), TIMING);
    follower.follow(&[issuer(&url)]);
    assert_eq!(follower.next().await.issuer, url);
    let task = |follower: &Follower| follower.followed[&url].task.id();
    let before = task(&follower);
    let policies = vec![ObjectName::parse("infra/another").unwrap()];
    let known = TokenIssuer {
        policies,
        ..issuer(&url)
    };
    follower.follow(&[known.clone(), issuer(&other)]);
    assert_eq!(task(&follower), before);
    let event = follower.next().await;
    assert!(event.issuer == other && event.keys.is_ok());
    let trusted = TokenIssuer {
        authorities: Ok(Some(String::new())),
        ..known
    };
    follower.follow(&[trusted]);
    assert_ne!(task(&follower), before);
    assert_eq!(follower.next().await.issuer, url);
}

#[tokio::test]
async fn whom_nobody_could_trust_is_not_asked() {
    let fault = Fault::new(Reason::CertificateInvalid, "no certificates");
    let untrusted = TokenIssuer {
        authorities: Err(fault),
        ..issuer("http://127.0.0.1:1")
    };
    let mut follower = Follower::new(Authorities::File("/nonexistent".into()), TIMING);
    follower.follow(&[untrusted]);
    assert!(follower.followed.is_empty());
}
