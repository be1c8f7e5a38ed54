use super::{Place, REGISTRATION, run};

const HEADER: &str = "NAME   PREFIX   TARGET   PATH   READY     TOOLS    CREDENTIALS   AGE\n";
const PENDING: &str = "a      a_       a        /mcp   Unknown   <none>   <none>        0s\n";

/// The table of a registration that is accepted.
fn accepted() -> String {
    format!("{HEADER}{PENDING}")
}

#[test]
fn what_is_accepted_is_shown_and_exits_with_0() {
    let run = Place::registered().run(&["check", "base"]);
    assert_eq!((run.code, run.out), (0, accepted()));
    let pending = " INFO base/registration.yaml:1: MCPServerRegistration default/a: Ready=Unknown Pending: the server has \
                   not been asked for its lists yet\n";
    assert_eq!(run.err, pending);
}

#[test]
fn what_is_not_accepted_is_named_with_its_line_and_exits_with_1() {
    let place = Place::registered();
    let odd = format!(
        "# a note\n---\n{}",
        REGISTRATION.replace("name: a}", "name: b}")
    );
    place.write("base/registration.yaml", odd);
    let run = place.run(&["check", "base"]);
    assert_eq!(run.code, 1);
    let told = "ERROR base/registration.yaml:3: MCPServerRegistration default/a: Ready=False TargetNotFound: HTTPRoute \
                default/b does not exist: create it, or correct spec.targetRef";
    assert_eq!(run.told, [told]);
    let row = "a      a_       b        /mcp   False   <none>   <none>        0s\n";
    assert_eq!(
        run.out,
        format!("{}{row}", HEADER.replace("READY     ", "READY   "))
    );
}

#[test]
fn a_file_that_does_not_parse_is_named_and_the_rest_is_read() {
    let place = Place::registered();
    place.write(
        "base/bad.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: [\n",
    );
    let run = place.run(&["check", "base"]);
    assert_eq!((run.code, run.out), (1, accepted()));
    assert_eq!(run.told, ["ERROR base/bad.yaml:3: a mapping is expected"]);
}

#[test]
fn a_misspelt_field_is_named() {
    let place = Place::new();
    place.write(
        "base/registration.yaml",
        REGISTRATION.replace("prefix", "prefx"),
    );
    let run = place.run(&["check", "base"]);
    assert_eq!(run.code, 1);
    let told = "ERROR base/registration.yaml:1: MCPServerRegistration a: there is no field `spec.prefx`: correct its \
                name or take it out";
    assert_eq!(run.told[0], told);
}

#[test]
fn a_file_that_is_no_text_is_named() {
    let place = Place::registered();
    place.write("base/binary.yaml", [0xff, 0xfe, 0x00]);
    let run = place.run(&["check", "base"]);
    assert_eq!((run.code, run.out), (1, accepted()));
    assert_eq!(
        run.told,
        ["ERROR base/binary.yaml: cannot be read: stream did not contain valid UTF-8"]
    );
}

#[test]
fn a_link_that_leads_nowhere_is_named_and_not_overlooked() {
    let place = Place::registered();
    std::os::unix::fs::symlink("nowhere", place.0.path().join("base/policy.YAML")).unwrap();
    let run = place.run(&["check", "base"]);
    assert_eq!((run.code, run.out), (1, accepted()));
    let told = "ERROR base/policy.YAML: cannot be read: it is a link to a file that is not there";
    assert_eq!(run.told, [told]);
}

