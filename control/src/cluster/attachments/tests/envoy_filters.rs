//! EnvoyFilters, and pairs beside them.

use super::*;
use crate::labels::VERSION;
use crate::render::{envoy_filter_name, managed_attachment};

fn made(attach: Attach, image: &Image) -> Vec<Value> {
    let config = serde_json::from_value(json!({"version": 1, "role": "hold"})).unwrap();
    managed_attachment(attach, &gateway(), image, &config).unwrap()
}

fn filter(digit: &str) -> Value {
    made(Attach::EnvoyFilter, &image(digit)).remove(0)
}

fn filter_name() -> Attachment {
    Attachment {
        attach: Attach::EnvoyFilter,
        name: ObjectName {
            namespace: "infra".to_owned(),
            name: envoy_filter_name(&gateway()),
        },
    }
}

#[test]
fn each_takes_the_place_of_the_other_and_comes_before_that_goes() {
    let (pair, filter) = (made(Attach::WasmPlugin, &image("a")), filter("a"));
    let actions = known(&pair).manage(&gateway(), std::slice::from_ref(&filter));
    let [Action::Apply(first), Action::Delete(_), Action::Delete(_)] = &actions[..] else {
        panic!("{actions:?}");
    };
    assert_eq!(*first, filter);
    let actions = known(&[filter]).manage(&gateway(), &pair);
    let [Action::Apply(_), Action::Apply(_), Action::Delete(last)] = &actions[..] else {
        panic!("{actions:?}");
    };
    assert_eq!(*last, filter_name().key());
}

#[test]
fn another_image_changes_an_envoy_filter_in_place() {
    let (old, new) = (filter("a"), filter("b"));
    let actions = known(&[old]).manage(&gateway(), std::slice::from_ref(&new));
    assert_eq!(actions, [Action::Apply(new)]);
}

#[test]
fn what_another_has_changed_in_an_envoy_filter_is_taken_back() {
    let wanted = [filter("a")];
    assert_eq!(known(&wanted).manage(&gateway(), &wanted), []);
    let strange = "oci://registry.example.com/other@sha256:0".into();
    let edits = [
        set(&wanted[0], Attach::EnvoyFilter.url_place(), strange),
        set(&wanted[0], Attach::EnvoyFilter.config_place(), json!("{}")),
        set(&wanted[0], "/spec/configPatches", json!([])),
        set(&wanted[0], "/spec/targetRefs/0/name", json!("other")),
    ];
    for edited in edits {
        let actions = known(&[edited]).manage(&gateway(), &wanted);
        assert_eq!(actions, [Action::Apply(wanted[0].clone())]);
    }
    let narrowed = with_spec(&wanted[0], json!({"priority": 7}));
    let patch = json!({"spec": {"priority": null}});
    let actions = known(&[narrowed]).manage(&gateway(), &wanted);
    assert_eq!(actions, [Action::Prune(filter_name().key(), patch)]);
}

#[test]
fn what_a_gateway_was_given_is_read_back_from_either() {
    for attach in Attach::ALL {
        let known = known(&made(attach, &image("a")));
        assert_eq!(known.config(&gateway()).unwrap()["version"], 1);
        let managed = known.managed(&gateway(), &image("b")).unwrap();
        assert_eq!(managed.image, image("a"));
        let pulled = known.managed_of(&gateway(), &image("a"));
        assert_eq!(pulled.len(), attach.components().len());
        assert_eq!(known.left_over(|_| false).len(), attach.components().len());
    }
}

#[test]
fn an_image_that_somebody_has_written_into_an_envoy_filter_is_not_its_own() {
    let url = image("e").to_string();
    let edited = set(&filter("a"), Attach::EnvoyFilter.url_place(), url.into());
    let known = known(&[edited]);
    let managed = known.managed(&gateway(), &image("a"));
    assert_eq!(managed.unwrap().image, image("a"), "by its label");
    assert_eq!(known.managed(&gateway(), &image("b")), None, "of neither");
}

#[test]
fn no_envoy_filter_is_made_beside_a_users_pair_and_a_rendered_one_becomes_controls() {
    let wanted = [filter("a")];
    let theirs = known(&[theirs("route"), theirs("gate")]);
    assert_eq!(theirs.manage(&gateway(), &wanted), []);
    let conflict =
        |known: &Attachments| known.conflict(&gateway(), Attach::EnvoyFilter, &image("a"));
    let told = conflict(&theirs).unwrap();
    assert!(told.contains("WasmPlugin my-gate"), "{told}");
    let mut rendered = wanted[0].clone();
    let labels = rendered["metadata"]["labels"].as_object_mut().unwrap();
    labels.remove(MANAGED_BY);
    labels.remove(VERSION);
    let rendered = known(&[rendered]);
    assert_eq!(conflict(&rendered), None);
    assert_eq!(
        rendered.manage(&gateway(), &wanted),
        [Action::Apply(wanted[0].clone())]
    );
}
