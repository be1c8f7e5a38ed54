//! Envoy's routes: internal hosts lead to clusters, and every other host to 404.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::response::typed;
use crate::network::{PathMatch, PathRewrite, Route};

/// The route configuration's name.
pub const NAME: &str = "mcp";

/// Headers that Envoy adds about the client's side; a server elsewhere is not told the addresses here, nor would it
/// be right to redirect because the client's side is plain.
const OF_THIS_MACHINE: [&str; 3] = [
    "x-envoy-external-address",
    "x-forwarded-for",
    "x-forwarded-proto",
];

/// The route configuration as a resource.
///
/// The filter answers a request to the public host, or gives it the host of one of these routes, upon which Envoy
/// chooses the route anew; so what is left at the public host is not served.
pub fn routes(routes: &[Route]) -> Value {
    let mut hosts: BTreeMap<String, Vec<&Route>> = BTreeMap::new();
    for route in routes {
        hosts
            .entry(route.host.to_ascii_lowercase())
            .or_default()
            .push(route);
    }
    let internal = hosts
        .into_iter()
        .map(|(host, routes)| internal_host(&host, routes));
    let config = json!({
        "name": NAME,
        "virtual_hosts": internal.chain([nothing_here()]).collect::<Vec<_>>(),
        "request_headers_to_remove": OF_THIS_MACHINE,
        "response_headers_to_remove": ["server"],
    });
    typed("envoy.config.route.v3.RouteConfiguration", config)
}

/// What is wrong with a route for which Envoy would refuse all of them.
pub(super) fn flaw(route: &Route) -> Option<&'static str> {
    let is_text = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_path = |path: &str| path.starts_with('/') && is_text(path) && !path.contains(['?', '#']);
    let (PathMatch::Prefix(path) | PathMatch::Exact(path)) = &route.path;
    if route.host.is_empty() || route.host.contains('*') || !is_text(&route.host) {
        return Some("its hostname is none that a request could carry");
    }
    if !is_path(path) {
        return Some(
            "its path must begin with / and have no query, blanks or characters beyond ASCII",
        );
    }
    if !route.authority_rewrite.as_deref().is_none_or(is_text) {
        return Some("the hostname of its URLRewrite is none that a request could carry");
    }
    if let Some(PathRewrite::Full(path) | PathRewrite::Prefix(path)) = &route.path_rewrite
        && !path.is_empty()
        && !is_path(path)
    {
        return Some("the path of its URLRewrite must begin with / and have no query or blanks");
    }
    None
}

fn internal_host(host: &str, mut routes: Vec<&Route>) -> Value {
    routes.sort_by_key(|route| precedence(&route.path));
    json!({
        "name": host,
        "domains": [host],
        "routes": routes.into_iter().map(one_route).collect::<Vec<_>>(),
    })
}

/// Gateway API: an exact path comes before a prefix, a longer prefix before a shorter one.
fn precedence(path: &PathMatch) -> (bool, std::cmp::Reverse<usize>) {
    match path {
        PathMatch::Exact(path) => (false, std::cmp::Reverse(path.len())),
        PathMatch::Prefix(path) => (true, std::cmp::Reverse(path.len())),
    }
}

fn nothing_here() -> Value {
    let body = json!({ "inline_string": "Nothing is served at this host and path.\n" });
    json!({
        "name": "*",
        "domains": ["*"],
        "routes": [{
            "match": { "prefix": "/" },
            "direct_response": { "status": 404, "body": body },
        }],
    })
}

fn one_route(route: &Route) -> Value {
    let mut action = Map::new();
    action.insert("cluster".to_owned(), route.cluster.clone().into());
    // The filter ends a call that takes too long; a stream may be silent for long.
    action.insert("timeout".to_owned(), "0s".into());
    action.insert("idle_timeout".to_owned(), "0s".into());
    if let Some(authority) = &route.authority_rewrite {
        action.insert("host_rewrite_literal".to_owned(), authority.clone().into());
    }
    if let Some((member, rewrite)) = path_rewrite(route) {
        action.insert(member.to_owned(), rewrite);
    }
    json!({ "match": path_match(&route.path), "route": action })
}

fn path_match(path: &PathMatch) -> Value {
    match path {
        PathMatch::Exact(path) => json!({ "path": path }),
        PathMatch::Prefix(path) => match path.trim_end_matches('/') {
            "" => json!({ "prefix": "/" }),
            prefix => json!({ "path_separated_prefix": prefix }),
        },
    }
}

