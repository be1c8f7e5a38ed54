//! Lists of which not everything is shown.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Ten tools, two prompts and a resource; `team/few` has some tools, `team/none` nothing, `team/prompt` one prompt.
fn catalog() -> Catalog {
    let mut writer = CatalogWriter::new();
    let mut push = |kind, json: &str| writer.push(0, Definition::parse(kind, "", json).unwrap());
    for place in 0..10 {
        push(ListKind::Tools, &format!(r#"{{"name":"t{place}"}}"#));
    }
    push(ListKind::Prompts, r#"{"name":"p0"}"#);
    push(ListKind::Prompts, r#"{"name":"p1"}"#);
    push(ListKind::Resources, r#"{"uri":"file:///a","name":"a"}"#);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    for (name, tools, prompts) in [
        ("team/none", vec![], None),
        ("team/few", vec!["t7", "t1", "t8", "gone", "t1"], None),
        ("team/prompt", vec!["t0"], Some(vec!["p1", "t0"])),
    ] {
        writer.select(Selected {
            name: name.to_owned(),
            tools: names(&tools),
            prompts: prompts.map(|prompts| names(&prompts)),
        });
    }
    Catalog::decode(&writer.finish()).unwrap()
}

fn of<'a>(catalog: &'a Catalog, name: &str) -> Shown<'a> {
    Shown {
        virtual_server: Some(catalog.virtual_server(name.as_bytes()).unwrap()),
        is_visible: None,
        cache_scope: None,
    }
}

fn text(catalog: &Catalog, kind: ListKind, shown: &Shown<'_>) -> String {
    let page = catalog
        .list_result(kind, None, pages_of(100), shown)
        .unwrap();
    String::from_utf8(page.parts().concat()).unwrap()
}

/// The names on all pages of so many items.
fn walked(catalog: &Catalog, items: u32, shown: &Shown<'_>) -> Vec<Vec<String>> {
    let mut cursor: Option<String> = None;
    let mut pages = Vec::new();
    loop {
        let page = catalog.list_result(ListKind::Tools, cursor.as_deref(), pages_of(items), shown);
        let page = page.unwrap().parts().concat();
        let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
        pages.push(names(&page));
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return pages;
        }
    }
}

#[test]
fn a_virtual_server_has_its_tools_in_the_order_of_the_list_and_all_prompts_where_it_names_none() {
    let catalog = catalog();
    let few = of(&catalog, "team/few");
    assert_eq!(
        text(&catalog, ListKind::Tools, &few),
        r#"{"tools":[{"name":"t1"},{"name":"t7"},{"name":"t8"}]}"#
    );
    assert_eq!(
        text(&catalog, ListKind::Prompts, &few),
        r#"{"prompts":[{"name":"p0"},{"name":"p1"}]}"#
    );
    let prompt = of(&catalog, "team/prompt");
    assert_eq!(
        text(&catalog, ListKind::Prompts, &prompt),
        r#"{"prompts":[{"name":"p1"}]}"#
    );
    assert_eq!(
        text(&catalog, ListKind::Resources, &prompt),
        r#"{"resources":[{"uri":"file:///a","name":"a"}]}"#
    );
    let none = of(&catalog, "team/none");
    assert_eq!(text(&catalog, ListKind::Tools, &none), r#"{"tools":[]}"#);
}

#[test]
fn a_virtual_server_is_found_by_its_whole_name_alone() {
    let catalog = catalog();
    for name in [
        "",
        "few",
        "team/",
        "team/fe",
        "team/few/",
        "TEAM/few",
        "team",
    ] {
        assert_eq!(catalog.virtual_server(name.as_bytes()), None, "{name}");
    }
    let few = catalog.virtual_server(b"team/few").unwrap();
    let has = |place| few.has(ListKind::Tools, place);
    assert_eq!(
        [0, 1, 2, 7, 8, 9].map(has),
        [false, true, false, true, true, false]
    );
}

#[test]
fn pages_of_what_is_shown_are_full_and_end_with_the_last() {
    let catalog = catalog();
    let few = of(&catalog, "team/few");
    assert_eq!(walked(&catalog, 2, &few), [vec!["t1", "t7"], vec!["t8"]]);
    assert_eq!(walked(&catalog, 3, &few), [["t1", "t7", "t8"]]);
    let is_visible = |listed: Listed<'_>| !matches!(listed.key, "t7" | "t0" | "t9");
    let both = Shown {
        is_visible: Some(&is_visible),
        ..few
    };
    assert_eq!(walked(&catalog, 2, &both), [["t1", "t8"]]);
    let visible = Shown {
        virtual_server: None,
        ..both
    };
    let pages = walked(&catalog, 3, &visible);
    assert_eq!(
        pages,
        [vec!["t1", "t2", "t3"], vec!["t4", "t5", "t6"], vec!["t8"]]
    );
}

#[test]
fn what_stands_together_is_one_slice() {
    let catalog = catalog();
    let is_visible = |listed: Listed<'_>| listed.key != "t4";
    let shown = Shown {
        virtual_server: None,
        is_visible: Some(&is_visible),
        cache_scope: None,
    };
    let page = catalog
        .list_result(ListKind::Tools, None, pages_of(100), &shown)
        .unwrap();
    assert_eq!(page.parts().len(), 5, "two runs, a comma, begin and end");
}

#[test]
fn a_selection_of_what_no_list_has_is_refused() {
    let header = r#"{"tools":[[0,"a",2]],"virtualServers":[["n/v",[1],null]]}"#;
    let length = u32::try_from(header.len()).unwrap().to_le_bytes();
    let packed = [&length, header.as_bytes(), b"{}"].concat();
    assert_eq!(
        decoded(&packed),
        Some(InvalidCatalog::Selection("n/v".to_owned()))
    );
    let twice = header.replace("[[\"n/v\",[1],null]]", r#"[["v",[],null],["v",[0],[]]]"#);
    let length = u32::try_from(twice.len()).unwrap().to_le_bytes();
    let packed = [&length, twice.as_bytes(), b"{}"].concat();
    assert_eq!(
        decoded(&packed),
        Some(InvalidCatalog::Duplicate("v".to_owned()))
    );
}
