use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

mod eras;
mod pages;
mod shown;

/// Pages of so many definitions, of whatever size.
fn pages_of(items: u32) -> PageSize {
    PageSize {
        items,
        bytes: u32::MAX,
    }
}

fn written(definitions: &[(u32, ListKind, &str, &str)]) -> mcp_filter_config::Catalog {
    let mut writer = CatalogWriter::new();
    for (server, kind, prefix, json) in definitions {
        writer.push(*server, Definition::parse(*kind, prefix, json).unwrap());
    }
    writer.finish()
}

fn tools(count: usize) -> Catalog {
    let mut writer = CatalogWriter::new();
    for place in 0..count {
        let json = format!(r#"{{"name":"t{place}"}}"#);
        writer.push(0, Definition::parse(ListKind::Tools, "", &json).unwrap());
    }
    Catalog::decode(&writer.finish()).unwrap()
}

fn names(page: &serde_json::Value) -> Vec<String> {
    let tools = page["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

fn page(catalog: &Catalog, cursor: Option<&str>, items: u32) -> serde_json::Value {
    let result = catalog
        .list_result(ListKind::Tools, cursor, pages_of(items), &Shown::default())
        .unwrap();
    serde_json::from_slice(&result.parts().concat()).unwrap()
}

#[test]
fn definitions_come_back_byte_for_byte_in_their_order() {
    let odd = "{ \"z\" : 1.0e+5, \"name\":\"b\" ,\n\"n\":12345678901234567890,\"e\":{},\"u\":\"\\u00e9é\\/\" }";
    let catalog = Catalog::decode(&written(&[
        (1, ListKind::Tools, "", odd),
        (0, ListKind::Tools, "", r#"{"name":"a"}"#),
        (0, ListKind::Prompts, "", r#"{"name":"p"}"#),
        (
            1,
            ListKind::Resources,
            "x_",
            r#"{"uri":"file:///a","name":"r"}"#,
        ),
        (
            1,
            ListKind::ResourceTemplates,
            "x_",
            r#"{"name":"t","uriTemplate":"a://{b}"}"#,
        ),
    ]))
    .unwrap();
    let list = |kind| {
        catalog
            .list_result(kind, None, pages_of(100), &Shown::default())
            .unwrap()
            .parts()
            .concat()
    };
    assert_eq!(
        list(ListKind::Tools),
        format!("{{\"tools\":[{odd},{{\"name\":\"a\"}}]}}").as_bytes()
    );
    assert_eq!(list(ListKind::Prompts), br#"{"prompts":[{"name":"p"}]}"#);
    assert_eq!(
        list(ListKind::Resources),
        br#"{"resources":[{"uri":"file:///a","name":"r"}]}"#
    );
    assert_eq!(
        list(ListKind::ResourceTemplates),
        br#"{"resourceTemplates":[{"name":"t","uriTemplate":"a://{b}"}]}"#
    );
    assert_eq!(catalog.definition(ListKind::Tools, 0), Some(odd.as_bytes()));
    assert_eq!(
        catalog.entries(ListKind::Tools).collect::<Vec<_>>(),
        [(1, "b"), (0, "a")]
    );
}

#[test]
fn a_prefix_is_all_that_changes_in_a_definition() {
    for (json, key, federated) in [
        (r#"{"name":"get_me"}"#, "g_get_me", r#"{"name":"g_get_me"}"#),
        (
            r#"{"title":"name","x":{"name":"inner"},"name":"a\u0062\""}"#,
            "g_ab\"",
            r#"{"title":"name","x":{"name":"inner"},"name":"g_a\u0062\""}"#,
        ),
        (
            "{\"n\\u0061me\" :\t\"é\"}",
            "g_é",
            "{\"n\\u0061me\" :\t\"g_é\"}",
        ),
        ("\n {\"name\":\"a\"} ", "g_a", r#"{"name":"g_a"}"#),
    ] {
        let definition = Definition::parse(ListKind::Tools, "g_", json).unwrap();
        assert_eq!((definition.key(), definition.json()), (key, federated));
    }
}

#[test]
fn a_definition_goes_back_to_what_its_server_wrote() {
    for (kind, prefix, json, key) in [
        (ListKind::Tools, "g_", r#"{"name":"get_me"}"#, "get_me"),
        (ListKind::Tools, "", r#"{"name":"get_me"}"#, "get_me"),
        (
            ListKind::Tools,
            "g_",
            "{\"title\":\"g_\",\"x\":{\"name\":\"g_\"},\"n\\u0061me\" :\t\"g_\\u0062\\\"\" }",
            "g_b\"",
        ),
        (ListKind::Prompts, "g_", r#"{"name":"\u0067_"}"#, "g_"),
        (
            ListKind::Resources,
            "g_",
            r#"{"uri":"g_:a","name":"g_a"}"#,
            "g_:a",
        ),
        (
            ListKind::ResourceTemplates,
            "g_",
            r#"{"uriTemplate":"g_:{a}","name":"g_a"}"#,
            "g_:{a}",
        ),
    ] {
        let federated = Definition::parse(kind, prefix, json).unwrap();
        let own = Definition::parse_federated(kind, prefix, federated.json()).unwrap();
        assert_eq!((own.key(), own.json()), (key, json));
        assert_eq!(Definition::parse(kind, prefix, own.json()), Ok(federated));
    }
}

#[test]
fn a_definition_without_the_prefix_of_its_server_does_not_go_back() {
    for json in [
        r#"{"name":"get_me"}"#,
        r#"{"name":"g_"}"#,
        r#"{"name":"\u0067_a"}"#,
        r#"{"name":"a","title":"g_a"}"#,
    ] {
        assert_eq!(
            Definition::parse_federated(ListKind::Tools, "g_", json),
            Err(InvalidDefinition::NoPrefix),
            "{json}"
        );
    }
    assert_eq!(
        Definition::parse_federated(ListKind::Tools, "g_", "[]"),
        Err(InvalidDefinition::NotAnObject("name"))
    );
}

#[test]
fn a_uri_gets_no_prefix() {
    let json = r#"{"uri":"file:///a","name":"a"}"#;
    let definition = Definition::parse(ListKind::Resources, "g_", json).unwrap();
    assert_eq!((definition.key(), definition.json()), ("file:///a", json));
}

#[test]
fn a_definition_that_no_request_could_name_is_refused() {
    for json in [
        "",
        "[]",
        "7",
        "{",
        r#"{"name":"a"}x"#,
        r#"{"name":"a","name":"b"}"#,
        r#"{"name":"a","n\u0061me":"b"}"#,
    ] {
        assert_eq!(
            Definition::parse(ListKind::Tools, "", json),
            Err(InvalidDefinition::NotAnObject("name")),
            "{json}"
        );
    }
    for json in [
        "{}",
        r#"{"name":""}"#,
        r#"{"name":7}"#,
        r#"{"name":null}"#,
        r#"{"name":"\ud800"}"#,
        r#"{"uri":"a"}"#,
    ] {
        assert_eq!(
            Definition::parse(ListKind::Tools, "", json),
            Err(InvalidDefinition::NoKey("name")),
            "{json}"
        );
    }
    let template = Definition::parse(ListKind::ResourceTemplates, "", r#"{"uriTemplate":"a{"}"#);
    assert!(matches!(template, Err(InvalidDefinition::Template(_))));
}

#[test]
fn an_empty_list_has_one_empty_page() {
    let empty = Catalog::default();
    for kind in ListKind::ALL {
        let list = empty
            .list_result(kind, None, pages_of(10), &Shown::default())
            .unwrap()
            .parts()
            .concat();
        assert_eq!(list, format!("{{\"{}\":[]}}", kind.member()).as_bytes());
    }
}

#[test]
fn pages_show_each_definition_once_in_order() {
    let catalog = tools(10);
    for items in [1, 3, 5, 9, 10, 11] {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = page(&catalog, cursor.as_deref(), items);
            assert!(names(&page).len() <= items as usize);
            seen.extend(names(&page));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(
            seen,
            (0..10).map(|place| format!("t{place}")).collect::<Vec<_>>(),
            "{items}"
        );
    }
}

#[test]
fn a_cursor_is_good_for_its_own_list_alone() {
    let catalog = tools(10);
    let cursor = page(&catalog, None, 4)["nextCursor"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        tools(10)
            .list_result(
                ListKind::Tools,
                Some(&cursor),
                pages_of(4),
                &Shown::default()
            )
            .is_ok()
    );
    assert_eq!(
        tools(11).list_result(
            ListKind::Tools,
            Some(&cursor),
            pages_of(4),
            &Shown::default()
        ),
        Err(InvalidCursor)
    );
    assert_eq!(
        catalog.list_result(
            ListKind::Prompts,
            Some(&cursor),
            pages_of(4),
            &Shown::default()
        ),
        Err(InvalidCursor)
    );
}

#[test]
fn invented_cursors_are_refused() {
    let catalog = tools(10);
    for cursor in [
        "",
        "0",
        "AQAAAAAAAAAAAAAAAAA",
        "é",
        "====",
        &"A".repeat(100_000),
    ] {
        assert_eq!(
            catalog.list_result(
                ListKind::Tools,
                Some(cursor),
                pages_of(4),
                &Shown::default()
            ),
            Err(InvalidCursor)
        );
    }
}

#[test]
fn names_are_found_in_a_large_list() {
    let catalog = tools(1000);
    for place in 0..1000 {
        assert_eq!(
            catalog.find(ListKind::Tools, &format!("t{place}")),
            Some(Found {
                place,
                server: 0,
                listed_in: ListedIn::Both,
                hints: ToolHints::default(),
            })
        );
    }
    for name in ["", "t", "t1000", "t00", "u"] {
        assert_eq!(catalog.find(ListKind::Tools, name), None);
    }
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let twice = [
        (0, ListKind::Tools, "", r#"{"name":"a"}"#),
        (1, ListKind::Tools, "", r#"{"name":"a"}"#),
    ];
    assert_eq!(
        Catalog::decode(&written(&twice)).err(),
        Some(InvalidCatalog::Duplicate("a".to_owned()))
    );
}

/// `packed` as control would write it, had it gone wrong.
fn decoded(packed: &[u8]) -> Option<InvalidCatalog> {
    Catalog::decode(&packed::encode(packed)).err()
}

fn with_header(header: &str, definitions: &str) -> Vec<u8> {
    [
        &(header.len() as u32).to_le_bytes(),
        header.as_bytes(),
        definitions.as_bytes(),
    ]
    .concat()
}

#[test]
fn a_packed_form_that_does_not_add_up_is_refused() {
    assert_eq!(
        decoded(&with_header(r#"{"tools":[[0,"a",2],[0,"b",2]]}"#, "{},{}")),
        None
    );
    for (header, definitions, error) in [
        ("{", "", InvalidCatalog::Header),
        (r#"{"tools":[[0,"a",2]]}"#, "{}}", InvalidCatalog::Lengths),
        (r#"{"tools":[[0,"a",3]]}"#, "{}", InvalidCatalog::Lengths),
        (
            r#"{"tools":[[0,"a",2],[0,"b",2]]}"#,
            "{}{}",
            InvalidCatalog::Lengths,
        ),
        (
            r#"{"tools":[[0,"a",2]],"prompts":[[0,"b",2]]}"#,
            "{}",
            InvalidCatalog::Lengths,
        ),
        (
            r#"{"tools":[[0,"a",18446744073709551615]]}"#,
            "{}",
            InvalidCatalog::Lengths,
        ),
        (r#"{"tools":[[0,"a",-1]]}"#, "{}", InvalidCatalog::Header),
        (
            r#"{"tools":[[0,"a",0]]}"#,
            "",
            InvalidCatalog::NotAnObject("a".to_owned()),
        ),
        (
            r#"{"tools":[[0,"a",2]]}"#,
            "[]",
            InvalidCatalog::NotAnObject("a".to_owned()),
        ),
    ] {
        assert_eq!(
            decoded(&with_header(header, definitions)),
            Some(error),
            "{header} {definitions}"
        );
    }
    assert_eq!(decoded(b""), Some(InvalidCatalog::Header));
    assert_eq!(decoded(&[255; 10]), Some(InvalidCatalog::Header));
}

#[test]
fn nothing_inflates_past_what_is_stated() {
    let good = written(&[(0, ListKind::Tools, "", r#"{"name":"a"}"#)]);
    for (bytes, error) in [
        (good.bytes - 1, InvalidCatalog::Inflate),
        (good.bytes + 1, InvalidCatalog::Inflate),
        (0, InvalidCatalog::Inflate),
        (LARGEST_CATALOG + 1, InvalidCatalog::TooLarge),
        (u64::MAX, InvalidCatalog::TooLarge),
    ] {
        let stated = mcp_filter_config::Catalog {
            bytes,
            ..good.clone()
        };
        assert_eq!(Catalog::decode(&stated).err(), Some(error), "{bytes}");
    }
}

#[test]
fn data_that_is_not_deflate_in_base64_is_refused() {
    let good = written(&[(0, ListKind::Tools, "", r#"{"name":"a"}"#)]);
    let cut = STANDARD.encode(&STANDARD.decode(&good.data).unwrap()[..10]);
    for (data, error) in [
        ("?".to_owned(), InvalidCatalog::Base64),
        (String::new(), InvalidCatalog::Inflate),
        (cut, InvalidCatalog::Inflate),
    ] {
        let stated = mcp_filter_config::Catalog {
            data,
            ..good.clone()
        };
        assert_eq!(Catalog::decode(&stated).err(), Some(error));
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn definition() -> impl Strategy<Value = (u32, String, String)> {
        (0_u32..5, "[a-z\"\\\\é\n]{1,6}", ".{0,20}")
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(definitions in prop::collection::vec(definition(), 0..20), prefix in "[a-z_]{0,5}") {
            let mut writer = CatalogWriter::new();
            let mut expected = Vec::new();
            let mut seen = BTreeSet::new();
            for (server, name, text) in definitions {
                if !seen.insert(name.clone()) {
                    continue;
                }
                let json = serde_json::json!({"description": text, "name": name}).to_string();
                let definition = Definition::parse(ListKind::Tools, &prefix, &json).unwrap();
                prop_assert_eq!(definition.key(), format!("{prefix}{name}"));
                let spliced: serde_json::Value = serde_json::from_str(definition.json()).unwrap();
                prop_assert_eq!(&spliced["name"], definition.key());
                prop_assert_eq!(&spliced["description"], &text);
                prop_assert_eq!(definition.json().len(), json.len() + prefix.len());
                let own = Definition::parse_federated(ListKind::Tools, &prefix, definition.json()).unwrap();
                prop_assert_eq!((own.key(), own.json()), (name.as_str(), json.as_str()));
                expected.push((server, definition.key().to_owned(), definition.json().to_owned()));
                writer.push(server, definition);
            }
            let catalog = Catalog::decode(&writer.finish()).unwrap();
            for (place, (server, key, json)) in expected.iter().enumerate() {
                prop_assert_eq!(catalog.find(ListKind::Tools, key).map(|found| found.server), Some(*server));
                prop_assert_eq!(catalog.definition(ListKind::Tools, place), Some(json.as_bytes()));
            }
            prop_assert_eq!(catalog.entries(ListKind::Tools).count(), expected.len());
        }

        #[test]
        fn no_packed_form_makes_the_reader_fail(
            packed in prop::collection::vec(any::<u8>(), 0..200),
            header in "[\\[\\]{},:\"a0-9]{0,60}",
            bytes in 0_u64..300,
        ) {
            let _ = decoded(&packed);
            let _ = decoded(&with_header(&header, "{},{}"));
            let mut stated = packed::encode(&packed);
            stated.bytes = bytes;
            prop_assert_eq!(Catalog::decode(&stated).err().is_none(), false);
        }
    }
}
