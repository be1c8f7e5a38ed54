use mcp_filter_config::PluginConfig;
use mcp_filter_core::catalog::{ListKind, ListedIn};

use super::{Findings, Manifests, keys, listed, servers, told, tools, verdict};
use crate::index::Index;
use crate::offer::{Definition, Offer};
use crate::render::{LARGEST_OBJECT_BYTES, Packing, Rendered, pushed_bytes, render, render_within};
use crate::verdict::Reason;

/// Tools whose descriptions nothing can pack: `bytes` in all, other ones for another seed.
fn dense(seed: u64, count: usize, bytes: usize) -> Offer {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                [usize::try_from(state % 64).unwrap()],
        )
    };
    let mut offer = tools(&[]);
    for number in 0..count {
        let key = format!("t{number}");
        let description: String = (0..bytes / count).map(|_| letter()).collect();
        let json = format!("{{\"name\":\"{key}\",\"description\":\"{description}\"}}");
        offer.tools.push(Definition::new(key, json));
    }
    offer
}

fn within(index: &Index, findings: &Findings, largest: usize) -> Rendered {
    render_within(index, &findings.0, &keys(), &mut Packing::within(largest)).unwrap()
}

/// As a text in an EnvoyFilter, without its own quotation marks.
fn size_of(config: &PluginConfig) -> usize {
    let json = serde_json::to_string(config).unwrap();
    serde_json::to_string(&json).unwrap().len() - 2
}

/// Three servers, the second large.
fn three() -> (Index, Findings) {
    let index = Manifests::one_server().server("b").server("c").index();
    let findings = Findings::default()
        .found("a", dense(1, 10, 20_000))
        .found("b", dense(2, 40, 100_000))
        .found("c", dense(3, 10, 20_000));
    (index, findings)
}

#[test]
fn what_fits_to_the_byte_is_served_whole() {
    let (index, findings) = three();
    let whole = findings.render(&index);
    // `route` is a letter longer than `hold`.
    let bytes = size_of(&whole.config) + 1;
    assert_eq!(pushed_bytes(&whole.config), bytes);
    assert_eq!(within(&index, &findings, bytes), whole);
    assert_ne!(within(&index, &findings, bytes - 1), whole);
}

#[test]
fn the_registration_that_does_not_fit_is_told_and_a_smaller_younger_one_is_served() {
    let (index, findings) = three();
    let rendered = within(&index, &findings, 80_000);
    assert_eq!(servers(&rendered.config), ["team/a", "team/c"]);
    assert_eq!(listed(&rendered.config, ListKind::Tools).len(), 20);
    assert!(pushed_bytes(&rendered.config) <= 80_000);
    assert_eq!(
        told(&rendered, "b"),
        "False CatalogTooLarge: its server takes 103 kB of the gateway's configuration, packed; one object holds 80 kB, \
         of which 22 kB are taken by older registrations and policies: attach its route to another gateway, or have the \
         server offer fewer tools or shorter descriptions"
    );
    assert_eq!(verdict(&rendered, "b").tools, None);
    assert_eq!(verdict(&rendered, "c").reason, Reason::Ready);
}

#[test]
fn an_older_one_never_gives_way_to_a_younger_one() {
    let (index, findings) = three();
    let rendered = within(&index, &findings, 130_000);
    assert_eq!(servers(&rendered.config), ["team/a", "team/b"]);
    assert_eq!(verdict(&rendered, "c").reason, Reason::CatalogTooLarge);
}

#[test]
fn the_names_of_one_that_does_not_fit_are_free_for_others() {
    let (_, findings) = three();
    let bare = ["a", "b", "c"].iter().fold(
        Manifests::one_server().server("b").server("c"),
        |manifests, name| manifests.edit(&format!("  prefix: {name}_\n"), ""),
    );
    let findings = findings
        .found("a", tools(&["own"]))
        .found("c", tools(&["t0", "t1"]));
    let index = bare.index();
    let conflicts = |rendered: &Rendered| verdict(rendered, "c").conflicts.len();
    assert_eq!(conflicts(&findings.render(&index)), 2);
    let rendered = within(&index, &findings, 50_000);
    assert_eq!(servers(&rendered.config), ["team/a", "team/c"]);
    assert_eq!(conflicts(&rendered), 0);
}

