use mcp_filter_config::{PluginConfig, Role};
use mcp_filter_core::table::Table;

use super::{Place, REGISTRATION, run};

fn configuration(place: &Place, arguments: &[&str]) -> PluginConfig {
    let arguments = [&["render", "--offline", "base"], arguments].concat();
    let run = place.run(&arguments);
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn standard_output_is_a_configuration_that_the_filter_takes() {
    let config = configuration(&Place::registered(), &[]);
    assert_eq!(config.role, Role::Hold);
    assert_eq!(
        config.endpoints[0].hosts,
        ["127.0.0.1", "localhost", "mcp.127-0-0-1.sslip.io"]
    );
    assert_eq!(config.internal_hosts, ["a.example", "a.mcp.local"]);
    assert!(config.servers.is_empty());
    assert!(Table::compile(&config).is_ok());
}

#[test]
fn each_role_can_be_had() {
    let place = Place::registered();
    for (name, role) in [
        ("hold", Role::Hold),
        ("route", Role::Route),
        ("gate", Role::Gate),
    ] {
        let config = configuration(&place, &["--role", name]);
        assert_eq!(config.role, role);
        assert_eq!(config.endpoints.is_empty(), role == Role::Gate);
        assert!(Table::compile(&config).is_ok());
    }
    let gates = ["render", "--offline", "base", "--role", "gate"];
    let expected = "{\n  \"version\": 1,\n  \"role\": \"gate\"\n}\n";
    assert_eq!(place.run(&gates).out, expected);
}

#[test]
fn sessions_outlive_a_run_where_the_work_dir_is_kept() {
    let place = Place::registered();
    let (once, again) = (["--work-dir", "work"], ["--work-dir", "work"]);
    let sessions = configuration(&place, &once).sessions;
    assert_eq!(sessions, configuration(&place, &again).sessions);
    assert_ne!(sessions, configuration(&place, &[]).sessions);
}

#[test]
fn what_is_wrong_is_told_and_the_rest_is_printed() {
    let place = Place::registered();
    place.write("base/bad.yaml", "kind: [");
    place.write("base/registration.yaml", REGISTRATION.replace("a_", "A_"));
    let run = place.run(&["render", "--offline", "base"]);
    assert_eq!(run.code, 0);
    let config: PluginConfig = serde_json::from_str(&run.out).unwrap();
    assert_eq!(config.internal_hosts, ["a.example", "a.mcp.local"]);
    assert!(
        run.told[0].starts_with("ERROR base/bad.yaml:1: "),
        "{:?}",
        run.told
    );
    let told = "ERROR base/registration.yaml:1: MCPServerRegistration default/a: Ready=False Invalid: spec.prefix \"A_\" \
                must be lower-case letters, digits and _, begin with a letter or digit, and have at most 128 of them";
    assert_eq!(run.told[1], told);
}

#[test]
fn a_folder_that_is_none_prints_nothing() {
    let run = Place::new().run(&["render", "--offline", "nowhere"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    let told =
        "ERROR nowhere: No such file or directory (os error 2): name a folder with manifests";
    assert_eq!(run.told, [told]);
}

#[test]
fn no_credential_is_printed() {
    let place = Place::new();
    place.write(
        "base/registration.yaml",
        format!("{REGISTRATION}  credentialRef: {{name: pat}}\n"),
    );
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: pat, labels: {mcp.kuadrant.io/secret: 'true'}}\n\
                  stringData: {token: Bearer $PAT}\n";
    place.write("base/secret.yaml", secret);
    let run = run(
        place.0.path(),
        &["render", "--offline", "base"],
        &[("PAT", "s3cret")],
    );
    assert_eq!(run.code, 0);
    assert!(
        !run.out.contains("s3cret") && !run.err.contains("s3cret"),
        "{}",
        run.err
    );
}
