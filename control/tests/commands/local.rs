use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::Place;

#[test]
fn nobody_else_can_read_a_file_of_the_work_folder() {
    let place = Place::registered();
    place.write("filter.wasm", b"\0asm\x01\0\0\0");
    // One that ends at once, after all its files were written.
    let envoy = ["--envoy", "/bin/false", "--listen", "127.0.0.1:0"];
    let work = ["--filter", "filter.wasm", "--work-dir", "work"];
    let run = place.run(&[&["local", "base"], &envoy[..], &work[..]].concat());
    assert_eq!(run.code, 1, "{}", run.err);
    let work = place.0.path().join("work");
    let mut seen = Vec::new();
    for folder in [work.clone(), work.join("envoy")] {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
            seen.push(entry.file_name().into_string().unwrap());
        }
    }
    for file in ["session-key", "filter-hold.json", "filter.wasm"] {
        assert!(seen.iter().any(|name| name == file), "{seen:?}");
    }
}