#[test]
fn many_servers_fill_the_object_almost_and_never_burst_it() {
    let names: Vec<String> = (10..50).map(|number| format!("s{number}")).collect();
    let mut manifests = Manifests::platform();
    let mut findings = Findings::default();
    for (seed, name) in (0..).zip(&names) {
        manifests = manifests.server(name);
        // Half of them repeat each other.
        let offer = dense(if seed % 2 == 0 { seed } else { 1 }, 5, 6_000);
        findings = findings.found(name, offer);
    }
    let index = manifests.index();
    let all = pushed_bytes(&findings.render(&index).config);
    for largest in [all / 4, all / 2, all - all / 8, all - 1] {
        let rendered = within(&index, &findings, largest);
        let bytes = pushed_bytes(&rendered.config);
        assert!(bytes <= largest, "{bytes} of {largest}");
        // None of which the least would not have fitted, but for what the estimate is off.
        assert!(
            bytes + 7_500 + largest / 20 > largest,
            "{bytes} of {largest}"
        );
        assert_eq!(within(&index, &findings, largest), rendered);
    }
}

#[test]
fn what_an_apiserver_escapes_counts_as_it_is_stored() {
    let manifests = Manifests::one_server().edit("prefix: a_", "prefix: a_\n  path: /a&b");
    let config = Findings::default()
        .found("a", tools(&["t"]))
        .render(&manifests.index())
        .config;
    let json = serde_json::to_string(&config).unwrap();
    let ampersands = json.matches('&').count();
    assert!(ampersands > 0, "{json}");
    assert_eq!(pushed_bytes(&config), size_of(&config) + 1 + 5 * ampersands);
}

#[test]
fn where_nothing_fits_there_is_nothing_to_push() {
    let (index, findings) = three();
    let error = render_within(&index, &findings.0, &keys(), &mut Packing::within(100)).unwrap_err();
    let message = "policies: with all else but servers they take 1 kB, and one object takes 1 kB: serve fewer policies \
                   at this gateway";
    assert_eq!(error.to_string(), message);
}

#[test]
fn local_mode_has_no_bound_but_that_of_the_filter() {
    let index = Manifests::one_server().index();
    let findings = Findings::default().found("a", dense(1, 10, 2 * LARGEST_OBJECT_BYTES));
    let rendered = render(&index, &findings.0, &keys()).unwrap();
    assert!(pushed_bytes(&rendered.config) > LARGEST_OBJECT_BYTES);
    let bounded = within(&index, &findings, LARGEST_OBJECT_BYTES);
    assert_eq!(verdict(&bounded, "a").reason, Reason::CatalogTooLarge);
}

#[test]
fn what_was_packed_before_is_what_would_be_packed_again() {
    let (index, mut findings) = three();
    let mut packing = Packing::within(60_000);
    let mut again = |findings: &Findings| {
        let known = render_within(&index, &findings.0, &keys(), &mut packing).unwrap();
        assert_eq!(known, within(&index, findings, 60_000));
        known
    };
    let first = again(&findings);
    assert_eq!(again(&findings), first);
    findings = findings.found("c", dense(4, 11, 20_000));
    let second = again(&findings);
    assert_ne!(second, first);
    let mut of_one_era = dense(4, 11, 20_000);
    of_one_era.stateless = true;
    for tool in &mut of_one_era.tools {
        tool.listed_in = ListedIn::StatelessOnly;
    }
    findings = findings.found("c", of_one_era);
    assert_ne!(again(&findings), second);
}
