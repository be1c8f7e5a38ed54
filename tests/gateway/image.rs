//! The images, as a node and a gateway get them.

use std::fs;

use harness::component;
use harness::control::{Control, NAMESPACE};
use harness::gateway::temporary_folder;
use harness::image::Image;
use harness::kubectl::shell;
use harness::kubernetes::Kubernetes;
use harness::process::command;
use serde_json::{Value, json};

/// `p_type` of the program header that names a loader (ELF-64 Object File Format, "Program header table").
const PT_INTERP: u32 = 3;

tests! {
    async fn the_image_of_control_holds_a_program_that_needs_nothing_beside_it() {
        let image = Image::open(component::image("mcp-control"));
        let folder = temporary_folder("control");
        image.unpack(folder.path()).await;
        let program = image.program(folder.path());
        assert!(!headers(&fs::read(&program).unwrap()).contains(&PT_INTERP), "it wants a loader");
        let output = command(&program).arg("--version").env_clear().output().await.unwrap();
        let version = concat!("mcp-control ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), version);
    }

    async fn the_deployment_of_the_install_runs_and_leads_under_its_account() {
        let kubernetes = Kubernetes::start().await;
        let kinds = component::kinds().into_iter().filter(|kind| {
            let mut needed = ["Gateway", "HTTPRoute", "WasmPlugin"].iter();
            needed.any(|name| kind.contains(&format!("    kind: {name}\n")))
        });
        kubernetes.define(&kinds.collect::<Vec<_>>().join("\n---\n")).await;
        let install = "kubectl apply --server-side --field-manager=mcp-proxy-wasm -k wasmplugin/install";
        let ended = shell(&kubernetes, install).await;
        assert!(ended.well, "{}", ended.err);
        let deployment = kubernetes.read(&named("apps/v1", "Deployment", "mcp-controller")).await;
        let account = deployment["spec"]["template"]["spec"]["serviceAccountName"].as_str().unwrap();
        let kubeconfig = kubernetes.kubeconfig_of(NAMESPACE, account).await;
        let image = Image::open(component::image("mcp-control"));
        let folder = temporary_folder("control");
        image.unpack(folder.path()).await;
        let program = image.program(folder.path());
        let control = Control::start_deployed(&deployment, &program, &kubeconfig, "pod-1").await;
        control.until_watching().await;
        let lease = named("coordination.k8s.io/v1", "Lease", "mcp-control");
        let leads = |lease: &Value| {
            let holder = lease["spec"]["holderIdentity"].as_str()?;
            holder.starts_with("pod-1").then_some(())
        };
        kubernetes.until_object("it leads", &lease, leads).await;
        assert!(control.stop().await.success());
    }

    async fn the_image_of_control_says_what_it_is_and_that_it_needs_no_root() {
        let config = Image::open(component::image("mcp-control")).config();
        assert_eq!(config["User"], "65532:65532");
        assert_eq!(config["Entrypoint"], json!(["/mcp-control"]));
        let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].clone();
        assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(label("licenses"), "Apache-2.0");
        assert_ne!(label("title"), Value::Null);
    }
}

/// An object of the namespace of control.
fn named(version: &str, kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
    })
}

/// The types of all program headers.
fn headers(elf: &[u8]) -> Vec<u32> {
    let word = |at: usize| u32::from_le_bytes(elf[at..at + 4].try_into().unwrap());
    let half = |at: usize| usize::from(u16::from_le_bytes(elf[at..at + 2].try_into().unwrap()));
    assert_eq!(&elf[..5], b"\x7fELF\x02", "64 bits");
    let table = usize::try_from(word(0x20)).unwrap();
    (0..half(0x38))
        .map(|entry| word(table + entry * half(0x36)))
        .collect()
}
