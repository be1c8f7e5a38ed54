//! What an HTTPRoute says about one server.

use gateway_api::httproutes::{
    HttpRoute, HttpRouteRules, HttpRouteRulesBackendRefs, HttpRouteRulesFilters,
    HttpRouteRulesFiltersType as FilterType, HttpRouteRulesFiltersUrlRewritePath as RewritePath,
    HttpRouteRulesFiltersUrlRewritePathType as RewriteType, HttpRouteRulesMatches,
    HttpRouteRulesMatchesPathType as MatchType,
};

use super::hostname::{is_hostname, is_precise};
use crate::network::{PathMatch, PathRewrite};
use crate::object::ObjectName;
use crate::verdict::{Fault, Reason};

/// The one rule of a route.
#[derive(Clone, Debug)]
pub(super) struct Rule<'a> {
    /// Which paths it takes.
    pub(super) matches: Vec<PathMatch>,
    /// `:authority` towards the server, where rewritten.
    pub(super) authority: Option<String>,
    /// The path towards the server, where rewritten.
    pub(super) path: Option<PathRewrite>,
    /// Where it leads.
    pub(super) backend: &'a HttpRouteRulesBackendRefs,
    /// Fields that have no effect here.
    pub(super) unsupported: Vec<String>,
}

impl Rule<'_> {
    /// The path that the server sees for `path`, which may have a query. `None` where the route does not take it.
    pub(super) fn upstream_path(&self, path: &str) -> Option<String> {
        let (bare, query) = path
            .split_once('?')
            .map_or((path, None), |(p, q)| (p, Some(q)));
        let longest = self.matches.iter().filter_map(|m| match m {
            PathMatch::Exact(exact) => (exact == bare).then_some((usize::MAX, bare)),
            PathMatch::Prefix(prefix) => {
                let prefix = prefix.trim_end_matches('/');
                let rest = bare.strip_prefix(prefix)?;
                let whole = rest.is_empty() || rest.starts_with('/');
                whole.then_some((prefix.len(), rest))
            }
        });
        let (_, rest) = longest.max_by_key(|(length, _)| *length)?;
        let bare = match &self.path {
            None => bare.to_owned(),
            Some(PathRewrite::Full(full)) => full.clone(),
            Some(PathRewrite::Prefix(prefix)) if rest.is_empty() => absolute(prefix),
            Some(PathRewrite::Prefix(prefix)) => {
                absolute(&[prefix.trim_end_matches('/'), rest].concat())
            }
        };
        Some(query.map_or(bare.clone(), |query| format!("{bare}?{query}")))
    }
}

fn absolute(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    }
}

/// Reads a route. It must have a hostname, one rule and one backendRef.
pub(super) fn rule<'a>(name: &ObjectName, route: &'a HttpRoute) -> Result<Rule<'a>, Fault> {
    let unsupported = |message: String| {
        Fault::new(
            Reason::TargetUnsupported,
            format!("HTTPRoute {name}: {message}"),
        )
    };
    let hostnames = route.spec.hostnames.as_deref().unwrap_or_default();
    if hostnames.is_empty() {
        return Err(unsupported(
            "it has no hostnames: give it one, such as name.mcp.local".to_owned(),
        ));
    }
    if let Some(bad) = hostnames.iter().find(|hostname| !is_hostname(hostname)) {
        return Err(unsupported(format!(
            "{bad} is not a host name in lower case"
        )));
    }
    let rule = match route.spec.rules.as_deref().unwrap_or_default() {
        [rule] => rule,
        rules => {
            return Err(unsupported(format!(
                "it has {} rules; write one",
                rules.len()
            )));
        }
    };
    read(rule).map_err(unsupported)
}

fn read(rule: &HttpRouteRules) -> Result<Rule<'_>, String> {
    let backend = match rule.backend_refs.as_deref().unwrap_or_default() {
        [backend] => backend,
        backends => {
            return Err(format!(
                "its rule has {} backendRefs; write one",
                backends.len()
            ));
        }
    };
    if backend
        .filters
        .as_ref()
        .is_some_and(|filters| !filters.is_empty())
    {
        return Err("filters of a backendRef are not supported: move them to the rule".to_owned());
    }
    if backend.weight == Some(0) {
        return Err("its backendRef has weight 0, so that nothing is sent to it".to_owned());
    }
    let default = [HttpRouteRulesMatches::default()];
    let matches = rule
        .matches
        .as_deref()
        .filter(|matches| !matches.is_empty());
    let matches = matches
        .unwrap_or(&default)
        .iter()
        .map(path_match)
        .collect::<Result<Vec<_>, _>>()?;
    let mut found = Rule {
        matches,
        authority: None,
        path: None,
        backend,
        unsupported: Vec::new(),
    };
    for filter in rule.filters.iter().flatten() {
        rewrite(filter, &mut found)?;
    }
    if matches!(found.path, Some(PathRewrite::Prefix(_)))
        && found
            .matches
            .iter()
            .any(|m| matches!(m, PathMatch::Exact(_)))
    {
        return Err("ReplacePrefixMatch needs matches of type PathPrefix".to_owned());
    }
    if rule.timeouts.is_some() {
        found
            .unsupported
            .push("timeouts of the HTTPRoute (use spec.timeouts)".to_owned());
    }
    Ok(found)
}

