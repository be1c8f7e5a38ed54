//! Users log in with a client that nobody here wrote, at a provider that nobody here wrote, as the guide's policy of the
//! gateway has it.

use std::time::Duration;

use harness::authority::Authority;
use harness::caller::{Protocol, Request};
use harness::clients::{Login, Visit};
use harness::gateway::{Gateway, Role};
use harness::github::{GitHub, token};
use harness::manifests::{Manifests, Server, gateway_policy};
use harness::oidc_provider::{Algorithm, OidcProvider, Setup};
use harness::wait::until;
use serde_json::json;

const GATEWAY_OF_THE_GUIDE: &str = "http://mcp.127-0-0-1.sslip.io:8001";

/// Longer takes no change, however busy the machine is.
const LATE: Duration = Duration::from_secs(60);

in_both_roles! {
    async fn a_user_logs_in_once_and_calls_on_when_the_token_has_expired(role) {
        let (authority, github) = (Authority::new(), GitHub::start().await);
        let groups = json!({"groups": ["mcp"]});
        let setup = Setup::new().tls(&authority).good_for(4).user("ada", groups.clone());
        let provider = OidcProvider::start(setup).await;
        let gateway = guarded(role, &provider, &Manifests::trusting(&authority), &github).await;
        let url = format!("{}/mcp", origin(&gateway));
        let seen = Login { refreshes: 1, ..get_me("ada", 'a') }.trusting(&authority, &url).await;
        assert_eq!(seen.refreshes, 1);
        seen.assert_steps(&steps(&gateway, &provider));
        assert_eq!(seen.claims["sub"], "ada");
        assert_eq!(seen.claims["iss"], provider.issuer());
        assert_eq!(seen.claims["aud"], url);
        assert_eq!(seen.claims["groups"], groups["groups"]);
        assert!(seen.tools.contains(&"github_get_me".to_owned()), "{seen:?}");
        seen.assert_acts_as('a');
        // The token of the login is the gateway's, not the server's, which has none when it starts.
        let bearers = ['a', 'd'].map(|letter| format!("Bearer {}", token(letter)));
        let used = github.authorizations();
        assert!(used.contains(&bearers[0]), "{used:?}");
        assert!(used.iter().all(|used| used.is_empty() || bearers.contains(used)), "{used:?}");
    }

    async fn two_users_who_call_at_once_each_act_as_themselves(role) {
        let setup = Setup::new().signing(Algorithm::Es256);
        let (provider, github) = (OidcProvider::start(setup).await, GitHub::start().await);
        let gateway = guarded(role, &provider, &Manifests::gateway(), &github).await;
        let url = format!("{}/mcp", origin(&gateway));
        let [ada, bob] = [("ada", 'a'), ("bob", 'b')].map(|(user, letter)| Login { calls: 20, ..get_me(user, letter) });
        let (ada, bob) = tokio::join!(ada.run(&url), bob.run(&url));
        for (seen, user, letter) in [(ada, "ada", 'a'), (bob, "bob", 'b')] {
            assert_eq!(seen.claims["sub"], user);
            assert_eq!(seen.results.len(), 20);
            seen.assert_acts_as(letter);
        }
    }
}

/// A gateway with the guide's policy for this provider, before GitHub's server.
async fn guarded(
    role: Role,
    provider: &OidcProvider,
    manifests: &Manifests,
    github: &GitHub,
) -> Gateway {
    let server = Server::new("github", github.address())
        .authority("localhost")
        .credential(&format!("Bearer {}", token('d')))
        .swapping("x-github-pat");
    let policy = gateway_policy(&provider.issuer());
    let manifests = manifests
        .clone()
        .server(&server)
        .file("policy.yaml", &policy);
    let gateway = Gateway::start(role, &manifests).await;
    // Where it listens is known only now.
    let origin = origin(&gateway);
    assert!(policy.contains(GATEWAY_OF_THE_GUIDE), "{policy}");
    gateway.write(
        "policy.yaml",
        &policy.replace(GATEWAY_OF_THE_GUIDE, &origin),
    );
    let anonymous = Request::post("{}");
    until("who has no token is sent to the gateway", LATE, || async {
        let reply = anonymous.send(gateway.address(), Protocol::Http1).await;
        let challenge = reply.header("www-authenticate")?;
        challenge.contains(&origin).then_some(())
    })
    .await;
    gateway
}

/// Where its clients find it.
fn origin(gateway: &Gateway) -> String {
    let port = gateway.address().port();
    format!("http://mcp.127-0-0-1.sslip.io:{port}")
}

fn get_me(user: &str, letter: char) -> Login<'_> {
    let visit = Visit {
        headers: json!({"x-github-pat": token(letter)}),
        tool: "github_get_me",
        arguments: json!({}),
    };
    Login {
        user,
        password: None,
        scope: Some("openid mcp"),
        calls: 1,
        refreshes: 0,
        visit,
    }
}

/// A login, a call, and a call after the token has expired.
fn steps(gateway: &Gateway, provider: &OidcProvider) -> Vec<String> {
    let (gateway, issuer) = (origin(gateway), provider.issuer());
    let path = "/realms/mcp";
    let provider = issuer.strip_suffix(path).expect("the issuer's path");
    vec![
        format!("POST {gateway}/mcp 401"),
        format!("GET {gateway}/.well-known/oauth-protected-resource/mcp 200"),
        format!("GET {provider}/.well-known/oauth-authorization-server{path} 200"),
        format!("POST {issuer}/reg 201"),
        format!("GET {issuer}/auth 303"),
        format!("POST {issuer}/token 200"),
        format!("POST {gateway}/mcp 200"),
        format!("POST {gateway}/mcp 401"),
        format!("POST {issuer}/token 200"),
        format!("POST {gateway}/mcp 200"),
    ]
}
