use super::*;

mod envoy_filters;

fn gateway() -> ObjectName {
    ObjectName {
        namespace: "infra".to_owned(),
        name: "gw".to_owned(),
    }
}

fn plugin(name: &str, component: &str, config: Value) -> Value {
    json!({
        "apiVersion": "extensions.istio.io/v1alpha1",
        "kind": "WasmPlugin",
        "metadata": {
            "name": name,
            "namespace": "infra",
            "labels": {
                PART_OF: PROJECT,
                INSTANCE: "gw",
                COMPONENT: component,
                MANAGED_BY: PROGRAM,
            },
        },
        "spec": {"phase": "AUTHN", "pluginConfig": config},
    })
}

fn pair(version: &str, config: &Value) -> Vec<Value> {
    ["route", "gate"]
        .map(|part| plugin(&format!("mcp-{part}-gw-{version}"), part, config.clone()))
        .to_vec()
}

fn known(objects: &[Value]) -> Attachments {
    let mut known = Attachments::default();
    for attach in Attach::ALL {
        let objects = objects.iter().filter(|one| one["kind"] == attach.kind());
        let objects = objects.map(|one| serde_json::from_value(one.clone()).unwrap());
        known.apply(attach, Change::Listed(objects.collect()));
    }
    known
}

fn set(plugin: &Value, place: &str, value: Value) -> Value {
    let mut plugin = plugin.clone();
    *plugin.pointer_mut(place).unwrap() = value;
    plugin
}

#[test]
fn what_is_as_it_shall_be_is_left_alone() {
    let pair = pair("1", &json!({"version": 1, "servers": []}));
    assert_eq!(known(&[]).manage(&gateway(), &pair).len(), 2);
    assert_eq!(known(&pair).manage(&gateway(), &pair), []);
}

#[test]
fn what_another_has_changed_is_taken_back() {
    let pair = pair("1", &json!({"version": 1, "limits": {"a": 1}}));
    let [route, gate] = [&pair[0], &pair[1]];
    let changed = set(route, "/spec/phase", json!("STATS"));
    assert_eq!(
        known(&[changed, gate.clone()]).manage(&gateway(), &pair),
        [Action::Apply(route.clone())]
    );
    let more = json!({"version": 1, "limits": {"a": 1, "b": 2}, "requires": ["x"]});
    let extended = set(route, "/spec/pluginConfig", more);
    let excess = json!({"spec": {"pluginConfig": {"limits": {"b": null}, "requires": null}}});
    assert_eq!(
        known(&[extended, gate.clone()]).manage(&gateway(), &pair),
        [Action::Prune(route_name().key(), excess)]
    );
    let labelled = set(route, "/metadata/labels", {
        let mut labels = route["metadata"]["labels"].clone();
        labels["team"] = json!("platform");
        labels
    });
    assert_eq!(
        known(&[labelled, gate.clone()]).manage(&gateway(), &pair),
        [],
        "what nobody asked for is its owner's"
    );
}

#[test]
fn anothers_pair_is_replaced_once_all_of_it_is_handed_over() {
    let wanted = pair("2", &json!({"version": 1}));
    let handed = pair("theirs", &json!({"version": 1}));
    let [route, gate] = [&handed[0], &handed[1]];
    let kept = |plugin: &Value| {
        set(
            plugin,
            "/metadata/labels/app.kubernetes.io~1managed-by",
            json!("argocd"),
        )
    };
    for half in [[route.clone(), kept(gate)], [kept(route), gate.clone()]] {
        assert_eq!(known(&half).manage(&gateway(), &wanted), []);
    }
    let deleted = |part: &str| Action::Delete(wasm_plugin(format!("mcp-{part}-gw-theirs")).key());
    let [newer_route, newer_gate] = [&wanted[0], &wanted[1]];
    assert_eq!(
        known(&handed).manage(&gateway(), &wanted),
        [
            Action::Apply(newer_route.clone()),
            Action::Apply(newer_gate.clone()),
            deleted("gate"),
            deleted("route"),
        ]
    );
}

fn with_spec(plugin: &Value, members: Value) -> Value {
    let mut plugin = plugin.clone();
    let spec = plugin["spec"].as_object_mut().unwrap();
    spec.extend(members.as_object().unwrap().clone());
    plugin
}

fn route_name() -> Attachment {
    wasm_plugin("mcp-route-gw-1".to_owned())
}

