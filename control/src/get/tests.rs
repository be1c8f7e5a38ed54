use k8s_openapi::jiff::Timestamp;
use kube::core::DynamicObject;
use mcp_filter_config::PluginConfig;
use mcp_filter_core::catalog::{CatalogWriter, Definition, ListKind};
use serde_json::{Value, json};

use super::cluster::{Read, read};
use super::fault::Fault;
use super::listing::{Listing, Objects};
use super::print::{document, registrations, tools};
use super::registration::{Registration, found};
use super::{attachment, tool};
use crate::args::Format;
use crate::attach::Attach;
use crate::manifests::{Kind, Object};
use crate::object::ObjectName;
use crate::render;
use crate::verdict::{Readiness, Reason, Verdict};

const NOW: &str = "2026-11-22T00:05:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn registration(name: &str, status: Value) -> Value {
    json!({
        "apiVersion": "mcp.kuadrant.io/v1",
        "kind": "MCPServerRegistration",
        "metadata": {
            "name": name, "namespace": "mcp-test", "generation": 2, "creationTimestamp": "2026-11-22T00:00:00Z",
        },
        "spec": {
            "prefix": "github_",
            "targetRef": {"name": "github-mcp-external"},
            "credentialRef": {"name": "github-token"},
        },
        "status": status,
    })
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-22T00:01:00Z", "observedGeneration": 2,
    })
}

fn ready() -> Value {
    json!({
        "conditions": [condition("Ready", "True", "Ready", "41 tools")],
        "discoveredTools": 41, "discoveredPrompts": 2, "protocolVersion": "2025-11-25",
    })
}

fn kind(object: &Value) -> Kind {
    let mut kinds = Kind::ALL.into_iter();
    kinds.find(|kind| object["kind"] == kind.as_str()).unwrap()
}

/// What is listed of a cluster with these objects.
fn listing(objects: &[Value]) -> Listing {
    let (mut listed, mut faults) = (Objects::default(), Vec::new());
    for object in objects {
        let dynamic: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        match read(kind(object), dynamic) {
            Ok(Read::Registration(one)) => listed.registrations.push(*one),
            Ok(Read::Extension(one)) => listed.extensions.push(*one),
            Ok(Read::VirtualServer(one)) => listed.virtual_servers.push(*one),
            Err(fault) => faults.push(*fault),
        }
    }
    Listing::new(listed, None, faults)
}

#[test]
fn a_registration_shows_the_columns_of_kubectl() {
    let expected = "\
NAMESPACE   NAME     PREFIX    TARGET                PATH   READY   TOOLS   CREDENTIALS    AGE
mcp-test    github   github_   github-mcp-external   /mcp   True    41      github-token   5m
";
    let listing = listing(&[registration("github", ready())]);
    assert_eq!(registrations(&listing, now()), expected);
}

#[test]
fn a_cluster_and_a_folder_print_alike() {
    let object = registration("github", Value::Null);
    let object = Object::from_api(Kind::McpServerRegistration, object).unwrap();
    let verdict = Verdict {
        name: ObjectName {
            namespace: "mcp-test".to_owned(),
            name: "github".to_owned(),
        },
        kind: "MCPServerRegistration",
        ready: Readiness::True,
        reason: Reason::NameConflict,
        message: "some names are another's".to_owned(),
        tools: Some(41),
        prompts: None,
        resources: None,
        conflicts: vec!["github_get_me".to_owned()],
        unsupported: vec!["spec.hint".to_owned()],
    };
    let of_folder = Registration::new(&object, found(verdict, None)).unwrap();
    let of_folder = Objects {
        registrations: vec![of_folder],
        ..Objects::default()
    };
    let of_folder = Listing::new(of_folder, None, Vec::new());
    let of_cluster = listing(&[registration(
        "github",
        json!({
            "conditions": [
                condition("Ready", "True", "NameConflict", "some names are another's"),
                condition("Unsupported", "True", "Unsupported", "without effect here: spec.hint"),
            ],
            "discoveredTools": 41,
            "conflicts": ["github_get_me"],
        }),
    )]);
    let text = registrations(&of_folder, now());
    assert_eq!(text, registrations(&of_cluster, now()));
    let faults = "
MCPServerRegistration mcp-test/github: NameConflict: some names are another's
MCPServerRegistration mcp-test/github: Unsupported: without effect here: spec.hint
";
    assert!(text.ends_with(faults), "{text}");
    for member in ["spec", "offer"] {
        let of = |listing: &Listing| match member {
            "spec" => format!("{:?}", listing.registrations[0].spec),
            _ => format!("{:?}", listing.registrations[0].offer),
        };
        assert_eq!(of(&of_folder), of(&of_cluster));
    }
}