#[test]
fn what_a_manifest_says_forges_no_line() {
    let place = Place::new();
    let forged = "\\nready http://evil.example/mcp\\n";
    let registration = REGISTRATION.replace("name: a}", &format!("name: \"{forged}\"}}"));
    place.write(
        "base/registration.yaml",
        format!("{registration}  path: \"/a{forged}\"\n"),
    );
    place.write(
        "base/odd.yaml",
        format!("{REGISTRATION}  \"x{forged}\": 1\n---\napiVersion: v1\nkind: \"P{forged}\"\n"),
    );
    place.write("base/\nready x.yaml", "kind: [");
    let run = place.run(&["check", "base"]);
    assert_eq!(run.code, 1);
    let forged = |line: &str| line.trim_start().starts_with("ready");
    assert!(!run.out.lines().any(forged), "{}", run.out);
    assert!(!run.err.lines().any(forged), "{}", run.err);
    assert!(run.err.matches("\\nready").count() >= 3, "{}", run.err);
}

#[test]
fn an_object_in_two_files_names_both() {
    let place = Place::registered();
    place.write("more/again.yaml", format!("\n\n{REGISTRATION}"));
    let run = place.run(&["check", "base", "more"]);
    assert_eq!((run.code, run.out), (1, accepted()));
    let told = "ERROR more/again.yaml:3: MCPServerRegistration default/a is also at base/registration.yaml:1, which \
                counts: take one of them out";
    assert_eq!(run.told, [told]);
}

#[test]
fn a_folder_that_is_given_twice_is_read_once() {
    let place = Place::registered();
    std::os::unix::fs::symlink("base", place.0.path().join("link")).unwrap();
    let absolute = place.0.path().join("base");
    let run = place.run(&[
        "check",
        "base",
        "base",
        "./base/",
        "link",
        absolute.to_str().unwrap(),
    ]);
    assert_eq!((run.code, run.out, run.told.len()), (0, accepted(), 0));
}

#[test]
fn a_kind_that_is_not_read_is_named_once_and_harms_nothing() {
    let place = Place::registered();
    let pods = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n";
    place.write("base/pods.yaml", pods);
    place.write("base/more-pods.yaml", pods);
    let run = place.run(&["check", "base"]);
    assert_eq!((run.code, run.out), (0, accepted()));
    assert_eq!(
        run.told,
        ["WARN base/more-pods.yaml:1: kind Pod (v1) is not read here: skipped"]
    );
}

#[test]
fn fields_without_effect_are_told_and_accepted() {
    let place = Place::registered();
    place.write(
        "base/registration.yaml",
        format!("{REGISTRATION}  hint: x\n  tags: [code]\n"),
    );
    let run = place.run(&["check", "base"]);
    assert_eq!((run.code, run.out), (0, accepted()));
    let told = "WARN base/registration.yaml:1: MCPServerRegistration default/a: Unsupported: without effect here: \
                spec.hint, spec.tags";
    assert_eq!(run.told, [told]);
}

#[test]
fn a_virtual_server_is_accepted_and_listed() {
    let place = Place::registered();
    let server = "apiVersion: mcp.kuadrant.io/v1\nkind: MCPVirtualServer\nmetadata: {name: few}\nspec: {tools: [a_b]}\n";
    place.write("base/virtual.yaml", server);
    let run = place.run(&["check", "base"]);
    assert_eq!((run.code, run.out, run.told.len()), (0, accepted(), 0));

    let listed = place.run(&["get", "base", "--offline"]);
    let told = "base/virtual.yaml:1: MCPVirtualServer default/few: Pending: the manifests are accepted; no gateway was started";
    assert_eq!(
        (listed.code, listed.out.matches(told).count()),
        (0, 1),
        "{}",
        listed.out
    );
}

#[test]
fn a_disabled_registration_is_as_its_author_wants_it() {
    let place = Place::registered();
    place.write(
        "base/registration.yaml",
        format!("{REGISTRATION}  state: Disabled\n"),
    );
    let run = place.run(&["check", "base"]);
    assert_eq!((run.code, run.told.len()), (0, 0));
    assert!(run.out.contains("False"), "{}", run.out);
}

