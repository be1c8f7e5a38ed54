//! From the configuration to the table: the only validation.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use mcp_filter_config::{
    AUTHENTICATION, KNOWN_REQUIREMENTS, PluginConfig, Role, STATELESS, VERSION,
};

use super::Table;
use super::bounds;
use super::endpoint::Endpoint;
use super::error::{CompileError, ensure, refuse};
use super::internal_hosts::InternalHosts;
use super::resources::Resources;
use super::server::{Server, Servers};
use super::streams::Streams;
use crate::catalog::{Catalog, ListKind};
use crate::control_signature::PublicKey;
use crate::memo::Memo;
use crate::policy::CompiledPolicy;
use crate::session_id::{SessionKeys, decode_key};

pub(super) fn compile(config: &PluginConfig) -> Result<Table, CompileError> {
    ensure(
        config.version == VERSION,
        "version",
        format_args!("must be {VERSION}: control and filter differ"),
    )?;
    for (index, name) in config.requires.iter().enumerate() {
        let known = KNOWN_REQUIREMENTS.contains(&name.as_str());
        ensure(
            known,
            format_args!("requires[{index}]"),
            format_args!("{name} is not known: use a newer filter"),
        )?;
    }
    if config.role == Role::Gate {
        return Ok(gate());
    }
    check_generation(&config.generation)?;
    bounds::check(config)?;
    let endpoints = endpoints(config)?;
    let internal_hosts = InternalHosts::compile(config, &endpoints)?;
    let servers = servers(config)?;
    let catalog = catalog(config)?;
    let resources = Resources::compile(&catalog, &servers)?;
    let policies = policies(config)?;
    let claim_paths = claim_paths(&policies, &endpoints);
    let credential_headers: BTreeSet<String> = policies
        .iter()
        .flat_map(CompiledPolicy::credential_headers)
        .map(|name| name.replace('_', "-"))
        .collect();
    Ok(Table {
        role: config.role,
        generation: config.generation.clone(),
        endpoints,
        internal_hosts,
        servers,
        catalog,
        resources,
        policies,
        credential_headers: credential_headers.into_iter().collect(),
        claim_paths,
        sessions: sessions(config)?,
        upstream_keys: Memo::default(),
        stateless_capabilities: OnceCell::new(),
        control_keys: control_keys(config)?,
        limits: config.limits,
        streams: streams(config)?,
    })
}

fn check_generation(generation: &str) -> Result<(), CompileError> {
    let hex = generation
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    ensure(
        hex && generation.len() <= 64,
        "generation",
        "must be a digest in lower-case hex",
    )
}

/// The second of two instances knows nothing but that it is.
fn gate() -> Table {
    Table {
        role: Role::Gate,
        generation: String::new(),
        endpoints: Vec::new(),
        internal_hosts: InternalHosts::default(),
        servers: Servers::new(Vec::new()),
        catalog: Catalog::default(),
        resources: Resources::default(),
        policies: Vec::new(),
        credential_headers: Vec::new(),
        claim_paths: Vec::new(),
        sessions: SessionKeys::default(),
        upstream_keys: Memo::default(),
        stateless_capabilities: OnceCell::new(),
        control_keys: Vec::new(),
        limits: mcp_filter_config::Limits::default(),
        streams: None,
    }
}

fn requires(config: &PluginConfig, requirement: &str) -> bool {
    config.requires.iter().any(|name| name == requirement)
}

