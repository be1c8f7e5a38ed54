//! Runs the functions of the fuzz targets over their seeds, and over the halves of each.
#![cfg(not(target_arch = "wasm32"))]

use std::path::Path;

#[cfg(test)]
#[path = "../../fuzz/src/lib.rs"]
pub mod fuzz;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds"))
}

#[test]
fn every_seed_keeps_every_promise_of_its_target() {
    for (name, target) in fuzz::TARGETS {
        let seeds = std::fs::read_dir(folder().join(name)).unwrap();
        let mut count = 0;
        for seed in seeds {
            let bytes = std::fs::read(seed.unwrap().path()).unwrap();
            target(&bytes);
            let (first, second) = bytes.split_at(bytes.len() / 2);
            target(first);
            target(second);
            count += 1;
        }
        assert!(count > 1, "{name} has {count} seeds");
    }
}

#[test]
fn every_folder_of_seeds_is_one_of_a_target() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            fuzz::TARGETS.iter().any(|(target, _)| *target == name),
            "{name}"
        );
    }
}
