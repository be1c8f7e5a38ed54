//! Definitions that a server lists in one of its eras alone.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn a_definition_of_one_era_comes_back_as_such() {
    let eras = [
        ListedIn::Both,
        ListedIn::SessionsOnly,
        ListedIn::StatelessOnly,
        ListedIn::Both,
    ];
    let mut writer = CatalogWriter::new();
    for kind in ListKind::ALL {
        for (place, listed_in) in eras.iter().enumerate() {
            let json = format!(r#"{{"{}":"a:{place}"}}"#, kind.key_member());
            let definition = Definition::parse(kind, "", &json).unwrap();
            writer.push(0, definition.listed(*listed_in));
        }
    }
    let catalog = Catalog::decode(&writer.finish()).unwrap();
    for kind in ListKind::ALL {
        for (place, listed_in) in (0..).zip(eras) {
            assert_eq!(catalog.listed_in(kind, place), listed_in);
            let found = catalog.find(kind, &format!("a:{place}")).unwrap();
            assert_eq!((found.place, found.listed_in), (place, listed_in));
        }
    }
}

#[test]
fn where_all_are_of_both_eras_none_is_named() {
    let packed = |listed_in| {
        let mut writer = CatalogWriter::new();
        let definition = Definition::parse(ListKind::Tools, "", r#"{"name":"a"}"#).unwrap();
        writer.push(0, definition.listed(listed_in));
        writer.finish().bytes
    };
    assert!(packed(ListedIn::Both) < packed(ListedIn::SessionsOnly));
    let unmarked = written(&[(0, ListKind::Tools, "", r#"{"name":"a"}"#)]);
    assert_eq!(unmarked.bytes, packed(ListedIn::Both));
}

#[test]
fn who_is_shown_a_list_may_depend_on_the_eras_of_its_definitions() {
    let mut writer = CatalogWriter::new();
    for (name, listed_in) in [
        ("a", ListedIn::SessionsOnly),
        ("b", ListedIn::StatelessOnly),
    ] {
        let json = format!(r#"{{"name":"{name}"}}"#);
        let definition = Definition::parse(ListKind::Tools, "", &json).unwrap();
        writer.push(0, definition.listed(listed_in));
    }
    let catalog = Catalog::decode(&writer.finish()).unwrap();
    let shown = Shown {
        is_visible: Some(&|listed: Listed<'_>| listed.listed_in != ListedIn::SessionsOnly),
        ..Shown::default()
    };
    let page = catalog.list_result(ListKind::Tools, None, pages_of(10), &shown);
    let page = page.unwrap().parts().concat();
    assert_eq!(page, br#"{"tools":[{"name":"b"}]}"#);
}

#[test]
fn eras_that_do_not_add_up_are_refused() {
    for (eras, error) in [
        (r#"{"tools":[[0,1]]}"#, None),
        (r#"{"tools":[[0,1]],"newer":[[7,7]]}"#, None),
        (r#"{"tools":[[1,1]]}"#, Some(InvalidCatalog::Header)),
        (r#"{"tools":[[0,2]]}"#, Some(InvalidCatalog::Header)),
        (r#"{"prompts":[[0,0]]}"#, Some(InvalidCatalog::Header)),
        (r#"{"tools":[0]}"#, Some(InvalidCatalog::Header)),
    ] {
        let header = format!(r#"{{"tools":[[0,"a",2]],"eras":{eras}}}"#);
        assert_eq!(decoded(&with_header(&header, "{}")), error, "{eras}");
    }
}
