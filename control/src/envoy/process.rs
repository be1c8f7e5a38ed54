//! Envoy as a child process.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::log::{self, Tail};

/// How long Envoy may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// How Envoy is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// A program with our [`leash`](super::leash) command, through which Envoy ends when we do, however we end. Without
    /// it, Envoy outlives us when we are killed.
    pub leash: Option<PathBuf>,
    /// Envoy's first configuration file.
    pub bootstrap: PathBuf,
    /// Worker threads.
    pub concurrency: u32,
}

/// Envoy cannot be started.
#[derive(Debug, thiserror::Error)]
#[error(
    "{program} cannot be run: {cause}; name Envoy with --envoy PATH (`scripts/fetch-envoy` prints one)"
)]
pub struct LaunchError {
    program: String,
    cause: io::Error,
}

/// A running Envoy. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    tail: Tail,
    log: JoinHandle<()>,
}

impl Launch {
    /// Starts Envoy, in a process group of its own: Ctrl-C on a terminal is ours to pass on.
    ///
    /// With a leash, call it on a thread that lives as long as we do: the kernel takes the end of that thread for
    /// ours.
    ///
    /// # Errors
    /// See [`LaunchError`].
    pub fn start(&self) -> Result<Process, LaunchError> {
        let mut child = self.command().spawn().map_err(|cause| LaunchError {
            program: self.program.display().to_string(),
            cause,
        })?;
        let tail = Tail::default();
        let output = child.stderr.take();
        let lines = tail.clone();
        let log = tokio::spawn(async move {
            if let Some(output) = output {
                log::follow(output, lines).await;
            }
        });
        Ok(Process { child, tail, log })
    }

    fn command(&self) -> Command {
        let mut command = match &self.leash {
            None => Command::new(&self.program),
            Some(leash) => {
                let mut command = Command::new(leash);
                command.args(super::leash::arguments(std::process::id()));
                command.arg(&self.program);
                command
            }
        };
        command
            .args(self.arguments())
            // Credentials that manifests take from our environment are none of Envoy's business.
            .env_clear()
            .envs(
                std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LD_LIBRARY_PATH"),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            vec!["--config-path".into(), self.bootstrap.clone().into()];
        arguments.extend(["--concurrency".into(), self.concurrency.to_string().into()]);
        // It hands nothing over to a successor, so several can run side by side.
        arguments.push("--disable-hot-restart".into());
        arguments.extend(["--log-format".into(), log::FORMAT.into()]);
        arguments.extend(log::levels().map(OsString::from));
        arguments
    }
}

impl Process {
    /// What it says.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Waits for its end and for the last of what it says. May be dropped and called again.
    ///
    /// # Errors
    /// Those of the operating system.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        if !self.log.is_finished() {
            // A failed one is as good as finished; a descendant that keeps the pipe open is not waited for.
            let _ = tokio::time::timeout(Duration::from_secs(1), &mut self.log).await;
        }
        Ok(status)
    }

    /// Ends it, and waits until it has ended.
    pub async fn stop(mut self) {
        self.tail.expect_end();
        if let Some(pid) = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
            && kill_process(pid, Signal::TERM).is_ok()
            && tokio::time::timeout(GRACE, self.child.wait()).await.is_ok()
        {
            return;
        }
        if let Err(error) = self.child.kill().await {
            tracing::warn!("Envoy does not end: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that stands in for Envoy.
    fn launch(program: &str) -> Launch {
        let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/src/envoy/testdata");
        Launch {
            program: PathBuf::from(programs).join(program),
            leash: None,
            bootstrap: "/run/mcp/bootstrap.json".into(),
            concurrency: 2,
        }
    }

    #[tokio::test]
    async fn the_last_words_of_a_failing_envoy_are_known_when_its_end_is() {
        let mut process = launch("fails").start().unwrap();
        let status = process.ended().await.unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(process.tail().last_words(), "no such option");
    }

    #[tokio::test]
    async fn envoy_gets_its_files_and_none_of_our_secrets() {
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let mut process = launch("tells_its_arguments").start().unwrap();
        process.ended().await.unwrap();
        assert_eq!(
            process.tail().last_words(),
            "--config-path /run/mcp/bootstrap.json --concurrency 2 --disable-hot-restart\n0"
        );
    }

    #[tokio::test]
    async fn envoy_is_asked_to_end_before_it_is_killed() {
        let process = launch("ends_on_request").start().unwrap();
        let tail = process.tail().clone();
        while tail.last_words() != "up" {
            tokio::task::yield_now().await;
        }
        process.stop().await;
        while tail.last_words() == "up" {
            tokio::task::yield_now().await;
        }
        assert_eq!(tail.last_words(), "up\nasked to end");
    }

    #[tokio::test]
    async fn a_missing_envoy_says_what_to_do() {
        let error = launch("nonexistent").start().unwrap_err().to_string();
        assert!(
            error.contains("testdata/nonexistent") && error.contains("--envoy"),
            "{error}"
        );
    }
}