fn wasm_plugin(name: String) -> Attachment {
    Attachment {
        attach: Attach::WasmPlugin,
        name: ObjectName {
            namespace: "infra".to_owned(),
            name,
        },
    }
}

#[test]
fn a_member_of_spec_that_control_does_not_want_is_taken_out() {
    let pair = pair("1", &json!({"version": 1}));
    let narrowed = json!({"match": [{"ports": [{"number": 9}]}], "priority": null});
    let there = [with_spec(&pair[0], narrowed), pair[1].clone()];
    let patch = json!({"spec": {"match": null, "priority": null}});
    assert_eq!(
        known(&there).manage(&gateway(), &pair),
        [Action::Prune(route_name().key(), patch)]
    );
    let private = with_spec(&pair[0], json!({"imagePullSecret": "registry"}));
    assert_eq!(
        known(&[private, pair[1].clone()]).manage(&gateway(), &pair),
        []
    );
}

#[test]
fn what_is_put_back_takes_the_place_of_what_is_taken_out_in_one_write() {
    let pair = pair("1", &json!({"version": 1}));
    let mut moved = with_spec(&pair[0], json!({"selector": {}}));
    moved["spec"].as_object_mut().unwrap().remove("phase");
    let patch = json!({"spec": {"selector": null, "phase": "AUTHN"}});
    assert_eq!(
        known(&[moved, pair[1].clone()]).manage(&gateway(), &pair),
        [
            Action::Prune(route_name().key(), patch),
            Action::Apply(pair[0].clone())
        ]
    );
}

#[test]
fn a_pair_of_another_image_comes_before_the_old_one_goes() {
    let (old, new) = (pair("1", &json!({})), pair("2", &json!({})));
    let actions = known(&old).manage(&gateway(), &new);
    let kinds: Vec<_> = actions
        .iter()
        .map(|action| matches!(action, Action::Apply(_)))
        .collect();
    assert_eq!(kinds, [true, true, false, false]);
}

#[test]
fn of_an_adopted_pair_the_configuration_alone_is_owned() {
    let config = json!({"version": 1});
    let ours = [("route", config.clone()), ("gate", config)];
    let priority = json!({"priority": 7});
    let there = [theirs("route"), with_spec(&theirs("gate"), priority)];
    let actions = known(&there).adopt(&gateway(), &ours);
    assert_eq!(actions.len(), 2);
    for action in actions {
        let Action::Apply(object) = action else {
            panic!("{action:?}")
        };
        assert_eq!(object["spec"], json!({"pluginConfig": {"version": 1}}));
        assert!(object["metadata"].get("labels").is_none());
    }
    assert_eq!(known(&there).lack(&gateway()), None);
    let lack = known(&there[..1]).lack(&gateway()).unwrap();
    assert!(lack.contains("component=gate"), "{lack}");
    assert_eq!(known(&[]).adopt(&gateway(), &ours), [], "none is made");
    assert_eq!(known(&there).left_over(|_| false), [], "none is deleted");
}

#[test]
fn the_pair_of_a_gateway_that_serves_no_more_goes() {
    let known = known(&pair("1", &json!({})));
    assert_eq!(known.left_over(|name| *name == gateway()), []);
    assert_eq!(known.left_over(|_| false).len(), 2);
}

/// A part that a user has made.
fn theirs(component: &str) -> Value {
    let mut plugin = plugin(&format!("my-{component}"), component, json!({}));
    let labels = plugin["metadata"]["labels"].as_object_mut().unwrap();
    labels.remove(MANAGED_BY);
    plugin["metadata"]["uid"] = "1".into();
    plugin
}

#[test]
fn no_pair_is_made_beside_one_that_a_user_owns_and_one_that_is_there_goes_on() {
    let pair = pair(image("a").short_digest(), &json!({"version": 1}));
    for there in [vec![theirs("gate")], vec![theirs("route"), theirs("gate")]] {
        let known = known(&there);
        assert_eq!(known.manage(&gateway(), &pair), []);
        let conflict = known
            .conflict(&gateway(), Attach::WasmPlugin, &image("a"))
            .unwrap();
        assert!(conflict.contains("my-gate"), "{conflict}");
    }
    let changed = set(&pair[0], "/spec/phase", json!("STATS"));
    let both = known(&[changed, pair[1].clone(), theirs("route")]);
    let repair = [Action::Apply(pair[0].clone())];
    assert_eq!(both.manage(&gateway(), &pair), repair);
    let conflict = both.conflict(&gateway(), Attach::WasmPlugin, &image("a"));
    assert!(conflict.is_some());
}