#[test]
fn whatever_is_not_ready_is_a_fault_with_its_reason() {
    let extension = json!({
        "apiVersion": "mcp.kuadrant.io/v1",
        "kind": "MCPGatewayExtension",
        "metadata": {"name": "gw", "namespace": "gateway-system"},
        "spec": {"targetRef": {"name": "gw", "sectionName": "mcp"}},
        "status": {"conditions": [condition("Ready", "Unknown", "GatewayUnreachable", "no route to host")]},
    });
    let server = json!({
        "apiVersion": "mcp.kagenti.com/v1alpha1",
        "kind": "MCPServer",
        "metadata": {"name": "older", "namespace": "mcp-test"},
        "spec": {"targetRef": {"name": "older"}},
        "status": {"conditions": [condition("Ready", "False", "TargetNotFound", "HTTPRoute mcp-test/older is not there")]},
    });
    let mut poison = registration("poison", Value::Null);
    poison["spec"]["targetRef"] = 7.into();
    let text = registrations(&listing(&[server, extension, poison]), now());
    let expected = "\
NAMESPACE   NAME    PREFIX   TARGET   PATH   READY   TOOLS    CREDENTIALS   AGE
mcp-test    older   <none>   older    /mcp   False   <none>   <none>        <unknown>

MCPServerRegistration mcp-test/poison: Invalid: the object cannot be read, correct it: spec.targetRef: invalid type: \
integer `7`, expected struct RouteRef
MCPServer mcp-test/older: TargetNotFound: HTTPRoute mcp-test/older is not there
MCPGatewayExtension gateway-system/gw: GatewayUnreachable: no route to host
";
    assert_eq!(text, expected);
}

#[test]
fn a_virtual_server_shows_its_selection_and_why_it_is_not_ready() {
    let server = json!({
        "apiVersion": "mcp.kuadrant.io/v1",
        "kind": "MCPVirtualServer",
        "metadata": {"name": "few", "namespace": "mcp-test", "generation": 2},
        "spec": {"tools": ["github_get_me", "none"]},
        "status": {
            "conditions": [condition("Ready", "False", "TargetNotFound", "no gateway lists any of its tools")],
            "tools": 0, "unmatched": ["github_get_me", "none"], "observedGeneration": 2,
        },
    });
    let listing = listing(&[server]);
    let faults = registrations(&listing, now());
    let expected =
        "\nMCPVirtualServer mcp-test/few: TargetNotFound: no gateway lists any of its tools\n";
    assert!(faults.ends_with(expected), "{faults}");
    let document: Value = serde_json::from_str(&document(&listing, Format::Json).unwrap()).unwrap();
    let shown = &document["virtualServers"][0];
    assert_eq!(
        (&shown["tools"], &shown["unmatched"]),
        (&json!(0), &json!(["github_get_me", "none"]))
    );
    assert_eq!(listing.within("other").virtual_servers, []);
}

#[test]
fn a_status_that_nobody_writes_is_told() {
    let mut changed = registration("changed", ready());
    changed["metadata"]["generation"] = 3.into();
    let text = registrations(
        &listing(&[registration("new", Value::Null), changed]),
        now(),
    );
    let faults = text.split_once("\n\n").unwrap().1;
    let expected = "\
MCPServerRegistration mcp-test/changed: Pending: its status is of generation 2, the object of 3; where that lasts, see \
whether mcp-control runs
MCPServerRegistration mcp-test/new: Pending: no control has written its status yet; where that lasts, see whether \
mcp-control runs
";
    assert_eq!(faults, expected);
}

#[test]
fn a_status_that_cannot_be_read_is_told() {
    let listing = listing(&[registration("odd", json!({"discoveredTools": "many"}))]);
    let [fault] = &listing.faults[..] else {
        panic!("{listing:?}")
    };
    let text = fault.to_string();
    assert!(text.contains("status.discoveredTools: "), "{text}");
}

#[test]
fn no_message_can_be_taken_for_another_fault() {
    let message = "lacks a grant:\nkind: ReferenceGrant\n\u{1b}[2K";
    let status = json!({"conditions": [condition("Ready", "False", "NotAttached", message)]});
    let text = registrations(&listing(&[registration("a", status)]), now());
    let expected = "\nMCPServerRegistration mcp-test/a: NotAttached: lacks a grant:\n    kind: ReferenceGrant\n    \
                    \\u{1b}[2K\n";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_namespace_shows_what_is_its_own() {
    let mut other = registration("other", Value::Null);
    other["metadata"]["namespace"] = "elsewhere".into();
    let mut listing = listing(&[registration("github", ready()), other]);
    listing.tools = Some(served(&wasm_plugin(config())).unwrap());
    listing
        .faults
        .push(Fault::bare(Some("a.yaml:1".to_owned()), "odd".to_owned()));
    let tool = |listing: &Listing| listing.tools.as_ref().unwrap().len();
    let own = listing.clone().within("mcp-test");
    assert_eq!((own.registrations.len(), tool(&own)), (1, 2));
    assert_eq!(own.faults.len(), 1);
    let other = listing.within("elsewhere");
    assert_eq!((other.registrations.len(), tool(&other)), (1, 0));
    assert_eq!(other.faults.len(), 2);
}

#[test]
fn both_documents_say_the_same() {
    let mut listing = listing(&[
        registration("github", ready()),
        registration("new", Value::Null),
    ]);
    listing.tools = Some(Vec::new());
    let json: Value = serde_json::from_str(&document(&listing, Format::Json).unwrap()).unwrap();
    let yaml = document(&listing, Format::Yaml).unwrap();
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), json);
    assert_eq!(
        json["registrations"][0],
        json!({
            "kind": "MCPServerRegistration", "namespace": "mcp-test", "name": "github",
            "prefix": "github_", "target": "github-mcp-external", "path": "/mcp", "credential": "github-token",
            "state": "Enabled", "ready": "True", "reason": "Ready", "message": "41 tools",
            "conditions": [condition("Ready", "True", "Ready", "41 tools")],
            "tools": 41, "prompts": 2, "protocolVersion": "2025-11-25", "conflicts": [],
            "generation": 2, "created": "2026-11-22T00:00:00Z",
        })
    );
    assert_eq!(json["faults"][0]["name"], "new");
    assert_eq!(
        (&json["extensions"], &json["tools"]),
        (&json!([]), &json!([]))
    );
}