/// Gateway API, HTTPPathModifier: the rest of the path follows its new beginning with exactly one slash between.
fn path_rewrite(route: &Route) -> Option<(&'static str, Value)> {
    let matched = match &route.path {
        PathMatch::Exact(path) => path.as_str(),
        PathMatch::Prefix(path) => path.trim_end_matches('/'),
    };
    match (route.path_rewrite.as_ref()?, &route.path) {
        (PathRewrite::Full(path), _) => Some(("regex_rewrite", regex_rewrite("^.*$", path))),
        (PathRewrite::Prefix(prefix), PathMatch::Exact(_)) => {
            Some(("prefix_rewrite", prefix.clone().into()))
        }
        (PathRewrite::Prefix(prefix), PathMatch::Prefix(_)) => {
            match (matched, prefix.trim_end_matches('/')) {
                ("", "") => None,
                ("", prefix) => Some(("prefix_rewrite", format!("{prefix}/").into())),
                (matched, "") => {
                    let pattern = format!("^{}/*", regex_literal(matched));
                    Some(("regex_rewrite", regex_rewrite(&pattern, "/")))
                }
                (_, prefix) => Some(("prefix_rewrite", prefix.into())),
            }
        }
    }
}

/// RE2, on the path without the query.
fn regex_rewrite(pattern: &str, replacement: &str) -> Value {
    json!({
        "pattern": { "regex": pattern },
        "substitution": replacement.replace('\\', r"\\"),
    })
}

/// RE2 takes a backslash before any ASCII punctuation for that character.
fn regex_literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation() && !matches!(character, '/' | '_' | '-') {
            literal.push('\\');
        }
        literal.push(character);
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::super::samples::{assert_golden, network, route};
    use super::*;

    fn rewrite(path: PathMatch, rewrite: PathRewrite) -> Value {
        let route = Route {
            path,
            path_rewrite: Some(rewrite),
            ..route("a", "c")
        };
        one_route(&route)["route"].clone()
    }

    #[test]
    fn internal_hosts_lead_to_clusters_and_all_else_to_404() {
        let actual = routes(&network().routes);
        assert_golden(&actual, include_str!("testdata/routes.json"));
    }

    #[test]
    fn without_any_route_everything_is_404() {
        let actual = routes(&[]);
        assert_eq!(actual["virtual_hosts"].as_array().map(Vec::len), Some(1));
        assert_eq!(actual["virtual_hosts"][0]["domains"], json!(["*"]));
    }

    #[test]
    fn routes_of_one_host_stand_together_the_most_specific_first() {
        let with = |path| Route {
            path,
            ..route("A.mcp.local", "c")
        };
        let actual = routes(&[
            with(PathMatch::Prefix("/".to_owned())),
            with(PathMatch::Prefix("/long/prefix".to_owned())),
            Route {
                path: PathMatch::Exact("/x".to_owned()),
                ..route("a.mcp.local", "c")
            },
        ]);
        let host = &actual["virtual_hosts"][0];
        assert_eq!(host["domains"], json!(["a.mcp.local"]));
        let matches: Vec<_> = host["routes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|route| route["match"].clone())
            .collect();
        assert_eq!(
            matches,
            [
                json!({ "path": "/x" }),
                json!({ "path_separated_prefix": "/long/prefix" }),
                json!({ "prefix": "/" }),
            ]
        );
    }

    #[test]
    fn a_route_that_would_spoil_all_of_them_is_told() {
        let with_path = |path: &str| {
            flaw(&Route {
                path: PathMatch::Prefix(path.to_owned()),
                ..route("a", "c")
            })
        };
        assert_eq!(with_path("/mcp"), None);
        assert!(with_path("mcp").is_some());
        assert!(with_path("/mcp?x").is_some());
        assert!(with_path("/a b").is_some());
        assert!(flaw(&route("*", "c")).is_some());
        assert!(flaw(&route("", "c")).is_some());
    }

    #[test]
    fn a_prefix_becomes_another() {
        let action = rewrite(
            PathMatch::Prefix("/foo/".to_owned()),
            PathRewrite::Prefix("/xyz/".to_owned()),
        );
        assert_eq!(action["prefix_rewrite"], "/xyz");
    }

    #[test]
    fn a_prefix_that_becomes_the_root_leaves_one_slash() {
        let action = rewrite(
            PathMatch::Prefix("/a.b".to_owned()),
            PathRewrite::Prefix("/".to_owned()),
        );
        assert_eq!(action["regex_rewrite"]["pattern"]["regex"], r"^/a\.b/*");
        assert_eq!(action["regex_rewrite"]["substitution"], "/");
    }

    #[test]
    fn the_root_becomes_a_prefix_with_one_slash_before_the_rest() {
        let action = rewrite(
            PathMatch::Prefix("/".to_owned()),
            PathRewrite::Prefix("/api".to_owned()),
        );
        assert_eq!(action["prefix_rewrite"], "/api/");
    }

    #[test]
    fn a_full_path_is_taken_literally() {
        let action = rewrite(
            PathMatch::Prefix("/mcp".to_owned()),
            PathRewrite::Full(r"/a\1".to_owned()),
        );
        assert_eq!(action["regex_rewrite"]["substitution"], r"/a\\1");
    }
}