#[test]
fn a_part_of_the_pair_without_its_label_is_no_others() {
    let pair = pair(image("a").short_digest(), &json!({}));
    let mut bare = pair.clone();
    for plugin in &mut bare {
        let labels = plugin["metadata"]["labels"].as_object_mut().unwrap();
        labels.remove(MANAGED_BY);
    }
    let known = known(&bare);
    let conflict = known.conflict(&gateway(), Attach::WasmPlugin, &image("a"));
    assert_eq!(conflict, None);
    let repairs: Vec<_> = pair.iter().cloned().map(Action::Apply).collect();
    assert_eq!(known.manage(&gateway(), &pair), repairs);
}

#[test]
fn what_control_has_made_goes_once_the_users_pair_is_whole_and_has_its_configuration() {
    let config = json!({"version": 1});
    let configs = ["route", "gate"].map(|part| (part, config.clone()));
    let ours = pair("1", &config);
    let part = [ours.clone(), vec![theirs("route")]].concat();
    let actions = known(&part).adopt(&gateway(), &configs);
    assert!(matches!(actions[..], [Action::Apply(_)]), "{actions:?}");
    let whole = [ours, vec![theirs("route"), theirs("gate")]].concat();
    let actions = known(&whole).adopt(&gateway(), &configs);
    let is_in_order = matches!(
        actions[..],
        [
            Action::Apply(_),
            Action::Apply(_),
            Action::Delete(_),
            Action::Delete(_)
        ]
    );
    assert!(is_in_order, "{actions:?}");
    let steps = actions.chunk_by(Action::goes_with).map(<[Action]>::len);
    assert_eq!(steps.collect::<Vec<_>>(), [2, 2], "each at the same time");
    let left = known(&whole).config(&gateway()).cloned();
    assert_eq!(left, Some(config));
}

fn image(digit: &str) -> Image {
    let digits = digit.repeat(64);
    format!("oci://registry.example.com/filter@sha256:{digits}")
        .parse()
        .unwrap()
}

/// A pair of this image.
fn pair_of(image: &Image) -> Vec<Value> {
    let pair = pair(image.short_digest(), &json!({"version": 1}));
    let with_url = |mut part: Value| {
        part["spec"]["url"] = image.to_string().into();
        part
    };
    pair.into_iter().map(with_url).collect()
}

#[test]
fn either_part_tells_of_which_image_the_pair_is() {
    let (there, wanted) = (image("a"), image("b"));
    for part in pair_of(&there) {
        let managed = known(&[part]).managed(&gateway(), &wanted);
        assert_eq!(managed.unwrap().image, there);
    }
    assert_eq!(known(&[]).managed(&gateway(), &wanted), None);
    let both = [pair_of(&there), pair_of(&wanted)].concat();
    let managed = known(&both).managed(&gateway(), &wanted);
    assert_eq!(managed.unwrap().image, wanted);
}

#[test]
fn an_image_that_somebody_has_written_into_a_part_is_not_the_pairs() {
    let (wanted, strange) = (image("a"), image("e"));
    let edited = pair_of(&wanted)
        .into_iter()
        .map(|part| set(&part, "/spec/url", strange.to_string().into()));
    let edited: Vec<_> = edited.collect();
    let managed = known(&edited).managed(&gateway(), &wanted);
    assert_eq!(managed.unwrap().image, wanted, "by its name");
    let managed = known(&edited).managed(&gateway(), &image("b"));
    assert_eq!(managed, None, "of neither");
}

#[test]
fn a_new_pair_has_the_pull_secret_that_somebody_has_set_on_the_old_one() {
    let mut old = pair_of(&image("a"));
    let new = pair_of(&image("b"));
    old[0]["spec"]["imagePullSecret"] = "login".into();
    let known = known(&old);
    assert_eq!(known.pull_secret(&gateway(), &new[0]), Some("login"));
    assert_eq!(known.pull_secret(&gateway(), &new[1]), Some("login"));
    let theirs = known.pull_secret(&gateway(), &old[0]);
    assert_eq!(theirs, None, "what is there is theirs who have set it");
}
