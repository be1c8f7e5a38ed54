use std::collections::BTreeMap;
use std::sync::Arc;

use mcp_filter_core::catalog::{
    CatalogWriter, InvalidCatalog, InvalidDefinition, ListKind, ListedIn,
};
use proptest::prelude::*;

use super::{Findings, Manifests, definitions, named, tools, viewed, with_streams};
use crate::index::Index;
use crate::object::ObjectName;
use crate::offer::{Definition, Offer};
use crate::render::{Finding, RestoreError, for_role, restore};
use mcp_filter_config::{ListChanged, PluginConfig, Role};

/// All that an offer can have.
fn full() -> Offer {
    let odd = |key: &str, json: &str| Definition::new(key, json);
    let of_one_era = Definition {
        listed_in: ListedIn::StatelessOnly,
        ..odd("later", r#"{"name":"later"}"#)
    };
    Offer {
        issues_sessions: true,
        completions: true,
        stateless: true,
        logging: true,
        tasks: true,
        stateless_tasks: true,
        apps: true,
        tools: vec![
            odd("z", "{ \"n\":1e400,\"n\\u0061me\" :\t\"z\" }"),
            odd("aA\"", r#"{"title":"a_","name":"a\u0041\"","e":{}}"#),
            of_one_era,
            viewed("v", "ui://v"),
        ],
        prompts: definitions("name", &["z", "a_", "é"]),
        resources: definitions("uri", &["file:///r", "a_:b"]),
        resource_templates: definitions("uriTemplate", &["file:///{t}"]),
        ..tools(&[])
    }
}

fn config(offer: Offer) -> PluginConfig {
    let index = Manifests::one_server().index();
    Findings::default().found("a", offer).render(&index).config
}

/// What is read back, of servers that all have lists.
fn offers(config: &PluginConfig) -> Result<BTreeMap<ObjectName, Offer>, RestoreError> {
    let offer = |finding: Finding| Offer::clone(&finding.offer.unwrap());
    let restored = restore(config)?.into_iter();
    Ok(restored
        .map(|(name, finding)| (name, offer(finding)))
        .collect())
}

/// Renders what a configuration was made from, and again what is read back of it.
fn there_and_back(index: &Index, found: &Findings) -> (String, String) {
    let json = |config: &PluginConfig| serde_json::to_string(config).unwrap();
    let first = found.render(index).config;
    let restored = restore(&first).unwrap();
    (json(&first), json(&Findings(restored).render(index).config))
}

#[test]
fn an_offer_comes_back_as_discovery_had_it() {
    let config = config(full());
    let expected = BTreeMap::from([(named("a"), full())]);
    assert_eq!(offers(&config).as_ref(), Ok(&expected));
    assert_eq!(offers(&for_role(&config, Role::Route)), Ok(expected));
    assert_eq!(offers(&for_role(&config, Role::Gate)), Ok(BTreeMap::new()));
}

#[test]
fn what_istio_makes_of_it_is_read_back_likewise() {
    let config = config(full());
    let value = serde_json::to_value(&config).unwrap();
    let shuffled: PluginConfig = serde_json::from_value(value).unwrap();
    assert_eq!(restore(&shuffled), restore(&config));
}

#[test]
fn news_of_no_change_are_counted_on() {
    let index = with_streams(Manifests::one_server().index());
    let counted = Finding {
        offer: Some(Arc::new(full())),
        fault: None,
        list_changed: ListChanged {
            tools: 3,
            prompts: 0,
            resources: u32::MAX,
        },
    };
    let found = Findings::default().with("a", counted.clone());
    let config = found.render(&index).config;
    assert_eq!(
        restore(&config),
        Ok(BTreeMap::from([(named("a"), counted)]))
    );
    let (first, again) = there_and_back(&index, &found);
    assert_eq!(first, again);
}

#[test]
fn resources_whose_names_an_older_server_has_are_not_forgotten() {
    let index = Manifests::one_server().server("b").index();
    let offer = Offer {
        resources: definitions("uri", &["file:///r"]),
        ..tools(&["t"])
    };
    let found = Findings::default()
        .found("a", offer.clone())
        .found("b", offer);
    let restored = offers(&found.render(&index).config).unwrap();
    assert!(restored[&named("b")].resources.is_empty());
    assert!(restored[&named("b")].has_resources());
    let (first, again) = there_and_back(&index, &found);
    assert_eq!(first, again);
}

#[test]
fn views_whose_uris_an_older_server_has_come_back_as_their_own_server_knows_them() {
    let index = Manifests::one_server().server("b").index();
    let offer = Offer {
        tools: vec![viewed("v", "ui://v")],
        ..tools(&[])
    };
    let found = Findings::default()
        .found("a", offer.clone())
        .found("b", offer.clone());
    let restored = offers(&found.render(&index).config).unwrap();
    assert_eq!(restored[&named("b")].tools, offer.tools);
    let (first, again) = there_and_back(&index, &found);
    assert_eq!(first, again);
}

#[test]
fn another_version_and_an_unknown_requirement_are_errors() {
    let good = config(full());
    let newer = PluginConfig {
        version: 2,
        ..good.clone()
    };
    assert_eq!(restore(&newer), Err(RestoreError::Version(2)));
    let newer = PluginConfig {
        requires: vec!["light".to_owned()],
        ..good
    };
    assert_eq!(
        restore(&newer).unwrap_err().to_string(),
        "requires[0] \"light\": this control does not know it"
    );
}

#[test]
fn a_server_that_is_no_object_or_stands_twice_is_an_error() {
    let good = config(full());
    for name in ["", "a", "/a", "team/", "team/a/b"] {
        let mut odd = good.clone();
        odd.servers[0].name = name.to_owned();
        let name = name.to_owned();
        assert_eq!(restore(&odd), Err(RestoreError::Server { place: 0, name }));
    }
    let mut twice = good;
    twice.servers.push(twice.servers[0].clone());
    let error = RestoreError::Server {
        place: 1,
        name: "team/a".to_owned(),
    };
    assert_eq!(restore(&twice), Err(error));
}

#[test]
fn a_damaged_catalog_is_an_error() {
    let good = config(full());
    let mut cut = good.clone();
    let catalog = cut.catalog.as_mut().unwrap();
    catalog.data.truncate(catalog.data.len() / 8 * 4);
    assert_eq!(
        restore(&cut),
        Err(RestoreError::Catalog(InvalidCatalog::Inflate))
    );

    let mut prefixed = good.clone();
    prefixed.servers[0].prefix = "b_".to_owned();
    let error = RestoreError::Definition {
        key: "a_z".to_owned(),
        reason: InvalidDefinition::NoPrefix,
    };
    assert_eq!(restore(&prefixed), Err(error));

    let mut writer = CatalogWriter::new();
    let json = r#"{"name":"t"}"#;
    let tool = mcp_filter_core::catalog::Definition::parse(ListKind::Tools, "a_", json);
    writer.push(7, tool.unwrap());
    let strayed = PluginConfig {
        catalog: Some(writer.finish()),
        ..good
    };
    assert_eq!(
        restore(&strayed).unwrap_err().to_string(),
        "catalog: \"a_t\" belongs to servers[7], which is not there"
    );
}

/// Keys that need escapes, meet those of other servers, or begin as prefixes do.
fn keys() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[abx_]{1,3}|\\PC{1,3}|[\"\\\\\n\u{1f600}]{1,2}", 0..6)
}

fn offer() -> impl Strategy<Value = Offer> {
    let lists = prop::array::uniform4(keys());
    (lists, any::<[bool; 5]>()).prop_map(
        |(lists, [sessions, completions, logging, tasks, escaped])| {
            let list = |member: &str, keys: &[String]| {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                let mut list = definitions(member, &keys);
                for definition in list.iter_mut().filter(|_| escaped) {
                    definition.json = in_escapes(&definition.json);
                }
                list
            };
            let [t, p, r, templates] = &lists;
            Offer {
                issues_sessions: sessions,
                completions,
                logging,
                tasks,
                tools: list("name", t),
                prompts: list("name", p),
                resources: list("uri", r),
                resource_templates: list("uriTemplate", templates),
                ..tools(&[])
            }
        },
    )
}

/// The same JSON with each letter `a` or `b` written as an escape, keys of members included.
fn in_escapes(json: &str) -> String {
    json.replace('a', "\\u0061").replace('b', "\\u0062")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_read_back_renders_the_same_bytes(
        offers in prop::array::uniform3(offer()),
        prefixes in prop::sample::select(vec![["a_", "b_", "c_"], ["", "x_", ""], ["a", "ab", "abx"]]),
    ) {
        let mut manifests = Manifests::one_server().server("b").server("c");
        for (name, prefix) in ["a", "b", "c"].iter().zip(prefixes) {
            let line = if prefix.is_empty() { String::new() } else { format!("  prefix: {prefix}\n") };
            manifests = manifests.edit(&format!("  prefix: {name}_\n"), &line);
        }
        let index = manifests.index();
        let [a, b, c] = offers;
        let found = Findings::default().found("a", a).found("b", b).found("c", c);
        let (first, again) = there_and_back(&index, &found);
        prop_assert_eq!(first, again);
    }

    #[test]
    fn no_damage_makes_it_fail(place in any::<prop::sample::Index>(), letter in "[A-Za-z0-9+/=]", bytes in any::<u8>()) {
        let mut damaged = config(full());
        let catalog = damaged.catalog.as_mut().unwrap();
        let at = place.index(catalog.data.len());
        catalog.data.replace_range(at..=at, &letter);
        catalog.bytes += u64::from(bytes) / 128;
        let _ = restore(&damaged);
    }
}
