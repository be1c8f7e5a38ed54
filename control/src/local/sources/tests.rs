use std::io::Write as _;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, Mode, mkfifoat};

use super::*;

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";

/// A look after everything has settled.
fn later(sources: &mut Sources) -> Scan {
    sources.scan_at(Some(SystemTime::now() + SETTLE))
}

fn opened(files: &[(&str, &str)]) -> (tempfile::TempDir, Sources) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let sources = Sources::open(&[directory.path().to_owned()]).unwrap();
    (directory, sources)
}

#[test]
fn only_manifests_are_read() {
    let (_directory, sources) = opened(&[
        ("a.yaml", NAMESPACE),
        ("README.md", "no manifest"),
        (".b.yaml", "hidden"),
        ("B.YAML", &NAMESPACE.replace("name: a", "name: b")),
        ("c.Json", "{}"),
    ]);
    assert_eq!(sources.objects().count(), 2);
    assert_eq!(sources.errors().len(), 1);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_at_the_start() {
    let SourcesError { path, .. } = Sources::open(&["/nonexistent".into()]).unwrap_err();
    assert_eq!(path, Path::new("/nonexistent"));
}

#[test]
fn files_come_change_and_go() {
    let (directory, mut sources) = opened(&[]);
    let file = directory.path().join("a.yaml");
    assert_eq!(later(&mut sources), Scan::default());
    std::fs::write(&file, NAMESPACE).unwrap();
    assert!(later(&mut sources).changed);
    assert_eq!(sources.objects().count(), 1);
    let two = format!(
        "{NAMESPACE}---\n{}",
        NAMESPACE.replace("name: a", "name: b")
    );
    std::fs::write(&file, two).unwrap();
    assert!(later(&mut sources).changed);
    assert_eq!(sources.objects().count(), 2);
    assert_eq!(later(&mut sources), Scan::default());
    std::fs::remove_file(&file).unwrap();
    assert!(unsettled(sources.scan_at(Some(SystemTime::now()))));
    assert_eq!(sources.objects().count(), 2);
    assert!(
        sources
            .scan_at(Some(SystemTime::now() + SETTLE + GONE))
            .changed
    );
    assert_eq!(sources.objects().count(), 0);
}

fn unsettled(scan: Scan) -> bool {
    scan.unsettled && !scan.changed
}

/// A folder whose `a.yaml` was read, and is found renamed to `a.yaml~` at `start`.
fn put_aside(start: SystemTime) -> (tempfile::TempDir, Sources) {
    let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
    let path = |name| directory.path().join(name);
    std::fs::rename(path("a.yaml"), path("a.yaml~")).unwrap();
    assert!(unsettled(sources.scan_at(Some(start))));
    (directory, sources)
}

#[test]
fn a_file_that_is_taken_away_before_it_is_put_anew_says_what_it_said_meanwhile() {
    let start = SystemTime::now() + SETTLE;
    let (directory, mut sources) = put_aside(start);
    assert!(unsettled(
        sources.scan_at(Some(start + GONE - Duration::from_millis(1)))
    ));
    assert_eq!(sources.objects().count(), 1);
    std::fs::write(directory.path().join("a.yaml"), "# nothing").unwrap();
    assert!(sources.scan_at(Some(start + GONE)).changed);
    assert_eq!(sources.objects().count(), 0);
}

#[test]
fn a_file_that_comes_back_unchanged_is_away_anew_when_it_goes_again() {
    let start = SystemTime::now() + SETTLE;
    let (directory, mut sources) = put_aside(start);
    let path = |name| directory.path().join(name);
    std::fs::rename(path("a.yaml~"), path("a.yaml")).unwrap();
    sources.scan_at(Some(start + GONE));
    std::fs::remove_file(path("a.yaml")).unwrap();
    assert!(unsettled(sources.scan_at(Some(start + GONE))));
    assert_eq!(sources.objects().count(), 1);
}

#[test]
fn a_file_that_gets_another_name_says_the_same_without_a_fault() {
    let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
    let (file, renamed) = (
        directory.path().join("a.yaml"),
        directory.path().join("b.yaml"),
    );
    std::fs::rename(&file, &renamed).unwrap();
    assert!(later(&mut sources).changed);
    assert_eq!(sources.objects().count(), 1);
    assert_eq!(sources.errors(), []);
}

#[test]
fn a_file_that_is_just_being_written_is_read_when_it_has_settled() {
    let (directory, mut sources) = opened(&[]);
    let file = directory.path().join("a.yaml");
    std::fs::write(&file, NAMESPACE).unwrap();
    let written = file.metadata().unwrap().modified().unwrap();
    let at_once = sources.scan_at(Some(written));
    assert_eq!(
        at_once,
        Scan {
            changed: false,
            unsettled: true
        }
    );
    assert!(sources.scan_at(Some(written + SETTLE)).changed);
}

#[test]
fn a_file_that_was_emptied_may_be_about_to_be_written() {
    let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
    let file = directory.path().join("a.yaml");
    std::fs::write(&file, "").unwrap();
    let emptied = file.metadata().unwrap().modified().unwrap();
    assert!(unsettled(sources.scan_at(Some(emptied + SETTLE))));
    assert_eq!(sources.objects().count(), 1);
    assert!(sources.scan_at(Some(emptied + GONE)).changed);
    assert_eq!(sources.objects().count(), 0);
}

#[test]
fn a_change_that_leaves_size_and_time_is_seen() {
    let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
    let path = directory.path().join("a.yaml");
    let modified = path.metadata().unwrap().modified().unwrap();
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all(NAMESPACE.replace("name: a", "name: b").as_bytes())
        .unwrap();
    file.set_modified(modified).unwrap();
    assert!(later(&mut sources).changed);
    assert_eq!(
        sources.objects().next().unwrap().identity().to_string(),
        "Namespace b"
    );
}

#[test]
fn a_file_that_no_longer_parses_keeps_what_it_said() {
    let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
    std::fs::write(directory.path().join("a.yaml"), "kind: [").unwrap();
    assert!(later(&mut sources).changed);
    assert_eq!(sources.objects().count(), 1);
    assert_eq!(sources.errors().len(), 1);
}

#[test]
fn a_file_in_whose_place_is_none_keeps_what_it_said_and_is_named() {
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("a.yaml");
    std::fs::write(&target, NAMESPACE).unwrap();
    let (directory, mut sources) = opened(&[]);
    let file = directory.path().join("a.yaml");
    symlink(&target, &file).unwrap();
    assert!(later(&mut sources).changed);
    std::fs::remove_file(&target).unwrap();
    expect_kept(
        &mut sources,
        "cannot be read: it is a link to a file that is not there",
    );
    std::fs::remove_file(&file).unwrap();
    symlink("a.yaml", &file).unwrap();
    expect_kept(
        &mut sources,
        "cannot be read: Too many levels of symbolic links (os error 40)",
    );
    std::fs::remove_file(&file).unwrap();
    mkfifoat(CWD, &file, Mode::RUSR).unwrap();
    expect_kept(&mut sources, "cannot be read: it is a FIFO, not a file");
    std::fs::remove_file(&file).unwrap();
    symlink("/dev/zero", &file).unwrap();
    expect_kept(&mut sources, "cannot be read: it is a device, not a file");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, NAMESPACE).unwrap();
    assert!(later(&mut sources).changed);
    assert_eq!(sources.errors(), []);
}

fn expect_kept(sources: &mut Sources, reason: &str) {
    assert!(later(sources).changed);
    assert_eq!(sources.objects().count(), 1);
    let errors = sources.errors();
    let reasons: Vec<_> = errors.iter().map(|error| error.reason.as_str()).collect();
    assert_eq!(reasons, [reason]);
    assert_eq!(later(sources), Scan::default());
}

#[test]
fn a_folder_that_is_away_takes_nothing_with_it() {
    let (directory, mut sources) = opened(&[("a.yaml", NAMESPACE)]);
    let path = directory.path().to_owned();
    std::fs::remove_dir_all(&path).unwrap();
    assert_eq!(later(&mut sources), Scan::default());
    assert_eq!(sources.objects().count(), 1);
}
