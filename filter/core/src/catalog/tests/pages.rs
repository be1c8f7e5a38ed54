//! Where pages end by their bytes.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Tools with definitions of these lengths, 16 bytes at least.
fn sized(lengths: &[usize]) -> Catalog {
    let mut writer = CatalogWriter::new();
    for (place, length) in lengths.iter().enumerate() {
        let json = format!(r#"{{"name":"t{place:03}"}}"#);
        let json = json.replace('}', &" ".repeat(length - json.len())) + "}";
        assert_eq!(json.len(), *length);
        writer.push(0, Definition::parse(ListKind::Tools, "", &json).unwrap());
    }
    let names = |places: &mut dyn Iterator<Item = usize>| {
        let names = places.map(|place| format!("t{place:03}"));
        names.collect()
    };
    writer.select(Selected {
        name: "team/all".to_owned(),
        tools: names(&mut (0..lengths.len())),
        prompts: None,
    });
    writer.select(Selected {
        name: "team/even".to_owned(),
        tools: names(&mut (0..lengths.len()).step_by(2)),
        prompts: None,
    });
    Catalog::decode(&writer.finish()).unwrap()
}

/// The definitions of each page, by place, and the bytes between its brackets.
type Pages = Vec<(Vec<usize>, usize)>;

/// All pages.
fn walked(catalog: &Catalog, size: PageSize, shown: &Shown<'_>) -> Pages {
    let mut cursor: Option<String> = None;
    let mut pages = Vec::new();
    loop {
        let page = catalog.list_result(ListKind::Tools, cursor.as_deref(), size, shown);
        let page = page.unwrap().parts().concat();
        let bytes = page.iter().rposition(|byte| *byte == b']').unwrap() - "{\"tools\":[".len();
        let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
        let places = names(&page);
        let places = places.iter().map(|name| name[1..].parse().unwrap());
        pages.push((places.collect(), bytes));
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return pages;
        }
    }
}

/// The whole list three times: as one run, one by one, and as the choice of a virtual server.
fn ways<'a>(catalog: &'a Catalog, is_visible: &'a dyn Fn(Listed<'_>) -> bool) -> [Shown<'a>; 3] {
    let virtual_server = catalog.virtual_server(b"team/all");
    assert!(virtual_server.is_some());
    let one_by_one = Shown {
        virtual_server: None,
        is_visible: Some(is_visible),
        cache_scope: None,
    };
    let chosen = Shown {
        virtual_server,
        is_visible: None,
        cache_scope: None,
    };
    [Shown::default(), one_by_one, chosen]
}

#[test]
fn a_page_ends_before_the_definition_that_would_make_it_too_large() {
    let catalog = sized(&[20, 30, 40, 50, 20]);
    let expected: [(u32, Pages); 6] = [
        // Two commas and 90 bytes fit exactly.
        (92, vec![(vec![0, 1, 2], 92), (vec![3, 4], 71)]),
        (91, vec![(vec![0, 1], 51), (vec![2, 3], 91), (vec![4], 20)]),
        (
            50,
            vec![
                (vec![0], 20),
                (vec![1], 30),
                (vec![2], 40),
                (vec![3], 50),
                (vec![4], 20),
            ],
        ),
        (
            51,
            vec![
                (vec![0, 1], 51),
                (vec![2], 40),
                (vec![3], 50),
                (vec![4], 20),
            ],
        ),
        (163, vec![(vec![0, 1, 2, 3], 143), (vec![4], 20)]),
        (164, vec![(vec![0, 1, 2, 3, 4], 164)]),
    ];
    for (bytes, pages) in expected {
        for shown in ways(&catalog, &|_| true) {
            let size = PageSize { items: 100, bytes };
            assert_eq!(walked(&catalog, size, &shown), pages, "{bytes}, {shown:?}");
        }
    }
}

#[test]
fn a_definition_larger_than_a_page_has_one_of_its_own() {
    let catalog = sized(&[20, 500, 20, 20]);
    let size = PageSize {
        items: 100,
        bytes: 60,
    };
    for shown in ways(&catalog, &|_| true) {
        assert_eq!(
            walked(&catalog, size, &shown),
            [(vec![0], 20), (vec![1], 500), (vec![2, 3], 41)]
        );
    }
}

#[test]
fn what_is_not_shown_takes_no_room() {
    let catalog = sized(&[20, 500, 20, 500, 20]);
    let even = Shown {
        virtual_server: catalog.virtual_server(b"team/even"),
        is_visible: None,
        cache_scope: None,
    };
    let size = PageSize {
        items: 100,
        bytes: 62,
    };
    assert_eq!(walked(&catalog, size, &even), [(vec![0, 2, 4], 62)]);
    let is_visible = |listed: Listed<'_>| !matches!(listed.key, "t001" | "t003");
    let visible = Shown {
        virtual_server: None,
        is_visible: Some(&is_visible),
        cache_scope: None,
    };
    assert_eq!(walked(&catalog, size, &visible), [(vec![0, 2, 4], 62)]);
}

#[test]
fn items_bound_a_page_as_before() {
    let catalog = sized(&[20; 10]);
    let size = PageSize {
        items: 4,
        bytes: 100,
    };
    for shown in ways(&catalog, &|_| true) {
        let counts: Vec<_> = walked(&catalog, size, &shown)
            .iter()
            .map(|(places, _)| places.len())
            .collect();
        assert_eq!(counts, [4, 4, 2]);
    }
}

#[test]
fn a_thousand_tools_of_four_kilobytes_are_one_page_unless_it_is_said_otherwise() {
    let limits = mcp_filter_config::Limits::default();
    let size = PageSize {
        items: limits.page_items,
        bytes: limits.page_bytes,
    };
    let catalog = sized(&[4096; 1000]);
    assert_eq!(walked(&catalog, size, &Shown::default()).len(), 1);
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursors_lead_through_all_definitions_once_on_pages_within_the_bound(
            lengths in prop::collection::vec(16_usize..200, 1..40),
            items in 1_u32..20,
            bytes in 1_u32..600,
            hidden in 1_usize..40,
        ) {
            let catalog = sized(&lengths);
            let is_visible = |listed: Listed<'_>| {
                let place: usize = listed.key[1..].parse().unwrap();
                place % hidden != 1
            };
            for (way, shown) in ways(&catalog, &is_visible).into_iter().enumerate() {
                let pages = walked(&catalog, PageSize { items, bytes }, &shown);
                let expected: Vec<usize> =
                    (0..lengths.len()).filter(|place| way != 1 || place % hidden != 1).collect();
                let seen: Vec<usize> = pages.iter().flat_map(|(places, _)| places.clone()).collect();
                prop_assert_eq!(&seen, &expected);
                for (places, length) in &pages {
                    prop_assert!(places.len() <= items as usize);
                    prop_assert!(places.len() <= 1 || *length <= bytes as usize);
                }
                // None could have had one more.
                for [(places, length), (following, _)] in pages.array_windows() {
                    let more = length + 1 + lengths[following[0]];
                    prop_assert!(places.len() == items as usize || more > bytes as usize);
                }
            }
        }
    }
}
