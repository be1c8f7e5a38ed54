//! The commands that read manifests and end, as a person at a terminal meets them.

#![cfg(test)]

mod check;
mod examples;
mod get;
mod install;
mod local;
mod render;
mod run;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A Gateway that serves, and one server, but for its registration.
const PLATFORM: &str = "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  gatewayClassName: istio
  listeners: [{name: mcp, port: 80, protocol: HTTP}]
---
apiVersion: mcp.kuadrant.io/v1
kind: MCPGatewayExtension
metadata: {name: gw}
spec: {targetRef: {name: gw, sectionName: mcp}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
spec:
  parentRefs: [{name: gw}]
  hostnames: [a.mcp.local]
  rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: a.example, port: 80}]}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a}
spec:
  hosts: [a.example]
  ports: [{number: 80, name: http}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1}]
";

const REGISTRATION: &str = "apiVersion: mcp.kuadrant.io/v1
kind: MCPServerRegistration
metadata:
  name: a
spec:
  prefix: a_
  targetRef: {name: a}
";

/// Folders to run in.
struct Place(TempDir);

impl Place {
    /// With a platform in `base`, and nothing more.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("base/platform.yaml", PLATFORM);
        place
    }

    /// With a registration in `base`, too.
    fn registered() -> Self {
        let place = Self::new();
        place.write("base/registration.yaml", REGISTRATION);
        place
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.0.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run(self.0.path(), arguments, &[])
    }
}

/// How the program ended and what it told.
#[derive(Debug)]
struct Run {
    code: i32,
    out: String,
    /// Of what is worth attention; not what merely goes on.
    told: Vec<String>,
    err: String,
}

/// Runs the program in a folder, with nothing but these variables and those that any program needs.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_mcp-control"))
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let err = String::from_utf8(stderr).unwrap();
    let told = err
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("INFO "));
    Run {
        code: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        told: told.map(str::to_owned).collect(),
        err,
    }
}
