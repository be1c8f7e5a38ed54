//! Where the programs are that tests run. A missing one fails the test and names the command that fetches it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;

use crate::gateway::temporary_folder;
use crate::image::Image;

/// The stock Envoy.
pub fn envoy() -> PathBuf {
    named("MCP_ENVOY")
}

/// The filter, as released.
pub fn filter() -> PathBuf {
    named("MCP_FILTER")
}

/// The program `mcp-control`: the one that `MCP_CONTROL` names, or where that is not set, the one of control's image.
pub fn control() -> PathBuf {
    match std::env::var_os("MCP_CONTROL") {
        Some(_) => named("MCP_CONTROL"),
        None => control_of_image(),
    }
}

/// The program of control's image.
pub fn control_of_image() -> PathBuf {
    program_of_image("mcp-control")
}

/// The program of an image, `mcp-control` or `mcp-streams`, among all that the image holds. Unpacked once.
pub fn program_of_image(name: &'static str) -> PathBuf {
    static FOLDERS: Mutex<BTreeMap<&str, TempDir>> = Mutex::new(BTreeMap::new());
    let image = Image::open(image(name));
    let mut folders = FOLDERS.lock().expect("no panic while it is unpacked");
    let folder = folders.entry(name).or_insert_with(|| {
        let folder = temporary_folder("image");
        image.unpack(folder.path());
        folder
    });
    image.program(folder.path())
}

/// GitHub's own MCP server.
pub fn github_mcp_server() -> PathBuf {
    named("MCP_TEST_GITHUB_MCP_SERVER")
}

/// The folder that holds `node_modules`.
pub fn npm_packages() -> PathBuf {
    named("MCP_TEST_NPM_PACKAGES")
}

/// The folder with the Python packages.
pub fn python_packages() -> PathBuf {
    named("MCP_TEST_PYTHON_PACKAGES")
}

/// Node.js.
pub fn node() -> PathBuf {
    named("MCP_TEST_NODE")
}

/// Node.js from 22 on, which the conformance suite wants.
pub fn node_22() -> PathBuf {
    of_conformance("MCP_TEST_NODE_22")
}

/// The program of the conformance suite, for [`node_22`].
pub fn conformance() -> PathBuf {
    let program = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
    of_conformance("MCP_TEST_CONFORMANCE").join(program)
}

/// The everything server of the official Go SDK.
pub fn everything_server() -> PathBuf {
    of_conformance("MCP_TEST_EVERYTHING_SERVER")
}

/// The folder that holds the Inspector's `node_modules`.
pub fn inspector() -> PathBuf {
    of_clients("MCP_TEST_INSPECTOR")
}

/// A Node.js that is recent enough for the Inspector.
pub fn inspector_node() -> PathBuf {
    of_clients("MCP_TEST_INSPECTOR_NODE")
}

/// The folder of Keycloak's distribution.
pub fn keycloak() -> PathBuf {
    of_auth("MCP_TEST_KEYCLOAK")
}

/// The server that `scripts/run` has stand in for GitHub's.
pub fn stand_in() -> PathBuf {
    of_auth("MCP_TEST_STAND_IN")
}

/// The folder with etcd and kube-apiserver.
pub fn kube() -> PathBuf {
    of_cluster("MCP_TEST_KUBE")
}

/// kubectl.
pub fn kubectl() -> PathBuf {
    of_cluster("MCP_TEST_KUBECTL")
}

/// The definitions of the kinds of Gateway API and of Istio, one document each.
pub fn kinds() -> Vec<String> {
    let files = fs::read_dir(of_cluster("MCP_TEST_KINDS")).expect("a folder");
    let texts = files.map(|file| fs::read_to_string(file.expect("a file").path()));
    let texts: Vec<String> = texts.collect::<Result<_, _>>().expect("definitions");
    let documents = texts.iter().flat_map(|text| text.split("\n---\n"));
    documents.map(str::to_owned).collect()
}