fn path_match(m: &HttpRouteRulesMatches) -> Result<PathMatch, String> {
    let others = [
        ("headers", m.headers.as_ref().is_some_and(|h| !h.is_empty())),
        (
            "queryParams",
            m.query_params.as_ref().is_some_and(|q| !q.is_empty()),
        ),
        ("method", m.method.is_some()),
    ];
    if let Some((field, _)) = others.iter().find(|(_, is_set)| *is_set) {
        return Err(format!(
            "a match by {field} is not supported: MCP uses several methods, match by path alone"
        ));
    }
    let path = m.path.as_ref();
    let value = path.and_then(|path| path.value.as_deref()).unwrap_or("/");
    if !is_path(value) {
        return Err(format!(
            "a match by path {value:?}: it must begin with / and have no query, blanks or characters beyond ASCII"
        ));
    }
    match path.and_then(|path| path.r#type.as_ref()) {
        Some(MatchType::Exact) => Ok(PathMatch::Exact(value.to_owned())),
        Some(MatchType::PathPrefix) | None => Ok(PathMatch::Prefix(value.to_owned())),
        Some(MatchType::RegularExpression) => {
            Err("a match by RegularExpression is not supported: use PathPrefix or Exact".to_owned())
        }
    }
}

fn rewrite(filter: &HttpRouteRulesFilters, rule: &mut Rule<'_>) -> Result<(), String> {
    let rewrite = match (&filter.r#type, &filter.url_rewrite) {
        (FilterType::UrlRewrite, Some(rewrite)) => rewrite,
        (kind, _) => {
            return Err(format!(
                "filter {} is not supported: only URLRewrite is",
                serde_json::to_string(kind)
                    .unwrap_or_default()
                    .trim_matches('"')
            ));
        }
    };
    if let Some(hostname) = &rewrite.hostname {
        if !is_precise(hostname) {
            return Err(format!(
                "URLRewrite: {hostname} is not a host name in lower case"
            ));
        }
        rule.authority = Some(hostname.clone());
    }
    if let Some(path) = &rewrite.path {
        rule.path = Some(path_rewrite(path)?);
    }
    Ok(())
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'))
}

fn path_rewrite(path: &RewritePath) -> Result<PathRewrite, String> {
    match (
        &path.r#type,
        &path.replace_full_path,
        &path.replace_prefix_match,
    ) {
        (RewriteType::ReplaceFullPath, Some(full), _) if is_path(full) => {
            Ok(PathRewrite::Full(full.clone()))
        }
        (RewriteType::ReplacePrefixMatch, _, Some(prefix))
            if prefix.is_empty() || is_path(&absolute(prefix)) =>
        {
            let is_taken_off = prefix.is_empty();
            let prefix = (!is_taken_off).then(|| absolute(prefix));
            Ok(PathRewrite::Prefix(prefix.unwrap_or_default()))
        }
        _ => Err("URLRewrite.path needs the field of its type, with an absolute path".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use gateway_api::httproutes::HttpRouteRulesBackendRefs;

    use super::Rule;
    use crate::network::{PathMatch, PathRewrite};

    fn upstream(matched: PathMatch, rewrite: Option<PathRewrite>, path: &str) -> Option<String> {
        let backend = HttpRouteRulesBackendRefs::default();
        let matches = vec![matched];
        let rule = Rule {
            matches,
            authority: None,
            path: rewrite,
            backend: &backend,
            unsupported: vec![],
        };
        rule.upstream_path(path)
    }

    #[test]
    fn prefixes_match_by_whole_segments() {
        let prefix = |value: &str| PathMatch::Prefix(value.to_owned());
        assert_eq!(
            upstream(prefix("/mcp"), None, "/mcp").as_deref(),
            Some("/mcp")
        );
        assert_eq!(
            upstream(prefix("/mcp/"), None, "/mcp").as_deref(),
            Some("/mcp")
        );
        assert_eq!(
            upstream(prefix("/"), None, "/mcp?a=b").as_deref(),
            Some("/mcp?a=b")
        );
        assert_eq!(upstream(prefix("/mc"), None, "/mcp"), None);
        assert_eq!(
            upstream(PathMatch::Exact("/mcp".to_owned()), None, "/mcp/"),
            None
        );
    }

    #[test]
    fn rewrites_replace_what_the_gateway_api_says() {
        let cases = [
            ("/foo", "/xyz", "/foo/bar", "/xyz/bar"),
            ("/foo", "/xyz/", "/foo/bar", "/xyz/bar"),
            ("/foo/", "/xyz", "/foo/bar", "/xyz/bar"),
            ("/foo", "/", "/foo/bar", "/bar"),
            ("/foo", "", "/foo", "/"),
            ("/foo", "/", "/foo?q=1", "/?q=1"),
            ("/", "/xyz", "/foo", "/xyz/foo"),
        ];
        for (prefix, replacement, path, expected) in cases {
            let rewrite = Some(PathRewrite::Prefix(replacement.to_owned()));
            let found = upstream(PathMatch::Prefix(prefix.to_owned()), rewrite, path);
            assert_eq!(
                found.as_deref(),
                Some(expected),
                "{prefix} {replacement} {path}"
            );
        }
        let full = Some(PathRewrite::Full("/a".to_owned()));
        assert_eq!(
            upstream(PathMatch::Prefix("/".to_owned()), full, "/b/c?d").as_deref(),
            Some("/a?d")
        );
    }
}
