use super::*;
use crate::labels::{COMPONENT, label};

type Make = fn(Attach, &ObjectName, &Image, &PluginConfig) -> Result<Vec<Value>, Unwritable>;

fn gateway() -> ObjectName {
    ObjectName {
        namespace: "gateways".to_owned(),
        name: "public".to_owned(),
    }
}

fn image(digits: &str) -> Image {
    let image = format!("oci://r/n@sha256:{}", digits.repeat(32));
    image.parse().unwrap()
}

fn made(make: Make, attach: Attach) -> Vec<Value> {
    let config = serde_json::from_str(r#"{"version": 1, "role": "hold"}"#).unwrap();
    make(attach, &gateway(), &image("0a"), &config).unwrap()
}

/// The patches of HTTP filters: what is done, beside which filter, and with which.
fn patches(filter: &Value) -> Vec<(String, String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let patches = filter["spec"]["configPatches"].as_array().unwrap().iter();
    let patches = patches.filter(|patch| patch["applyTo"] == "HTTP_FILTER");
    let patches = patches.map(|patch| {
        let beside = &patch["match"]["listener"]["filterChain"]["filter"]["subFilter"]["name"];
        let (operation, value) = (&patch["patch"]["operation"], &patch["patch"]["value"]);
        (
            text(operation).unwrap(),
            text(beside).unwrap(),
            text(&value["name"]),
        )
    });
    patches.collect()
}

/// What istiod makes of a chain of filters by these patches: each acts on the first filter of the name alone, but that all
/// of a name are removed.
fn patched(filter: &Value, chain: &[&str]) -> Vec<String> {
    let mut chain: Vec<_> = chain.iter().map(|name| (*name).to_owned()).collect();
    for (operation, beside, value) in patches(filter) {
        let place = chain.iter().position(|name| *name == beside);
        match (operation.as_str(), place, value) {
            ("INSERT_AFTER", Some(place), Some(value)) => chain.insert(place + 1, value),
            ("INSERT_BEFORE", Some(place), Some(value)) => chain.insert(place, value),
            ("REMOVE", _, None) => chain.retain(|name| *name != beside),
            (_, None, _) => {}
            other => panic!("{other:?}"),
        }
    }
    chain
}

#[test]
fn only_what_control_manages_is_labelled_so() {
    for attach in Attach::ALL {
        let pairs = made(managed_attachment, attach)
            .into_iter()
            .zip(made(attachment, attach));
        for (mut own, users) in pairs {
            let labels = own["metadata"]["labels"].as_object_mut().unwrap();
            assert_eq!(labels.remove(MANAGED_BY), Some(PROGRAM.into()));
            assert_eq!(own, users);
        }
    }
}

#[test]
fn the_objects_are_told_by_their_labels_and_the_whole_configuration_is_found() {
    for attach in Attach::ALL {
        let objects = made(attachment, attach);
        let components: Vec<_> = objects
            .iter()
            .filter_map(|object| label(object, COMPONENT))
            .collect();
        assert_eq!(components, attach.components());
        for object in &objects {
            assert_eq!(object["kind"], attach.kind());
            assert_eq!(object["apiVersion"], attach.version());
            let url = object.pointer(attach.url_place());
            assert_eq!(url, Some(&image("0a").to_string().into()));
            let config = attach.config(object).unwrap();
            assert_eq!(
                Some(config["role"].as_str().unwrap()),
                label(object, COMPONENT)
            );
        }
        assert!(components.contains(&attach.whole()));
    }
}

#[test]
fn an_envoy_filter_is_the_same_object_with_any_image_and_may_stop_at_the_headers() {
    let config = serde_json::from_str(r#"{"version": 1, "role": "hold"}"#).unwrap();
    let with = |digits| {
        let made = attachment(Attach::EnvoyFilter, &gateway(), &image(digits), &config);
        made.unwrap().remove(0)
    };
    let (one, other) = (with("0a"), with("0b"));
    assert_eq!(one["metadata"]["name"], envoy_filter_name(&gateway()));
    assert_eq!(other["metadata"]["name"], one["metadata"]["name"]);
    assert_eq!(patches(&one), patches(&other), "no listener is another");
    let extension = &one["spec"]["configPatches"][0]["patch"]["value"];
    let plugin = &extension["typed_config"]["config"];
    assert_eq!(plugin["allow_on_headers_stop_iteration"], true);
    assert_eq!(plugin["failure_policy"], "FAIL_RELOAD");
    let remote = &plugin["vm_config"]["code"]["remote"];
    assert_eq!(remote["sha256"], "0a".repeat(32));
    let subscribed = patches(&one).into_iter().filter_map(|(_, _, name)| name);
    let subscribed: Vec<_> = subscribed
        .filter(|name| extension["name"] == **name)
        .collect();
    assert_eq!(subscribed.len(), 1, "the name by which Envoy asks for it");
}

#[test]
fn one_instance_stands_behind_the_verification_of_tokens_and_before_the_policies() {
    let filter = made(attachment, Attach::EnvoyFilter).remove(0);
    let [jwt, rbac, wasm, grpc, router] = [
        "envoy.filters.http.jwt_authn",
        "envoy.filters.http.rbac",
        "extensions.istio.io/wasmplugin/a.b",
        "envoy.filters.http.grpc_stats",
        "envoy.filters.http.router",
    ];
    let (hold, custom) = ("mcp-hold", "envoy.filters.http.ext_authz");
    for (chain, wanted) in [
        (vec![grpc, router], vec![hold, grpc, router]),
        (vec![router], vec![hold, router]),
        (vec![jwt, grpc, router], vec![jwt, hold, grpc, router]),
        (
            vec![rbac, rbac, grpc, router],
            vec![hold, rbac, rbac, grpc, router],
        ),
        // What an AuthorizationPolicy with action CUSTOM makes cannot be told from other RBAC.
        (
            vec![rbac, custom, jwt, grpc, router],
            vec![hold, rbac, custom, jwt, grpc, router],
        ),
        (
            vec![wasm, jwt, wasm, rbac, grpc, router],
            vec![wasm, jwt, hold, wasm, rbac, grpc, router],
        ),
    ] {
        assert_eq!(patched(&filter, &chain), wanted, "{chain:?}");
    }
}