/// Of [`kinds`], those of these names.
pub fn kinds_named(names: &[&str]) -> Vec<String> {
    let defines = |kind: &str, name: &str| kind.contains(&format!("    kind: {name}\n"));
    let mut kinds = kinds();
    kinds.retain(|kind| names.iter().any(|name| defines(kind, name)));
    for name in names {
        let is_there = kinds.iter().any(|kind| defines(kind, name));
        assert!(is_there, "no definition of {name}");
    }
    kinds
}

/// The definitions of this project's own kinds: the files of the folder `crds`, one document each.
pub fn own_kinds() -> Vec<String> {
    definitions("../crds")
}

/// The definition of AuthPolicy.
pub fn auth_policies() -> String {
    definitions("../crds/auth-policies").concat()
}

fn definitions(folder: &str) -> Vec<String> {
    let files = fs::read_dir(file(folder)).expect("a folder");
    let paths = files.map(|file| file.expect("a file").path());
    let definitions = paths.filter(|path| path.is_file() && !path.ends_with("kustomization.yaml"));
    let texts = definitions.map(fs::read_to_string);
    let texts: Vec<String> = texts.collect::<Result<_, _>>().expect("definitions");
    assert!(!texts.is_empty(), "{folder} has no definitions");
    texts
}

/// The folder with istiod, its agent and the bootstrap template.
pub fn istio() -> PathBuf {
    of_cluster("MCP_TEST_ISTIO")
}

/// Gives Istio's agent a folder for its modules.
pub fn istio_data() -> PathBuf {
    file("../scripts/toolchain/istio-data")
}

/// A client of OCI registries.
pub fn crane() -> PathBuf {
    of_cluster("MCP_TEST_CRANE")
}

/// An OCI registry.
pub fn registry() -> PathBuf {
    of_cluster("MCP_TEST_REGISTRY")
}

/// A module that only tests load: `faulty` or `noop`.
pub fn module(name: &str) -> PathBuf {
    of_cluster("MCP_TEST_MODULES").join(format!("{name}.wasm"))
}

/// What signs images and verifies that.
pub fn cosign() -> PathBuf {
    of_cluster("MCP_TEST_COSIGN")
}

/// An image as `scripts/image` makes it: `mcp-control`, `mcp-filter` or `mcp-streams`.
pub fn image(name: &str) -> PathBuf {
    of_cluster("MCP_TEST_IMAGES").join(name)
}

/// Files of this crate that other programs read, such as `python/client.py`.
pub fn file(name: &str) -> PathBuf {
    existing(
        Path::new(env!("CARGO_MANIFEST_DIR")).join(name),
        "is part of the repository",
    )
}

fn named(variable: &str) -> PathBuf {
    let hint = "run `scripts/test`, or set it by `eval \"$(scripts/test-environment)\"`";
    set(variable, hint)
}

fn of_conformance(variable: &str) -> PathBuf {
    let hint = "run `scripts/test conformance`, or set it by `eval \"$(scripts/test-conformance-environment)\"`";
    set(variable, hint)
}

fn of_clients(variable: &str) -> PathBuf {
    let hint =
        "run `scripts/test clients`, or set it by `eval \"$(scripts/test-clients-environment)\"`";
    set(variable, hint)
}

fn of_auth(variable: &str) -> PathBuf {
    let hint = "run `scripts/test auth`, or set it by `eval \"$(scripts/test-auth-environment)\"`";
    set(variable, hint)
}

fn of_cluster(variable: &str) -> PathBuf {
    let hint = "run `scripts/test LEVEL`, or set it by `eval \"$(scripts/test-LEVEL-environment)\"`, with apiserver or \
        gateway for LEVEL";
    set(variable, hint)
}

fn set(variable: &str, hint: &str) -> PathBuf {
    let path =
        std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set: {hint}"));
    existing(path.into(), hint)
}

fn existing(path: PathBuf, hint: &str) -> PathBuf {
    assert!(path.exists(), "{} does not exist: {hint}", path.display());
    path
}