fn endpoints(config: &PluginConfig) -> Result<Vec<Endpoint>, CompileError> {
    let mut seen = BTreeSet::new();
    let mut endpoints = Vec::with_capacity(config.endpoints.len());
    for (index, endpoint) in config.endpoints.iter().enumerate() {
        let at = format!("endpoints[{index}]");
        let is_known = endpoint.authentication.is_none() || requires(config, AUTHENTICATION);
        ensure(
            is_known,
            "requires",
            format_args!(
                "must have {AUTHENTICATION}, for {at} has it: an older filter would let everybody in"
            ),
        )?;
        let endpoint = Endpoint::compile(endpoint, &at)?;
        for (place, host) in endpoint.hosts().iter().enumerate() {
            let new = seen.insert((host.clone(), endpoint.path().to_owned()));
            ensure(
                new,
                format_args!("{at}.hosts[{place}]"),
                "is there already with the same path",
            )?;
        }
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

fn servers(config: &PluginConfig) -> Result<Servers, CompileError> {
    let mut names = BTreeSet::new();
    let mut servers = Vec::with_capacity(config.servers.len());
    for (index, server) in config.servers.iter().enumerate() {
        let at = format!("servers[{index}]");
        ensure(
            names.insert(&server.name),
            format_args!("{at}.name"),
            "is the name of another server, too",
        )?;
        let server = Server::compile(server, &at, config.policies.len())?;
        ensure(
            server.session_version.is_some() || requires(config, STATELESS),
            "requires",
            format_args!(
                "must have {STATELESS}, for {at} has no sessions: an older filter could not ask it anything"
            ),
        )?;
        servers.push(server);
    }
    Ok(Servers::new(servers))
}

fn catalog(config: &PluginConfig) -> Result<Catalog, CompileError> {
    let Some(packed) = &config.catalog else {
        return Ok(Catalog::default());
    };
    let catalog = Catalog::decode(packed).or_else(|error| refuse("catalog", error))?;
    for kind in ListKind::ALL {
        for (index, (server, key)) in catalog.entries(kind).enumerate() {
            let at = || format!("catalog.data.{}[{index}]", kind.member());
            let Some(server) = config.servers.get(server as usize) else {
                return refuse(at(), format_args!("there is no server {server}"));
            };
            let named = !kind.is_named()
                || crate::name::FederatedName::own_name(&server.prefix, key).is_some();
            ensure(
                named,
                at(),
                format_args!("{key} does not begin with the prefix of its server"),
            )?;
        }
    }
    for (index, (server, uri, _)) in catalog.ui_resources().enumerate() {
        ensure(
            config.servers.get(server as usize).is_some(),
            format_args!("catalog.data.uiResources[{index}]"),
            format_args!("there is no server {server} for {uri}"),
        )?;
    }
    Ok(catalog)
}

fn policies(config: &PluginConfig) -> Result<Vec<CompiledPolicy>, CompileError> {
    let policies = config.policies.iter().enumerate();
    policies
        .map(|(index, policy)| CompiledPolicy::compile(policy, &format!("policies[{index}]")))
        .collect()
}

/// What counts of every token, and what policies read.
fn claim_paths(policies: &[CompiledPolicy], endpoints: &[Endpoint]) -> Vec<Vec<String>> {
    let of_endpoints = endpoints.iter().filter_map(Endpoint::authentication);
    let read = policies
        .iter()
        .chain(of_endpoints.map(|authentication| authentication.policy()))
        .flat_map(CompiledPolicy::read_claims)
        .cloned();
    let always = ["iss", "sub", "aud", "exp"].map(|name| vec![name.to_owned()]);
    let paths: BTreeSet<_> = read.chain(always).collect();
    paths.into_iter().collect()
}

fn sessions(config: &PluginConfig) -> Result<SessionKeys, CompileError> {
    let mut keys: Vec<(u8, [u8; 32])> = Vec::new();
    for (index, key) in config.sessions.keys.iter().enumerate() {
        let at = format!("sessions.keys[{index}]");
        ensure(
            keys.iter().all(|(id, _)| *id != key.id),
            format_args!("{at}.id"),
            "is the id of another key, too",
        )?;
        let secret =
            decode_key(&key.secret).or_else(|error| refuse(format_args!("{at}.secret"), error))?;
        keys.push((key.id, secret));
    }
    let needed = config.servers.is_empty() || !keys.is_empty();
    ensure(
        needed,
        "sessions.keys",
        "must have a key, for there are servers",
    )?;
    Ok(SessionKeys::new(keys, config.sessions.ttl_seconds))
}

fn streams(config: &PluginConfig) -> Result<Option<Streams>, CompileError> {
    let Some(streams) = &config.streams else {
        return Ok(None);
    };
    ensure(
        !config.sessions.keys.is_empty(),
        "sessions.keys",
        "must have a key, for there is streams",
    )?;
    Streams::compile(streams).map(Some)
}

fn control_keys(config: &PluginConfig) -> Result<Vec<PublicKey>, CompileError> {
    let keys = config
        .control
        .public_keys
        .iter()
        .enumerate()
        .map(|(index, key)| {
            let at = format!("control.publicKeys[{index}]");
            let bytes = decode_key(key).or_else(|error| refuse(&at, error))?;
            PublicKey::from_bytes(bytes)
                .map_or_else(|| refuse(&at, "is not an Ed25519 public key"), Ok)
        });
    keys.collect()
}
