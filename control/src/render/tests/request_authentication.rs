use mcp_filter_config::{Authentication, Denial, Issuer, PluginConfig};
use serde_json::json;

use super::{Findings, Manifests};
use crate::object::ObjectName;
use crate::render::request_authentication;

fn config(issuers: &[&str]) -> PluginConfig {
    let index = Manifests::one_server().index();
    let mut config = Findings::default().render(&index).config;
    let issuer = |issuer: &&str| Issuer {
        issuer: (*issuer).to_owned(),
        audiences: Vec::new(),
    };
    config.endpoints[0].authentication = (!issuers.is_empty()).then(|| Authentication {
        policy: "infra/p".to_owned(),
        issuers: issuers.iter().map(issuer).collect(),
        denial: Denial {
            status: 401,
            headers: Vec::new(),
            body: String::new(),
        },
        tells_metadata: false,
        rules: Vec::new(),
    });
    config
}

fn gateway() -> ObjectName {
    ObjectName {
        namespace: "infra".to_owned(),
        name: "gw".to_owned(),
    }
}

#[test]
fn each_issuer_has_a_rule_and_the_whole_gateway_is_meant() {
    let config = config(&[
        "https://b.example.com",
        "https://a.example.com",
        "https://b.example.com",
    ]);
    let object = request_authentication(&gateway(), &config, |_| None)
        .unwrap()
        .unwrap();
    assert_eq!(object["metadata"]["name"], "mcp-authentication-gw");
    assert_eq!(object["metadata"]["namespace"], "infra");
    assert_eq!(
        object["metadata"]["labels"]["app.kubernetes.io/instance"],
        "gw"
    );
    assert_eq!(
        object["metadata"]["labels"]["app.kubernetes.io/managed-by"],
        "mcp-control"
    );
    assert_eq!(object["spec"]["targetRefs"][0]["name"], "gw");
    let places = json!([{"name": "Authorization", "prefix": "Bearer "}]);
    let rule =
        |issuer| json!({"issuer": issuer, "forwardOriginalToken": true, "fromHeaders": places});
    let rules = [rule("https://a.example.com"), rule("https://b.example.com")];
    assert_eq!(object["spec"]["jwtRules"], json!(rules));
}

#[test]
fn a_gateway_whose_endpoints_are_open_has_none() {
    assert_eq!(
        request_authentication(&gateway(), &config(&[]), |_| None).unwrap(),
        None
    );
}

#[test]
fn where_an_issuer_has_its_keys_is_said_if_istio_takes_it() {
    let config = config(&["https://a.example.com", "https://b.example.com"]);
    let named = |bytes| format!("https://a.example.com/{}", "k".repeat(bytes));
    let rule = |keys: String| {
        let keys = |issuer: &str| (issuer == "https://a.example.com").then(|| keys.clone());
        let object = request_authentication(&gateway(), &config, keys);
        object.unwrap().unwrap()["spec"]["jwtRules"].clone()
    };
    let longest = named(2048 - "https://a.example.com/".len());
    let rules = rule(longest.clone());
    assert_eq!(rules[0]["jwksUri"], longest);
    assert_eq!(rules[1].get("jwksUri"), None);
    let rules = rule(format!("{longest}k"));
    assert_eq!(rules[0].get("jwksUri"), None);
}
