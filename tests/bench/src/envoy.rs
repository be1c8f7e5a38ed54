//! An Envoy with one worker.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::http::Connection;

/// Ends with its value.
#[derive(Debug)]
pub(crate) struct Envoy {
    child: Child,
    port: u16,
    admin: u16,
}

impl Envoy {
    /// Starts Envoy with `bootstrap` and waits until it serves.
    pub(crate) fn start(binary: &Path, bootstrap: &Value, folder: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(folder)?.keep();
        let config = folder.join("envoy.json");
        let admin = folder.join("admin.txt");
        std::fs::write(&config, serde_json::to_vec(bootstrap)?)?;
        let log = std::fs::File::create(folder.join("envoy.log"))?;
        let child = Command::new(binary)
            .args([
                "--concurrency",
                "1",
                "--use-dynamic-base-id",
                "--log-level",
                "warning",
                "-c",
            ])
            .arg(&config)
            .arg("--admin-address-path")
            .arg(&admin)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let mut envoy = Self {
            child,
            port: 0,
            admin: 0,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while envoy.port == 0 {
            if let Some(status) = envoy.child.try_wait()? {
                bail!(
                    "Envoy ended with {status}: {}",
                    std::fs::read_to_string(folder.join("envoy.log"))?
                );
            }
            if Instant::now() > deadline {
                bail!(
                    "Envoy does not serve: {}",
                    std::fs::read_to_string(folder.join("envoy.log"))?
                );
            }
            std::thread::sleep(Duration::from_millis(20));
            let _ = envoy.find_ports(&admin);
        }
        Ok(envoy)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A GET of the admin interface.
    pub(crate) fn admin(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        get(self.admin, path)
    }

    fn find_ports(&mut self, admin: &Path) -> anyhow::Result<()> {
        let address = std::fs::read_to_string(admin)?;
        self.admin = address.trim().rsplit(':').next().context("port")?.parse()?;
        if get(self.admin, "/ready")?.starts_with(b"LIVE") {
            let listeners: Value =
                serde_json::from_slice(&get(self.admin, "/listeners?format=json")?)?;
            let port =
                listeners.pointer("/listener_statuses/0/local_address/socket_address/port_value");
            self.port = port
                .and_then(Value::as_u64)
                .context("listener")?
                .try_into()?;
        }
        Ok(())
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(port: u16, path: &str) -> anyhow::Result<Vec<u8>> {
    let mut connection = Connection::new(std::net::TcpStream::connect(("127.0.0.1", port))?)?;
    connection.send(format!("GET {path} HTTP/1.1\r\nhost: admin\r\n\r\n").as_bytes())?;
    Ok(connection.receive()?.context("closed")?.body)
}
