//! The images of control and of the filter, as nodes and gateways get them. Level `apiserver` runs control's program.

use std::fs;
use std::path::Path;
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::authority::Authority;
use harness::component;
use harness::gateway::temporary_folder;
use harness::image::Image;
use harness::process::command;
use harness::registry::Registry;
use mcp_control::registry::{REQUIREMENTS, Understood, Unreadable, VERSIONS};
use mcp_filter_config::{KNOWN_REQUIREMENTS, VERSION};
use serde_json::{Value, json};

/// As control knows them.
mod control {
    pub(super) use mcp_control::image::Image;
    pub(super) use mcp_control::registry::Registry;
}

/// `p_type` of the program header that names a loader (ELF-64 Object File Format, "Program header table").
const PT_INTERP: u32 = 3;

tests! {
    async fn the_image_of_control_holds_a_program_that_needs_nothing_beside_it() {
        let program = component::control_of_image();
        assert!(!headers(&fs::read(&program).unwrap()).contains(&PT_INTERP), "it wants a loader");
        let output = command(&program).arg("--version").env_clear().output().await.unwrap();
        let version = concat!("mcp-control ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), version);
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

    async fn the_image_of_the_filter_says_what_it_is_and_which_configurations_it_reads() {
        let image = Image::open(component::image("mcp-filter"));
        let annotations = image.annotations();
        let word = |name: &str| annotations[&format!("org.opencontainers.image.{name}")].clone();
        assert_eq!(word("version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(word("licenses"), "Apache-2.0");
        assert_eq!(word("title"), "mcp-filter");
        assert_eq!(annotations[VERSIONS], VERSION.to_string());
        let listed = annotations.get(REQUIREMENTS).map(String::as_str).unwrap_or_default();
        let listed: Vec<_> = listed.split(',').filter(|name| !name.is_empty()).collect();
        assert_eq!(listed, KNOWN_REQUIREMENTS);
    }

    async fn a_signed_image_has_its_signature_and_its_packages_beside_it() {
        let (registry, folder) = (Registry::start().await, temporary_folder("keys"));
        let keys = folder.path().display();
        run(&format!("cd {keys} && $COSIGN generate-key-pair")).await;
        let push = format!("--push {} --without-tls --sign {keys}/cosign.key --source https://git.example.com/mcp \
            --to {keys}", registry.authority());
        let printed = run(&format!("scripts/image {push} mcp-filter")).await;
        let named = printed.lines().find_map(|line| line.strip_prefix("FILTER=")).expect("the image's name");
        let proof = format!("--key {keys}/cosign.pub --insecure-ignore-tlog=true --allow-http-registry {}/{named}",
            registry.authority());
        run(&format!("$COSIGN verify {proof}")).await;
        let attested = run(&format!("$COSIGN verify-attestation --type cyclonedx {proof}")).await;
        let attested: Value = serde_json::from_str(attested.lines().next().expect("a line")).unwrap();
        let statement = STANDARD.decode(attested["payload"].as_str().unwrap()).unwrap();
        let statement: Value = serde_json::from_slice(&statement).unwrap();
        let packages = statement["predicate"]["components"].as_array().expect("packages");
        let has = |name: &str| packages.iter().any(|package| package["name"] == name);
        assert!(has("proxy-wasm") && has("serde_json") && !has("kube"), "{packages:?}");
        let manifest = run(&format!("$CRANE manifest --insecure {}/{named}", registry.authority())).await;
        assert!(manifest.contains("https://git.example.com/mcp"), "{manifest}");
        let other = registry.push("mcp/control", &component::image("mcp-control")).await;
        let proof = proof.replace(&format!("{}/{named}", registry.authority()), &other);
        let unsigned = shell(&format!("$COSIGN verify {proof}")).await;
        assert!(!unsigned.status.success(), "nobody has signed it");
    }
}

tests! {
    async fn a_registry_with_tls_and_a_login_takes_the_image_and_lets_control_read_what_it_says_of_itself() {
        let (authority, folder) = (Authority::new(), temporary_folder("login"));
        let registry = Registry::guarded(&authority).await;
        let guard = registry.guard().expect("it wants a login").clone();
        let to = folder.path().display();
        let push = format!("scripts/image --push {}/mcp --to {to} mcp-filter", registry.authority());
        let trust = format!("export SSL_CERT_FILE={}", guard.authority.display());
        let stranger = shell(&format!("{trust} DOCKER_CONFIG={}\n{push}", folder.path().display())).await;
        assert!(!stranger.status.success(), "it wants a login");
        let logins = guard.logins.parent().unwrap().display();
        let printed = run(&format!("{trust} DOCKER_CONFIG={logins}\n{push}")).await;
        let named = printed.lines().find_map(|line| line.strip_prefix("FILTER=")).expect("the image's name");
        let image = format!("oci://{}/mcp/{named}", registry.authority());
        let image: control::Image = image.parse().unwrap();
        let (logins, authorities) = (Some(guard.logins), Some(guard.authority));
        let reached = control::Registry { logins, authorities, ..Default::default() };
        let understood = reached.understood(&image).await.unwrap();
        assert_eq!(understood, Understood::of_given(&json!({"version": VERSION, "requires": KNOWN_REQUIREMENTS})));
        let absent = Some(folder.path().join("absent"));
        let anybody = control::Registry { logins: absent.clone(), ..reached.clone() };
        let refused = anybody.understood(&image).await.unwrap_err();
        assert!(matches!(refused, Unreadable::Unauthorized), "{refused:?}");
        let stranger = control::Registry { authorities: absent, ..reached };
        let refused = stranger.understood(&image).await.unwrap_err().to_string();
        assert!(refused.contains("certificate"), "{refused}");
    }
}

/// What a command line prints that ends well.
async fn run(line: &str) -> String {
    let output = shell(line).await;
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

async fn shell(line: &str) -> Output {
    let mut shell = command(Path::new("bash"));
    shell
        .args(["-ceu", line])
        .current_dir(component::file(".."));
    shell
        .env("COSIGN", component::cosign())
        .env("CRANE", component::crane())
        .env("COSIGN_PASSWORD", "");
    shell.output().await.expect("a shell")
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
