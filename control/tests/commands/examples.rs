use std::fs;
use std::path::{Path, PathBuf};

use super::{Run, run};

const HEADER: &str =
    "NAME     PREFIX    TARGET                PATH   READY     TOOLS    CREDENTIALS    AGE\n";
const PENDING: &str =
    "github   github_   github-mcp-external   /mcp   Unknown   <none>   github-token   0s\n";
const PAT: [(&str, &str); 1] = [("GITHUB_PAT", "ghp_1")];

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/github")
}

/// A check of some folders and files of the examples, laid out in one folder as `scripts/run` does it.
fn check(parts: &[&str], variables: &[(&str, &str)]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    for part in parts {
        let path = examples().join(part);
        let files: Vec<_> = match path.is_dir() {
            true => fs::read_dir(&path)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect(),
            false => vec![path],
        };
        for file in files {
            fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    if parts.contains(&"kagenti") {
        add_listener(folder.path());
    }
    run(folder.path(), &["check", "."], variables)
}

/// The older guide's first step.
fn add_listener(folder: &Path) {
    let patch = fs::read_to_string(folder.join("step-1-gateway-listener.jsonpatch")).unwrap();
    let patch: serde_json::Value = serde_json::from_str(&patch).unwrap();
    assert_eq!(patch[0]["path"], "/spec/listeners/-");
    let gateway = fs::read_to_string(folder.join("gateway.yaml")).unwrap();
    let listener = format!("{gateway}  - {}\n", patch[0]["value"]);
    fs::write(folder.join("gateway.yaml"), listener).unwrap();
}

/// What `scripts/run` can be asked for.
const CHOICES: [&[&str]; 3] = [
    &["platform", "part-1"],
    &["platform", "part-1", "part-2/step-9-route-policy.yaml"],
    &["platform", "kagenti"],
];

#[test]
fn every_choice_is_accepted_with_a_pat() {
    for parts in CHOICES {
        let run = check(parts, &PAT);
        assert_eq!(
            (run.code, run.out),
            (0, format!("{HEADER}{PENDING}")),
            "{parts:?}"
        );
        assert!(run.told.is_empty(), "{parts:?}: {:?}", run.told);
    }
}

#[test]
fn without_a_pat_every_choice_says_what_to_set() {
    for parts in CHOICES {
        let run = check(parts, &[]);
        assert_eq!(run.code, 1, "{parts:?}");
        let [told] = &run.told[..] else {
            panic!("{parts:?}: {:?}", run.told)
        };
        let expected = "mcp-test/github: Ready=False CredentialPlaceholder: Secret mcp-test/github-token, key token: \
                        $GITHUB_PAT has no value: set the environment variable GITHUB_PAT and start again, or write \
                        the value into the Secret ($$ stands for a dollar sign)";
        assert!(told.ends_with(expected), "{told}");
    }
}

#[test]
fn the_folders_may_be_given_as_they_are() {
    let run = run(&examples(), &["check", "platform", "part-1"], &PAT);
    assert_eq!((run.code, run.out), (0, format!("{HEADER}{PENDING}")));
}

#[test]
fn the_two_guides_are_two_installations() {
    let run = run(
        &examples(),
        &["check", "platform", "part-1", "kagenti"],
        &PAT,
    );
    assert_eq!(run.code, 1);
    let told = "ERROR part-1/step-3-http-route.yaml:1: HTTPRoute mcp-test/github-mcp-external is also at \
                kagenti/step-2-http-route.yaml:1, which counts: take one of them out";
    assert!(run.told.contains(&told.to_owned()), "{:?}", run.told);
}

/// The ServiceEntry that `scripts/run` puts in the place of the examples' where there is no PAT.
fn stand_in() -> String {
    let script = examples().join("../../scripts/run");
    let script = fs::read_to_string(script).unwrap();
    let (_, rest) = script.split_once("<<YAML\n").unwrap();
    let (yaml, _) = rest.split_once("\nYAML\n").unwrap();
    let filled = yaml.replace("${stand_in%:*}", "127.0.0.1");
    let filled = filled.replace("${stand_in##*:}", "9000");
    assert!(!filled.contains('$'), "{filled}");
    filled
}

#[test]
fn the_stand_in_is_led_to_without_tls() {
    let folder = tempfile::tempdir().unwrap();
    for file in [
        "part-1/step-3-http-route.yaml",
        "part-1/step-4-secret.yaml",
        "part-1/step-5-registration.yaml",
    ] {
        let path = examples().join(file);
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    fs::write(folder.path().join("stand-in.yaml"), stand_in()).unwrap();
    let platform = examples().join("platform");
    let arguments = ["check", platform.to_str().unwrap(), "."];
    let run = run(folder.path(), &arguments, &PAT);
    assert_eq!(
        (run.code, run.out),
        (0, format!("{HEADER}{PENDING}")),
        "{}",
        run.err
    );
}