#[test]
fn a_policy_that_cannot_be_enforced_is_named() {
    let place = Place::registered();
    let policy = "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata: {name: p}\n\
                  spec: {targetRef: {kind: HTTPRoute, name: a}, rules: {metadata: {}}}\n";
    place.write("base/policy.yaml", policy);
    let run = place.run(&["check", "base"]);
    assert_eq!(run.code, 1);
    let told = "ERROR base/policy.yaml:1: AuthPolicy default/p: PolicyUnsupported: spec.rules.metadata: unknown field \
                `metadata`, expected `authorization` or `response`. All requests to HTTPRoute default/a are denied \
                until the policy is changed";
    assert_eq!(run.told[0], told);
    assert!(run.told[1].contains(
        "MCPServerRegistration default/a: Ready=False PolicyUnsupported: AuthPolicy default/p: "
    ));
}

#[test]
fn a_policy_that_cannot_be_read_denies_everything_and_is_named() {
    let place = Place::registered();
    place.write(
        "base/policy.yaml",
        "# note\n---\napiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata: {name: p\n",
    );
    let run = place.run(&["check", "base"]);
    assert_eq!(run.code, 1);
    assert!(
        run.told[0].starts_with("ERROR base/policy.yaml:5: "),
        "{:?}",
        run.told
    );
    assert_eq!(run.told.len(), 3, "{:?}", run.told);
    let denies = "it cannot be read, so everything is denied until it can: correct it";
    for (told, object) in run.told[1..].iter().zip([
        "base/policy.yaml:3: AuthPolicy",
        "base/registration.yaml:1: MCPServerRegistration default/a",
    ]) {
        assert!(
            told.starts_with(&format!("ERROR {object}")) && told.ends_with(denies),
            "{told}"
        );
    }
}

#[test]
fn two_registrations_of_one_name_have_each_its_own_line() {
    let place = Place::registered();
    let older = "apiVersion: mcp.kagenti.com/v1alpha1\nkind: MCPServer\nmetadata: {name: a}\nspec: {targetRef: {name: a}}\n";
    place.write("base/older.yaml", older);
    let run = place.run(&["check", "base"]);
    assert_eq!(run.code, 1);
    let second = "a      <none>   a        /mcp   False     <none>   <none>        0s\n";
    assert_eq!(run.out, format!("{}{second}", accepted()));
    let told = "ERROR base/older.yaml:1: MCPServer default/a: Ready=False Invalid: a registration of the other \
                kind is named default/a, too: rename one of them";
    assert_eq!(run.told, [told]);
}

#[test]
fn an_extension_that_is_missing_is_told_as_yaml_to_apply() {
    let place = Place::registered();
    let documents: Vec<_> = super::PLATFORM
        .split("---\n")
        .filter(|d| !d.contains("MCPGatewayExtension"))
        .collect();
    place.write("base/platform.yaml", documents.join("---\n"));
    let without = place.run(&["check", "base"]);
    assert_eq!(without.code, 1);
    let (_, yaml) = without.err.split_once("apply:\n").unwrap();
    place.write("base/applied.yaml", yaml);
    assert_eq!(place.run(&["check", "base"]).code, 0);
}

#[test]
fn a_folder_that_is_none_is_an_error() {
    let place = Place::registered();
    place.write("file.yaml", "");
    for (folder, cause) in [
        ("nowhere", "No such file or directory (os error 2)"),
        ("file.yaml", "Not a directory (os error 20)"),
    ] {
        let run = place.run(&["check", "base", folder]);
        assert_eq!((run.code, run.out.as_str()), (1, ""));
        assert_eq!(
            run.told,
            [format!(
                "ERROR {folder}: {cause}: name a folder with manifests"
            )]
        );
    }
}

