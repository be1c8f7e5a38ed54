//! Part 2 of the newer guide, with the TypeScript SDK's client and a user who fills Keycloak's forms in.

use harness::clients::{Login, Visit};
use harness::github::token;
use harness::keycloak::{Realm, user};
use serde_json::json;

use crate::guide::Guide;

/// What step 8 has the gateway answer to who has no token.
const UNAUTHENTICATED: &str = "Access denied: Authentication required.";

in_both_roles! {
    async fn two_users_log_in_by_part_2_and_without_it_part_1_is_back(role, keycloak) {
        let guide = Guide::start(role, &keycloak).await;
        guide.assert_is_part_1().await;

        guide.apply_step_8(&keycloak, Realm::Mcp).await;
        assert_is_asked_to_log_in(&guide).await;
        guide.apply_step_9();
        let [mona, otto] = [user("mcp", 'a'), user("mcp2", 'b')].map(|user| Login { calls: 5, ..user });
        let (authority, url) = (keycloak.authority(), guide.url());
        let (mona, otto) = tokio::join!(mona.trusting(authority, &url), otto.trusting(authority, &url));
        for (seen, name, letter) in [(&mona, "mcp", 'a'), (&otto, "mcp2", 'b')] {
            seen.assert_steps(&keycloak.login(&guide.origin()));
            assert_eq!(seen.claims["iss"], keycloak.issuer(Realm::Mcp));
            assert_eq!(seen.claims["preferred_username"], name);
            assert!(seen.tools.contains(&"github_get_me".to_owned()), "{seen:?}");
            assert_eq!(seen.results.len(), 5);
            seen.assert_acts_as(letter);
        }
        assert_ne!(mona.claims["sub"], otto.claims["sub"]);
        assert_github_got_only(&guide, &['a', 'b', 'd']);

        guide.delete_part_2().await;
        guide.assert_is_part_1().await;
    }

    async fn a_user_who_logs_in_without_a_pat_gets_the_tools_and_the_routes_answer(role, keycloak) {
        let guide = Guide::start(role, &keycloak).await;
        guide.apply_step_8(&keycloak, Realm::Mcp).await;
        guide.apply_step_9();
        let visit = Visit { headers: json!({}), ..user("mcp", 'a').visit };
        let login = Login { visit, ..user("mcp", 'a') };
        let seen = login.trusting(keycloak.authority(), &guide.url()).await;
        assert!(seen.tools.contains(&"github_get_me".to_owned()), "{seen:?}");
        let refused = seen.results[0]["error"].to_string();
        assert!(refused.contains("Missing required x-github-pat header"), "{seen:?}");
        assert_github_got_only(&guide, &['d']);
    }

    async fn a_token_that_has_expired_is_refreshed_while_its_user_works_on(role, keycloak) {
        let guide = Guide::start(role, &keycloak).await;
        guide.apply_step_8(&keycloak, Realm::Brief).await;
        guide.apply_step_9();
        // Envoy takes a token for a minute after its end.
        let login = Login { refreshes: 1, ..user("mcp", 'a') };
        let seen = login.trusting(keycloak.authority(), &guide.url()).await;
        let token = format!("POST {}/protocol/openid-connect/token 200", keycloak.issuer(Realm::Brief));
        let (refused, called) = (format!("POST {} 401", guide.url()), format!("POST {} 200", guide.url()));
        seen.assert_steps(&[&token, &called, &refused, &token, &called].map(String::clone));
        seen.assert_acts_as('a');
        // No second time.
        let forms = seen.steps.iter().filter(|step| step.contains("/login-actions/authenticate "));
        assert_eq!(forms.count(), 1, "{:#?}", seen.steps);
    }
}

/// By the policy's own words, and by the address of the gateway's metadata, which anybody may read.
async fn assert_is_asked_to_log_in(guide: &Guide) {
    let refused = guide.anonymous().await;
    let metadata = format!(
        "{}/.well-known/oauth-protected-resource/mcp",
        guide.origin()
    );
    assert_eq!(
        refused.header("www-authenticate"),
        Some(&*format!("Bearer resource_metadata={metadata}"))
    );
    assert_eq!(refused.message()["message"], UNAUTHENTICATED);
}

/// No token of Keycloak's has come to GitHub, and no PAT but these.
fn assert_github_got_only(guide: &Guide, letters: &[char]) {
    let pats: Vec<_> = letters
        .iter()
        .map(|&letter| format!("Bearer {}", token(letter)))
        .collect();
    let used = guide.github.authorizations();
    for pat in &pats {
        assert!(used.contains(pat), "{pat} in {used:?}");
    }
    assert!(
        used.iter()
            .all(|used| used.is_empty() || pats.contains(used)),
        "{used:?}"
    );
}
