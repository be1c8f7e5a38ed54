//! Tokens that clients show are verified between the two parts of the filter.

use harness::github::token;
use serde_json::{Value, json};

use crate::mesh::mesh;
use harness::jwt::{expired, good};

tests! {
    async fn a_good_token_passes_and_stays_in_the_gateway() {
        let mesh = mesh().await;
        let bearer = good();
        let reply = mesh.client(&token('g'), Some(&bearer)).call("github_get_me", json!({})).await;
        assert_eq!(reply.result().get("isError").unwrap_or(&json!(false)), false, "{}", reply.shown());
        let seen = mesh.github.authorizations();
        assert!(seen.contains(&format!("Bearer {}", token('g'))), "{seen:?}");
        assert!(!seen.iter().any(|seen| seen.contains(&bearer)), "{seen:?}");
    }

    async fn an_expired_token_is_answered_401_whatever_is_asked_for() {
        let mesh = mesh().await;
        let client = mesh.client(&token('e'), Some(&expired()));
        for (method, params) in requests() {
            let reply = client.request(method, &params).await;
            assert_eq!(reply.status, 401, "{method}: {}", reply.shown());
            let challenge = reply.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"), "{}", reply.shown());
        }
        assert_unseen(&mesh.github.authorizations(), 'e');
    }

    async fn a_token_that_is_none_is_answered_401_whatever_is_asked_for() {
        let mesh = mesh().await;
        let client = mesh.client(&token('n'), Some("not-a-token"));
        for (method, params) in requests() {
            let reply = client.request(method, &params).await;
            assert_eq!(reply.status, 401, "{method}: {}", reply.shown());
        }
        assert_unseen(&mesh.github.authorizations(), 'n');
    }

    /// By the AuthorizationPolicy, which stands behind the gate: it sees what is routed, and its 403 is the client's.
    async fn a_call_without_token_is_refused_and_reaches_nobody() {
        let mesh = mesh().await;
        let reply = mesh.client(&token('m'), None).call("github_get_me", json!({})).await;
        assert_eq!(reply.status, 403, "{}", reply.shown());
        assert_unseen(&mesh.github.authorizations(), 'm');
    }
}

fn requests() -> [(&'static str, Value); 2] {
    [
        ("tools/list", json!({})),
        (
            "tools/call",
            json!({"name": "github_get_me", "arguments": {}}),
        ),
    ]
}

fn assert_unseen(authorizations: &[String], letter: char) {
    let token = token(letter);
    assert!(
        !authorizations.iter().any(|seen| seen.contains(&token)),
        "{authorizations:?}"
    );
}