#[test]
fn folders_are_read_without_descending_and_an_empty_one_is_told() {
    let place = Place::registered();
    place.write("top/below/registration.yaml", REGISTRATION);
    place.write("top/.hidden.yaml", "kind: [");
    place.write("top/notes.md", "kind: [");
    let run = place.run(&["check", "top"]);
    assert_eq!((run.code, run.out.lines().count()), (0, 1));
    let told = [
        "WARN top: no manifests (*.yaml, *.yml, *.json) in it; folders are read without descending, so name those that \
         have some",
        "WARN no MCPServerRegistration and no MCPServer is there, so no server is served",
    ];
    assert_eq!(run.told, told);
}

#[test]
fn json_is_read_as_yaml_is() {
    let place = Place::new();
    let registration = serde_json::json!({
        "apiVersion": "mcp.kuadrant.io/v1", "kind": "MCPServerRegistration", "metadata": { "name": "a" },
        "spec": { "prefix": "a_", "targetRef": { "name": "a" } },
    });
    place.write("base/registration.json", registration.to_string());
    let run = place.run(&["check", "base"]);
    assert_eq!((run.code, run.out), (0, accepted()));
}

#[test]
fn a_secret_that_is_not_base64_is_there_and_could_not_be_read() {
    let place = Place::new();
    place.write(
        "base/registration.yaml",
        format!("{REGISTRATION}  credentialRef: {{name: sec}}\n"),
    );
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: sec}\ndata: {ok: YQ==, token: s3cret!}\n";
    place.write("base/secret.yaml", secret);
    let run = place.run(&["check", "base"]);
    assert_eq!(run.code, 1);
    assert!(!run.err.contains("s3cret"), "{}", run.err);
    let reason = "Secret sec: `data.token` is not base64: encode it, or put it into `stringData`";
    assert!(run.told[0].ends_with(reason), "{}", run.err);
    let reason = "Secret default/sec could not be read: correct it, or take out credentialRef";
    assert!(run.told[1].ends_with(reason), "{}", run.err);
}

#[test]
fn what_is_too_large_is_told_in_words() {
    let place = Place::registered();
    let annotations: String = (0..130_000).map(|n| format!("    a{n}: b\n")).collect();
    let head = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";
    place.write(
        "base/large.yaml",
        format!("{head}  annotations:\n{annotations}"),
    );
    let lists: String = (1..9)
        .map(|n| {
            format!(
                "  b{n}: &b{n} [{}]\n",
                vec![format!("*b{}", n - 1); 9].join(",")
            )
        })
        .collect();
    place.write(
        "base/bomb.yaml",
        format!("{head}spec:\n  b0: &b0 [a,a,a,a,a,a,a,a,a]\n{lists}"),
    );
    let run = place.run(&["check", "base"]);
    assert_eq!((run.code, run.told.len()), (1, 2), "{}", run.err);
    assert!(
        run.told.iter().all(|told| told.contains(": too ")),
        "{}",
        run.err
    );
    assert!(
        run.told[1].ends_with("too large: more than 250000 values"),
        "{}",
        run.err
    );
}

#[test]
fn without_a_folder_the_usage_is_told() {
    let run = Place::new().run(&["check"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert!(
        run.err.contains("Usage: mcp-control check <DIR>..."),
        "{}",
        run.err
    );
}

#[test]
fn a_credential_is_never_told() {
    let place = Place::new();
    place.write(
        "base/registration.yaml",
        format!("{REGISTRATION}  credentialRef: {{name: pat}}\n"),
    );
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: pat, labels: {mcp.kuadrant.io/secret: 'true'}}\n\
                  stringData: {token: Bearer $PAT}\n";
    place.write("base/secret.yaml", secret);
    for (value, code) in [("s3cret", 0), ("s3cret\u{e4}", 1)] {
        let run = run(
            place.0.path(),
            &["check", "base"],
            &[("PAT", value), ("RUST_LOG", "trace")],
        );
        assert_eq!(run.code, code, "{}", run.err);
        assert!(
            !run.err.contains("s3cret") && !run.out.contains("s3cret"),
            "{}",
            run.err
        );
    }
}
