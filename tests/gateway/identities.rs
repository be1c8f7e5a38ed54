//! A session belongs to the identity that has opened it: the issuer and subject of its verified token.

use harness::caller::PROTOCOLS;
use harness::github::token;
use harness::sessions::Client;
use serde_json::json;

use crate::mesh::mesh;
use harness::jwt::of;

tests! {
    async fn a_session_is_unknown_to_everybody_but_its_owner() {
        let mesh = mesh().await;
        for protocol in PROTOCOLS {
            let client = |bearer: Option<&str>| mesh.client_over(protocol, &token('s'), bearer);
            let mut owner = client(Some(&of("grace")));
            owner.initialize("2025-11-25", json!({})).await;
            assert!(owner.session.is_some());
            for bearer in [Some(of("mallory")), None] {
                let other = Client { session: owner.session.clone(), ..client(bearer.as_deref()) };
                assert_unknown(&other).await;
            }
            // A new token, of the same user.
            let renewed = Client { session: owner.session.clone(), ..client(Some(&of("grace"))) };
            renewed.call("github_get_me", json!({})).await.result();
            assert_eq!(renewed.delete().await.status, 204);
            assert_unknown(&owner).await;
        }
    }

    async fn a_session_of_somebody_unknown_is_unknown_to_those_with_a_token() {
        let mesh = mesh().await;
        let mut owner = mesh.client(&token('t'), None);
        owner.initialize("2025-11-25", json!({})).await;
        assert!(owner.session.is_some());
        let other = Client { session: owner.session.clone(), ..mesh.client(&token('t'), Some(&of("grace"))) };
        assert_unknown(&other).await;
        assert_eq!(owner.request("ping", &json!({})).await.status, 200);
        assert_eq!(owner.delete().await.status, 204);
    }
}

async fn assert_unknown(client: &Client) {
    for (method, params) in [
        ("ping", json!({})),
        ("tools/call", json!({"name": "github_get_me"})),
    ] {
        let reply = client.request(method, &params).await;
        reply.assert_error(404, -32600, &json!(1));
    }
    assert_eq!(client.delete().await.status, 404);
}
