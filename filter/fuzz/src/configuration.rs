//! What control writes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_filter_config::{Catalog as Packed, CatalogEncoding, PluginConfig};
use mcp_filter_core::Table;
use mcp_filter_core::catalog::{
    Catalog, CatalogWriter, Definition, ListKind, Listed, PageSize, Shown,
};
use serde_json::Value;

/// A configuration: what compiles is the same after it was written and read once more, and lists what it has.
pub fn configuration(bytes: &[u8]) {
    let Ok(config) = serde_json::from_slice::<PluginConfig>(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&config).unwrap_or_default();
    let read = serde_json::from_slice::<PluginConfig>(&written);
    assert_eq!(read.ok().as_ref(), Some(&config));
    let Ok(table) = Table::compile(&config) else {
        return;
    };
    for kind in ListKind::ALL {
        assert!(table.list_result(kind, None, &Shown::default()).is_ok());
    }
    for (index, server) in table.servers() {
        assert!(table.is_internal(server.host.as_bytes()));
        let _ = table.policies(index).count();
    }
}

/// A packed form, before it is compressed: what is read has every key where it belongs, on some page.
pub fn catalog(bytes: &[u8]) {
    let deflated = miniz_oxide::deflate::compress_to_vec(bytes, 1);
    for (data, length) in [
        (STANDARD.encode(&deflated), bytes.len()),
        (STANDARD.encode(bytes), bytes.len().saturating_mul(4)),
        (String::from_utf8_lossy(bytes).into_owned(), bytes.len()),
    ] {
        let packed = Packed {
            encoding: CatalogEncoding::DeflateBase64,
            data,
            bytes: length as u64,
        };
        if let Ok(catalog) = Catalog::decode(&packed) {
            walk(&catalog);
        }
    }
}

fn walk(catalog: &Catalog) {
    let is_even = |listed: Listed<'_>| listed.key.len().is_multiple_of(2);
    let some = Shown {
        is_visible: Some(&is_even),
        ..Shown::default()
    };
    for kind in ListKind::ALL {
        let (mut listed, mut even) = (0_usize, 0);
        for (index, (server, key)) in catalog.entries(kind).enumerate() {
            let found = catalog.find(kind, key);
            assert_eq!(found.map(|found| found.server), Some(server));
            let listed_in = found.map(|found| found.listed_in).unwrap_or_default();
            assert!(catalog.definition(kind, index).is_some());
            listed += 1;
            even += usize::from(is_even(Listed {
                server,
                key,
                listed_in,
            }));
        }
        for (shown, expected) in [(&Shown::default(), listed), (&some, even)] {
            let pages = pages(catalog, kind, shown, expected);
            assert_eq!(pages, expected.div_ceil(2).max(1));
        }
    }
}

/// How many pages of two there are of what is `shown`; not many more than there shall be.
fn pages(catalog: &Catalog, kind: ListKind, shown: &Shown<'_>, expected: usize) -> usize {
    let (mut cursor, mut pages) = (None::<String>, 0_usize);
    let size = PageSize {
        items: 2,
        bytes: u32::MAX,
    };
    loop {
        let page = catalog.list_result(kind, cursor.as_deref(), size, shown);
        let page = page.map(|page| page.parts().concat()).unwrap_or_default();
        assert!(!page.is_empty());
        pages += 1;
        let text = String::from_utf8_lossy(&page).into_owned();
        let next = text.rsplit_once("],\"nextCursor\":\"");
        match next.and_then(|(_, rest)| rest.strip_suffix("\"}")) {
            Some(next) if pages * 2 < expected => cursor = Some(next.to_owned()),
            _ => return pages,
        }
    }
}

/// A definition as a server sent it: nothing but the name changes, and it survives packing.
pub fn definition(bytes: &[u8]) {
    let Ok(json) = std::str::from_utf8(bytes) else {
        return;
    };
    for kind in ListKind::ALL {
        let Ok(definition) = Definition::parse(kind, "p_", json) else {
            continue;
        };
        let plain = Definition::parse(kind, "", json);
        assert_eq!(plain.as_ref().map(Definition::json), Ok(json.trim_ascii()));
        // It refuses numbers that no double can hold, and depth.
        let parsed = serde_json::from_str::<Value>(definition.json());
        if let (Ok(parsed), Ok(before)) = (parsed, serde_json::from_str::<Value>(json)) {
            assert_eq!(
                parsed.get(kind.key_member()).and_then(Value::as_str),
                Some(definition.key())
            );
            let other = |value: Value| match value {
                Value::Object(mut members) => {
                    members.remove(kind.key_member());
                    Value::Object(members)
                }
                value => value,
            };
            assert_eq!(other(parsed), other(before));
        }
        let json = definition.json().to_owned();
        let mut writer = CatalogWriter::new();
        writer.push(3, definition);
        let catalog = Catalog::decode(&writer.finish());
        let kept = catalog.as_ref().map(|catalog| catalog.definition(kind, 0));
        assert_eq!(kept, Ok(Some(json.as_bytes())));
    }
}
