//! In which order a change reaches Envoy, so that no request fails and nobody passes by the filter.

use mcp_filter_config::PluginConfig;

use super::{cluster, route, streams};
use crate::network::{Cluster, Issuer, Network, Route};

/// What Envoy serves, or shall serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its clusters and routes.
    pub network: Network,
    /// The filter's configuration.
    pub config: PluginConfig,
}

impl Service {
    /// Sorts, and leaves out what Envoy would refuse together with everything else; each with its reason.
    pub fn new(mut network: Network, config: PluginConfig) -> (Self, Vec<String>) {
        let mut left_out = Vec::new();
        network.clusters.retain(|cluster| {
            let flaw = cluster::flaw(cluster);
            left_out.extend(flaw.map(|flaw| format!("cluster {}: {flaw}", cluster.name)));
            flaw.is_none()
        });
        network.routes.retain(|route| {
            let is_public = is_public(&config, &route.host);
            let public = is_public
                .then_some("its hostname is the MCP endpoint's, past whose policies it would lead");
            let taken =
                streams::is_taken_by(route).then_some("its hostname is that of mcp-streams");
            let flaw = route::flaw(route).or(public).or(taken);
            left_out.extend(flaw.map(|flaw| format!("route {}: {flaw}", route.host)));
            flaw.is_none()
        });
        sort(&mut network);
        (Self { network, config }, left_out)
    }
}

fn is_public(config: &PluginConfig, host: &str) -> bool {
    let mut hosts = config.endpoints.iter().flat_map(|endpoint| &endpoint.hosts);
    hosts.any(|public| public.eq_ignore_ascii_case(host))
}

fn sort(network: &mut Network) {
    network.clusters.sort_by(|a, b| a.name.cmp(&b.name));
    network.routes.sort_by(|a, b| a.host.cmp(&b.host));
    network.issuers.sort_by(|a, b| a.url.cmp(&b.url));
}

/// One file to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// These clusters, and no others.
    Clusters(Vec<Cluster>),
    /// These routes, and no others.
    Routes(Vec<Route>),
    /// These issuers of tokens, and no others.
    Issuers(Vec<Issuer>),
    /// This configuration of the filter.
    Filter(Box<PluginConfig>),
}

/// The steps from `live` to all that `wanted` has, each to be in force before the next. What only `live` has stays, for
/// requests that the filter decided before.
///
/// Clusters come before the routes that lead to them, routes before the filter that chooses them, and issuers before the
/// filter that asks for their tokens; and a host is closed to clients before there is a route for it.
pub fn additions(live: &Service, wanted: &Service) -> Vec<Step> {
    let network = union(&live.network, &wanted.network);
    let mut config = wanted.config.clone();
    close(&mut config, &network.routes);
    let mut steps = Vec::new();
    if network.clusters != live.network.clusters {
        steps.push(Step::Clusters(network.clusters));
    }
    if network.issuers != live.network.issuers {
        steps.push(Step::Issuers(network.issuers));
    }
    if network.routes == live.network.routes {
        if config != live.config {
            steps.push(Step::Filter(Box::new(config)));
        }
        return steps;
    }
    let mut closing = live.config.clone();
    close(&mut closing, &network.routes);
    let differs_in_more_than_hosts = !same_but_for_hosts(&closing, &config);
    if closing != live.config {
        let first = if differs_in_more_than_hosts {
            closing
        } else {
            config.clone()
        };
        steps.push(Step::Filter(Box::new(first)));
    }
    steps.push(Step::Routes(network.routes));
    if differs_in_more_than_hosts {
        steps.push(Step::Filter(Box::new(config)));
    }
    steps
}

/// The steps that take away what `wanted` lacks, once the filter chooses none of it any more.
pub fn removals(live: &Service, wanted: &Service) -> Vec<Step> {
    let mut steps = Vec::new();
    if wanted.network.routes != live.network.routes {
        steps.push(Step::Routes(wanted.network.routes.clone()));
    }
    if wanted.network.issuers != live.network.issuers {
        steps.push(Step::Issuers(wanted.network.issuers.clone()));
    }
    if wanted.network.clusters != live.network.clusters {
        steps.push(Step::Clusters(wanted.network.clusters.clone()));
    }
    steps
}

