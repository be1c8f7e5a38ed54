//! An image in the form of OCI's image layout, as `scripts/image` makes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::component;

/// See the module.
#[derive(Debug)]
pub struct Image {
    layout: PathBuf,
    manifest: Value,
}

impl Image {
    /// The only one of a layout.
    pub fn open(layout: PathBuf) -> Self {
        let index = json(&layout.join("index.json"));
        let digest = index["manifests"][0]["digest"].as_str().expect("an image");
        let manifest = json(&blob(&layout, digest));
        Self { layout, manifest }
    }

    /// Makes one like another in this folder, but of another module.
    pub fn of_module(&self, module: &Path, folder: &Path) -> PathBuf {
        let config = json!({"architecture": "wasm", "os": "wasi", "config": self.config()});
        let mut make = Command::new(component::file("../scripts/toolchain/oci-layout"));
        make.arg(folder).arg(config.to_string());
        let module = module.display();
        let output = make.arg(format!("plugin.wasm={module}")).output();
        let output = output.expect("oci-layout starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "oci-layout: {errors}");
        folder.to_owned()
    }

    /// What a runtime is told of it: `User`, `Entrypoint` and so on.
    pub fn config(&self) -> Value {
        let digest = self.manifest["config"]["digest"].as_str();
        json(&blob(&self.layout, digest.expect("a configuration")))["config"].clone()
    }

    /// What its manifest says of it.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.manifest["annotations"].clone()).expect("annotations")
    }

    /// Its files, in a folder.
    pub fn unpack(&self, folder: &Path) {
        for layer in self.manifest["layers"].as_array().expect("layers") {
            let digest = layer["digest"].as_str().expect("a digest");
            let mut tar = Command::new("tar");
            tar.arg("-xzf").arg(blob(&self.layout, digest));
            tar.arg("-C").arg(folder);
            let output = tar.output().expect("tar starts");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "tar: {errors}");
        }
    }

    /// The program that it starts, among files that were unpacked into `folder`.
    pub fn program(&self, folder: &Path) -> PathBuf {
        let config = self.config();
        let entrypoint = config["Entrypoint"][0].as_str().expect("an entrypoint");
        folder.join(entrypoint.trim_start_matches('/'))
    }
}

fn blob(layout: &Path, digest: &str) -> PathBuf {
    layout.join("blobs").join(digest.replace(':', "/"))
}

fn json(file: &Path) -> Value {
    let text = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&text).expect("JSON")
}