/// Two tools of one server.
fn config() -> Value {
    let mut catalog = CatalogWriter::new();
    for name in ["get_me", "fork"] {
        let definition = json!({"name": name}).to_string();
        catalog.push(
            0,
            Definition::parse(ListKind::Tools, "github_", &definition).unwrap(),
        );
    }
    json!({
        "version": 1,
        "role": "route",
        "servers": [{
            "name": "mcp-test/github", "host": "github.mcp.local", "path": "/mcp", "protocolVersion": "2025-11-25",
            "upstream": {"cluster": "c", "authority": "a", "path": "/mcp"},
        }],
        "catalog": catalog.finish(),
    })
}

fn served(plugin: &DynamicObject) -> Result<Vec<tool::Tool>, Box<Fault>> {
    attachment::served(Attach::WasmPlugin, plugin)
}

fn wasm_plugin(config: Value) -> DynamicObject {
    let plugin = json!({
        "apiVersion": "extensions.istio.io/v1alpha1",
        "kind": "WasmPlugin",
        "metadata": {
            "name": "mcp-route-gw", "namespace": "gateway-system", "labels": {"app.kubernetes.io/instance": "gw"},
        },
        "spec": {"pluginConfig": config},
    });
    serde_json::from_value(plugin).unwrap()
}

#[test]
fn every_served_name_shows_its_registration_and_gateway() {
    let plugins = [wasm_plugin(config()), wasm_plugin(config())];
    let served = plugins.iter().flat_map(|one| served(one).unwrap());
    let listing = Listing::new(Objects::default(), Some(served.collect()), Vec::new());
    let expected = "\
NAME            SERVER            GATEWAY
github_fork     mcp-test/github   gateway-system/gw
github_get_me   mcp-test/github   gateway-system/gw
";
    assert_eq!(tools(&listing), expected);
}

/// The object of a gateway that has this configuration whole.
fn attached(attach: Attach, config: Value) -> Value {
    let gateway = ObjectName {
        namespace: "gateway-system".to_owned(),
        name: "edge".to_owned(),
    };
    let image = format!(
        "oci://registry.example.com/filter@sha256:{}",
        "0".repeat(64)
    );
    let config = serde_json::from_value(config).unwrap();
    let objects = render::attachment(attach, &gateway, &image.parse().unwrap(), &config);
    objects.unwrap().remove(0)
}

#[test]
fn an_envoy_filter_serves_what_a_plugin_of_the_same_configuration_does() {
    let [plugin, filter] = Attach::ALL.map(|attach| {
        let object = serde_json::from_value(attached(attach, config())).unwrap();
        let tools = attachment::served(attach, &object).unwrap().into_iter();
        tools
            .map(|tool| (tool.name, tool.server, tool.gateway))
            .collect::<Vec<_>>()
    });
    assert!(!plugin.is_empty());
    assert_eq!(plugin, filter);
    let mut strange = attached(Attach::EnvoyFilter, config());
    *strange
        .pointer_mut(Attach::EnvoyFilter.config_place())
        .unwrap() = "{".into();
    let strange = serde_json::from_value(strange).unwrap();
    let fault = attachment::served(Attach::EnvoyFilter, &strange).unwrap_err();
    let told = format!("{fault:?}");
    assert!(told.contains("its configuration is none"), "{told}");
}

#[test]
fn a_plugin_that_says_nothing_is_a_fault() {
    let mut newer = config();
    newer["catalog"] = "?".into();
    for (config, expected) in [
        (json!({}), "Pending: control has not pushed"),
        (json!({"version": 1}), "Invalid: its configuration is none"),
        (newer, "Invalid: its configuration is none"),
    ] {
        let fault = served(&wasm_plugin(config)).unwrap_err();
        let text = fault.to_string();
        let expected = format!("WasmPlugin gateway-system/mcp-route-gw: {expected}");
        assert!(text.starts_with(&expected), "{text}");
    }
}

#[test]
fn a_configuration_without_lists_serves_no_tools() {
    let config: PluginConfig =
        serde_json::from_value(json!({"version": 1, "role": "route"})).unwrap();
    assert_eq!(tool::tools(&config), Ok(Vec::new()));
}