/// All of `wanted`, and what only `live` has.
fn union(live: &Network, wanted: &Network) -> Network {
    let mut network = wanted.clone();
    for cluster in &live.clusters {
        if !wanted
            .clusters
            .iter()
            .any(|other| other.name == cluster.name)
        {
            network.clusters.push(cluster.clone());
        }
    }
    for route in &live.routes {
        let replaced = |other: &Route| other.host == route.host && other.path == route.path;
        if !wanted.routes.iter().any(replaced) {
            network.routes.push(route.clone());
        }
    }
    for issuer in &live.issuers {
        if !wanted.issuers.iter().any(|other| other.url == issuer.url) {
            network.issuers.push(issuer.clone());
        }
    }
    sort(&mut network);
    network
}

/// Closes the hosts of `routes` to clients.
fn close(config: &mut PluginConfig, routes: &[Route]) {
    for Route { host, .. } in routes {
        if !config
            .internal_hosts
            .iter()
            .any(|pattern| covers(pattern, host))
        {
            config.internal_hosts.push(host.clone());
        }
    }
}

fn covers(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    match pattern.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix),
        None => pattern == host,
    }
}

fn same_but_for_hosts(one: &PluginConfig, other: &PluginConfig) -> bool {
    let rest = |config: &PluginConfig| PluginConfig {
        internal_hosts: Vec::new(),
        generation: String::new(),
        ..config.clone()
    };
    rest(one) == rest(other)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{cluster, config, issuer, route};
    use super::*;

    /// A service whose filter knows a generation and some internal hosts, with one route for each name.
    fn service(generation: &str, names: &[&str]) -> Service {
        let hosts = names.iter().map(|name| format!("{name}.example"));
        Service {
            network: Network {
                clusters: names.iter().map(|name| cluster(name)).collect(),
                routes: names
                    .iter()
                    .map(|name| route(&format!("{name}.example"), name))
                    .collect(),
                issuers: Vec::new(),
            },
            config: PluginConfig {
                generation: generation.to_owned(),
                internal_hosts: hosts.collect(),
                ..config()
            },
        }
    }

    /// A change that the filter has to see beside the hosts.
    fn more(mut service: Service) -> Service {
        service.config.requires.push("more".to_owned());
        service
    }

    fn kinds(steps: &[Step]) -> Vec<&'static str> {
        let kind = |step: &Step| match step {
            Step::Clusters(_) => "clusters",
            Step::Routes(_) => "routes",
            Step::Issuers(_) => "issuers",
            Step::Filter(_) => "filter",
        };
        steps.iter().map(kind).collect()
    }

    #[test]
    fn a_route_at_the_public_host_is_left_out() {
        let Service {
            network,
            mut config,
        } = service("1", &["a", "b"]);
        config.endpoints.push(mcp_filter_config::Endpoint {
            hosts: vec!["A.example".to_owned()],
            path: "/mcp".to_owned(),
            origins: Vec::new(),
            authentication: None,
            protected_resource: None,
        });
        let (service, left_out) = Service::new(network, config);
        let hosts: Vec<_> = service
            .network
            .routes
            .iter()
            .map(|route| &route.host)
            .collect();
        assert_eq!(hosts, ["b.example"]);
        assert!(left_out[0].contains("a.example"), "{left_out:?}");
    }

    #[test]
    fn a_flaw_costs_nobody_else() {
        let Service {
            mut network,
            config,
        } = service("1", &["a", "b"]);
        network.clusters[0].addresses[0].host = "not.an.address".to_owned();
        let (service, left_out) = Service::new(network, config);
        assert_eq!(service.network.clusters.len(), 1);
        assert_eq!(left_out.len(), 1);
    }

    #[test]
    fn nothing_is_done_where_nothing_changed() {
        let live = service("1", &["a"]);
        assert_eq!(additions(&live, &live), []);
        assert_eq!(removals(&live, &live), []);
    }

    #[test]
    fn the_filter_alone_is_changed_where_only_it_changed() {
        let (live, wanted) = (service("1", &["a"]), more(service("2", &["a"])));
        assert_eq!(
            additions(&live, &wanted),
            [Step::Filter(Box::new(wanted.config.clone()))]
        );
        assert_eq!(removals(&live, &wanted), []);
    }

    #[test]
    fn a_new_host_is_closed_before_it_is_routed() {
        let (live, wanted) = (service("1", &["a"]), service("2", &["a", "b"]));
        let steps = additions(&live, &wanted);
        assert_eq!(
            steps,
            [
                Step::Clusters(wanted.network.clusters.clone()),
                Step::Filter(Box::new(wanted.config.clone())),
                Step::Routes(wanted.network.routes.clone()),
            ]
        );
    }

    #[test]
    fn the_filter_chooses_a_route_after_it_is_there() {
        let (live, wanted) = (service("1", &["a"]), more(service("2", &["a", "b"])));
        let steps = additions(&live, &wanted);
        assert_eq!(kinds(&steps), ["clusters", "filter", "routes", "filter"]);
        let Step::Filter(closing) = &steps[1] else {
            panic!("{steps:?}")
        };
        assert_eq!(closing.internal_hosts, ["a.example", "b.example"]);
        assert_eq!(closing.requires, live.config.requires);
        assert_eq!(steps[3], Step::Filter(Box::new(wanted.config)));
    }

    #[test]
    fn a_host_that_a_pattern_closes_needs_no_step_of_its_own() {
        let with_pattern = |mut service: Service| {
            service.config.internal_hosts = vec!["*.Example".to_owned()];
            service
        };
        let live = with_pattern(service("1", &["a"]));
        let wanted = with_pattern(more(service("2", &["a", "b"])));
        assert_eq!(
            kinds(&additions(&live, &wanted)),
            ["clusters", "routes", "filter"]
        );
    }

    #[test]
    fn what_is_no_longer_wanted_stays_closed_and_goes_last() {
        let (live, wanted) = (service("1", &["a", "b"]), service("2", &["a"]));
        let steps = additions(&live, &wanted);
        // Only the order of the closed hosts could differ, and nothing else did.
        assert_eq!(kinds(&steps), ["filter"]);
        let Step::Filter(config) = &steps[0] else {
            panic!("{steps:?}")
        };
        assert_eq!(config.internal_hosts, ["a.example", "b.example"]);
        assert_eq!(
            removals(&live, &wanted),
            [
                Step::Routes(wanted.network.routes.clone()),
                Step::Clusters(wanted.network.clusters.clone()),
            ]
        );
    }

    #[test]
    fn an_issuer_is_there_before_its_tokens_are_asked_for_and_goes_after_that() {
        let live = service("1", &["a"]);
        let mut wanted = more(service("2", &["a"]));
        wanted.network.clusters.push(cluster("issuer|https://i"));
        wanted.network.issuers.push(issuer("https://i"));
        sort(&mut wanted.network);
        assert_eq!(
            kinds(&additions(&live, &wanted)),
            ["clusters", "issuers", "filter"]
        );
        assert_eq!(kinds(&additions(&wanted, &live)), ["filter"]);
        assert_eq!(kinds(&removals(&wanted, &live)), ["issuers", "clusters"]);
    }

    #[test]
    fn an_issuer_whose_keys_have_moved_replaces_its_old_self() {
        let mut live = service("1", &["a"]);
        live.network.issuers.push(issuer("https://i"));
        let mut wanted = live.clone();
        wanted.network.issuers[0].keys = "https://i/other".to_owned();
        let expected = [Step::Issuers(wanted.network.issuers.clone())];
        assert_eq!(additions(&live, &wanted), expected);
    }

    #[test]
    fn a_cluster_and_a_route_that_changed_replace_their_old_selves() {
        let live = service("1", &["a"]);
        let mut wanted = live.clone();
        wanted.network.clusters[0].http2 = true;
        wanted.network.routes[0].authority_rewrite = Some("u.example".to_owned());
        assert_eq!(
            additions(&live, &wanted),
            [
                Step::Clusters(wanted.network.clusters.clone()),
                Step::Routes(wanted.network.routes.clone()),
            ]
        );
        assert_eq!(removals(&live, &wanted).len(), 2);
    }

    #[test]
    fn both_routes_of_a_host_stand_while_it_changes() {
        let live = service("1", &["a"]);
        let mut wanted = live.clone();
        wanted.network.routes[0].path = crate::network::PathMatch::Prefix("/new".to_owned());
        let steps = additions(&live, &wanted);
        let [Step::Routes(routes)] = steps.as_slice() else {
            panic!("{steps:?}")
        };
        assert_eq!(routes.len(), 2);
    }
}
