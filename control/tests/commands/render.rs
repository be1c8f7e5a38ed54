use mcp_filter_config::{ControlKeys, PluginConfig, Role, Stats, Telemetry};
use mcp_filter_core::table::Table;
use serde_json::{Value, json};

use super::{PLATFORM, Place, REGISTRATION, run};

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
fn what_is_told_of_requests_is_chosen_by_options() {
    let place = Place::registered();
    let telemetry = |arguments: &[&str]| configuration(&place, arguments).telemetry;
    let unless_told = Telemetry {
        stats: Stats::Servers,
        filter_state: false,
    };
    assert_eq!(telemetry(&[]), unless_told);
    let all = Telemetry {
        stats: Stats::Tools,
        filter_state: true,
    };
    assert_eq!(telemetry(&["--stats", "tools", "--filter-state"]), all);
    assert_eq!(telemetry(&["--stats", "off"]), Telemetry::default());
    assert_eq!(telemetry(&["--role", "gate"]), Telemetry::default());
    let public = public();
    let arguments = ["render", "--offline", "base", "--stats=tools"];
    let run = public.run(&[&arguments[..], &["--wasm-plugins", &image('a')]].concat());
    assert!(run.out.contains("stats: tools"), "{}{}", run.out, run.err);
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

#[test]
fn the_pair_of_plugins_is_one_gateways_and_pulls_one_image() {
    let place = public();
    let image = image('a');
    let run = place.run(&["render", "--offline", "base", "--wasm-plugins", &image]);
    assert_eq!(run.code, 0, "{}", run.err);
    let plugins: Vec<Value> = serde_saphyr::from_multiple(&run.out).unwrap();
    let expected = [
        ("mcp-route-gw-aaaaaaaa", "AUTHN", Role::Route),
        ("mcp-gate-gw-aaaaaaaa", "AUTHZ", Role::Gate),
    ];
    assert_eq!(plugins.len(), expected.len());
    for (plugin, (name, phase, role)) in plugins.iter().zip(expected) {
        assert_eq!(
            (
                &plugin["metadata"]["name"],
                &plugin["metadata"]["namespace"]
            ),
            (&name.into(), &"default".into())
        );
        let spec = &plugin["spec"];
        assert_eq!(
            spec["targetRefs"],
            json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "gw"}])
        );
        assert_eq!(
            (&spec["url"], &spec["phase"], &spec["failStrategy"]),
            (&image.as_str().into(), &phase.into(), &"FAIL_RELOAD".into())
        );
        let config: PluginConfig = serde_json::from_value(spec["pluginConfig"].clone()).unwrap();
        assert_eq!(config.role, role);
        assert_eq!(
            config.control,
            ControlKeys::default(),
            "this run's own key is of no use to anybody"
        );
        let hosts: Vec<_> = config
            .endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.hosts)
            .collect();
        assert!(
            role == Role::Gate || hosts == ["mcp.example.com"],
            "{hosts:?}"
        );
        assert!(Table::compile(&config).is_ok());
        assert_eq!(spec.get("vmConfig"), None, "both in one VM");
    }
}

#[test]
fn the_envoy_filter_is_one_gateways_and_has_the_whole_configuration() {
    let (place, image) = (public(), image('a'));
    let run = place.run(&["render", "--offline", "base", "--envoy-filter", &image]);
    assert_eq!(run.code, 0, "{}", run.err);
    let [filter] =
        <[Value; 1]>::try_from(serde_saphyr::from_multiple::<Value>(&run.out).unwrap()).unwrap();
    assert_eq!(filter["kind"], "EnvoyFilter");
    assert_eq!(filter["metadata"]["name"], "mcp-hold-gw");
    assert_eq!(filter["spec"]["targetRefs"][0]["name"], "gw");
    let plugin = &filter["spec"]["configPatches"][0]["patch"]["value"]["typed_config"]["config"];
    assert_eq!(
        plugin["vm_config"]["code"]["remote"]["http_uri"]["uri"],
        image
    );
    let config = plugin["configuration"]["value"].as_str().unwrap();
    let config: PluginConfig = serde_json::from_str(config).unwrap();
    assert_eq!(config.role, Role::Hold);
    assert!(Table::compile(&config).is_ok());
    let both = ["--wasm-plugins", &image, "--envoy-filter", &image];
    let run = place.run(&[&["render", "--offline", "base"], &both[..]].concat());
    assert_eq!(run.code, 2, "one of them");
}

#[test]
fn another_image_makes_a_pair_of_other_names() {
    let place = public();
    let names = |digit| {
        let run = place.run(&[
            "render",
            "--offline",
            "base",
            "--wasm-plugins",
            &image(digit),
        ]);
        let plugins: Vec<Value> = serde_saphyr::from_multiple(&run.out).unwrap();
        plugins
            .iter()
            .map(|plugin| plugin["metadata"]["name"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names('a'), names('a'));
    assert!(
        names('a')
            .iter()
            .zip(names('b'))
            .all(|(one, other)| *one != other)
    );
}

#[test]
fn plugins_need_an_image_by_digest_and_one_gateway() {
    let place = public();
    let with = |image: &str| place.run(&["render", "--offline", "base", "--wasm-plugins", image]);
    let run = with("oci://registry.example.com/filter:latest");
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("an image is named by its digest"),
        "{}",
        run.err
    );
    let two = PLATFORM
        .replace("gw", "other")
        .split("---")
        .take(2)
        .collect::<Vec<_>>()
        .join("---");
    place.write("base/other.yaml", two);
    let run = with(&image('a'));
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(
        run.err
            .contains("default/gw and default/other serve: keep one of them"),
        "{}",
        run.err
    );
    let run =
        Place::registered().run(&["render", "--offline", "base", "--wasm-plugins", &image('a')]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(
        run.err.contains("Gateway default/gw has no public host"),
        "{}",
        run.err
    );
    let run = Place::new().run(&["render", "--offline", ".", "--wasm-plugins", &image('a')]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(
        run.err.contains("none serve: write an MCPGatewayExtension"),
        "{}",
        run.err
    );
}

/// A gateway that is to be reached from elsewhere.
fn public() -> Place {
    let place = Place::registered();
    place.write(
        "base/platform.yaml",
        PLATFORM.replace(
            "{name: mcp, port",
            "{name: mcp, hostname: mcp.example.com, port",
        ),
    );
    place
}

fn image(digit: char) -> String {
    let digest: String = [digit; 64].iter().collect();
    format!("oci://registry.example.com/mcp-filter@sha256:{digest}")
}
