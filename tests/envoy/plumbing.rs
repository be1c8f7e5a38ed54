//! The servers and clients work with each other when no gateway stands between them: what fails elsewhere is the
//! gateway's doing.

use std::net::TcpListener;

use harness::authority::Authority;
use harness::caller::Protocol;
use harness::clients::{Sdk, Visit};
use harness::everything::Everything;
use harness::github::{GitHub, login, token};
use harness::oidc_provider::{Algorithm, HOST, OidcProvider, Setup};
use harness::port::Port;
use harness::raw_upstream::RawUpstream;
use harness::script::{ODD_NAME, Script, TRAILER};
use harness::sessions::Client;
use harness::upstream::Upstream;
use serde_json::{Value, json};
use tokio::net::TcpStream;

tests! {
    async fn a_held_port_is_for_those_who_name_it_and_for_nobody_else() {
        let held: Vec<_> = (0..100).map(|_| Port::hold()).collect();
        let chosen: Vec<_> = (0..400).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        for port in &held {
            assert!(chosen.iter().all(|listener| listener.local_addr().unwrap() != port.address()));
            for _ in 0..2 {
                let _listener = TcpListener::bind(port.address()).unwrap();
                assert!(TcpListener::bind(port.address()).is_err());
            }
        }
    }

    async fn server_everything_and_the_raw_client_understand_each_other() {
        let server = Everything::start().await;
        let client = Client::connected(server.address(), Protocol::Http1).await;
        assert!(client.session.is_some());
        let reply = client.call("echo", json!({"message": "direct"})).await;
        assert_eq!(reply.result()["content"][0]["text"], "Echo: direct");
    }

    async fn github_mcp_server_tells_the_login_that_belongs_to_the_token() {
        let server = GitHub::start().await;
        for letter in ['a', 'b'] {
            let bearer = format!("Bearer {}", token(letter));
            let client = Client::new(server.address(), Protocol::Http1).header("authorization", bearer);
            let reply = client.call("get_me", json!({})).await;
            let text = reply.result()["content"][0]["text"].clone();
            let me: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
            assert_eq!(me["login"], login(&token(letter)));
        }
        let without = Client::new(server.address(), Protocol::Http1).call("get_me", json!({})).await;
        assert_eq!(without.status, 401);
    }

    async fn every_sdk_visits_server_everything() {
        let server = Everything::start().await;
        let url = format!("http://{}/mcp", server.address());
        let visit = Visit { headers: json!({}), tool: "trigger-elicitation-request", arguments: json!({}) };
        for sdk in [Sdk::TypeScript, Sdk::TypeScriptClient, Sdk::Python, Sdk::FastMcp] {
            let visited = sdk.visit(&url, &visit).await;
            assert!(visited.tools.contains(&"echo".to_owned()), "{sdk:?}: {visited:?}");
            assert!(visited.asked.contains(&"elicitation/create".to_owned()), "{sdk:?}: {visited:?}");
            assert!(visited.result.to_string().contains("Ada"), "{sdk:?}: {visited:?}");
        }
    }

    async fn claude_code_connects_to_the_scripted_server() {
        let server = Upstream::start(Script::standard().with_sessions()).await;
        let said = harness::clients::claude_mcp_list(&format!("http://{}/mcp", server.address()), &["x-a: b"]).await;
        assert!(said.contains("Connected"), "{said}");
        assert!(server.received().iter().all(|request| request.header("x-a") == Some("b")));
    }

    async fn the_scripted_server_echoes_and_keeps_what_it_got() {
        for protocol in harness::caller::PROTOCOLS {
            let server = Upstream::start(Script::standard().with_sessions()).await;
            let client = Client::connected(server.address(), protocol).await;
            let body = r#"{"params":{"arguments":{"n":1E400},"name":"echo"},"id":"x","method":"tools/call","jsonrpc":"2.0"}"#;
            let reply = client.send(body).await;
            assert_eq!(reply.text(), r#"{"jsonrpc":"2.0","id":"x","result":{"content":[],"structuredContent":{"params":{"arguments":{"n":1E400},"name":"echo"}}}}"#);
            assert_eq!(server.call_from(client.mark()).text(), body);
            let tools = client.list("tools/list", "tools").await;
            assert!(tools.iter().any(|tool| tool.contains("1.10E+300")));
            assert!(tools.iter().any(|tool| serde_json::from_str::<Value>(tool).is_ok_and(|tool| tool["name"] == ODD_NAME)));
            assert_eq!(client.delete().await.status, 204);
            assert_eq!(client.call("echo", json!({})).await.status, 404);
        }
    }

    async fn trailers_pass_between_the_raw_client_and_the_scripted_server() {
        let server = Upstream::start(Script::standard()).await;
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo_trailer"}}"#;
        let request = harness::caller::Request::post(call).trailer("x-of-the-client", "sent");
        let reply = request.send(server.address(), Protocol::Http2).await;
        assert_eq!(reply.trailers, [(TRAILER.0.to_owned(), TRAILER.1.as_bytes().to_vec())]);
        assert_eq!(server.received()[0].trailers["x-of-the-client"], "sent");
    }

    async fn the_scripted_server_breaks_off_visibly() {
        for protocol in harness::caller::PROTOCOLS {
            let server = Upstream::start(Script::standard()).await;
            let client = Client::new(server.address(), protocol);
            for tool in ["cut_json", "cut_stream"] {
                assert!(!client.call(tool, json!({})).await.complete, "{tool} over {protocol:?}");
            }
            assert!(client.call("echo_stream", json!({})).await.complete);
        }
    }

    async fn the_scripted_server_asks_and_gets_its_answer() {
        let server = Upstream::start(Script::standard()).await;
        let client = Client::new(server.address(), Protocol::Http1);
        for tool in ["elicit_number_id", "elicit_string_id", "elicit_odd_id"] {
            let mut call = client.open_call(tool, json!({})).await;
            let question = call.event().await.unwrap();
            let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}});
            assert_eq!(client.send(answer.to_string()).await.status, 202);
            let last = call.event().await.unwrap();
            assert_eq!(last["result"]["structuredContent"]["answer"], answer);
        }
    }

    async fn a_hanging_call_is_noticed_to_end_when_its_client_leaves() {
        for protocol in harness::caller::PROTOCOLS {
            let server = Upstream::start(Script::standard()).await;
            let client = Client::new(server.address(), protocol);
            let call = client.open_call("hang_stream", json!({})).await;
            server.until_hanging(1).await;
            drop(call);
            server.until_hanging(0).await;
        }
    }

    async fn the_raw_server_passes_tame_calls_on() {
        let server = RawUpstream::start().await;
        let client = Client::new(server.address(), Protocol::Http1);
        assert_eq!(client.call("echo", json!({"a": 1})).await.result()["structuredContent"]["params"]["arguments"]["a"], 1);
        let call = harness::caller::Request::post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"closes"}}"#);
        assert!(call.try_open(server.address(), Protocol::Http1).await.is_err());
    }

    async fn the_provider_tells_the_same_of_itself_where_openid_and_oauth_have_it() {
        let provider = OidcProvider::start(Setup::new()).await;
        let told = provider.get("/.well-known/openid-configuration").await;
        let told: Value = serde_json::from_str(told.text()).unwrap();
        assert_eq!(told, provider.metadata().await);
        assert_eq!(told["issuer"], provider.issuer());
        assert_eq!(told["jwks_uri"], format!("{}/jwks", provider.issuer()));
        assert_eq!(told["registration_endpoint"], format!("{}/reg", provider.issuer()));
        assert_eq!(told["code_challenge_methods_supported"], json!(["S256"]));
    }

    async fn the_provider_speaks_tls_in_its_name() {
        let authority = Authority::new();
        let provider = OidcProvider::start(Setup::new().tls(&authority)).await;
        assert!(provider.issuer().starts_with(&format!("https://{HOST}:")));
        assert!(authority.knows(provider.address(), HOST).await);
        assert!(!Authority::new().knows(provider.address(), HOST).await);
    }

    async fn the_provider_rotates_replaces_and_withholds_its_keys() {
        for (algorithm, kind) in [(Algorithm::Es256, "EC"), (Algorithm::Rs256, "RSA")] {
            let provider = OidcProvider::start(Setup::new().signing(algorithm)).await;
            let first = key_ids(&provider).await;
            provider.rotate_keys().await;
            let [new, old] = key_ids(&provider).await.try_into().unwrap();
            assert_eq!([old], *first);
            assert_ne!([new], *first);
            provider.replace_keys().await;
            let replaced = key_ids(&provider).await;
            assert_eq!(replaced.len(), 1);
            provider.withhold_keys().await;
            assert_eq!(provider.get("/jwks").await.status, 500);
            provider.publish_keys().await;
            let published: Value = serde_json::from_str(provider.get("/jwks").await.text()).unwrap();
            assert_eq!(published["keys"][0]["kid"], replaced[0]);
            assert_eq!(published["keys"][0]["kty"], kind);
        }
    }

    async fn the_provider_comes_back_at_its_place_with_its_keys_where_it_keeps_them() {
        for keeps in [true, false] {
            let setup = Setup::new().signing(Algorithm::Es256);
            let mut provider = OidcProvider::start(if keeps { setup.keeping_keys() } else { setup }).await;
            provider.rotate_keys().await;
            let (issuer, before) = (provider.issuer(), key_ids(&provider).await);
            provider.kill().await;
            assert!(TcpStream::connect(provider.address()).await.is_err());
            provider.start_again().await;
            assert_eq!(provider.issuer(), issuer);
            assert_eq!(key_ids(&provider).await == before, keeps);
        }
    }
}

/// Of the provider's keys, the one that signs first.
async fn key_ids(provider: &OidcProvider) -> Vec<String> {
    let reply = provider.get("/jwks").await;
    let told: Value = serde_json::from_str(reply.text()).unwrap();
    let keys = told["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}
