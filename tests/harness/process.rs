//! A child process whose output is kept, watched, and shown when its test fails.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

use crate::runtime;
use crate::wait::within;

/// How many of the last lines a failing test shows.
const SHOWN_LINES: usize = 60;

/// No program here takes longer for a line, unless it is said to.
const SOON: Duration = Duration::from_secs(60);

/// See the module. It is asked to end (SIGTERM) when dropped, and when the test program ends in whatever way.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: Pid,
    child: tokio::sync::Mutex<Child>,
    output: Arc<Output>,
}

#[derive(Debug, Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    /// Streams that have ended, of two.
    ended: AtomicUsize,
    /// A line has come, or a stream has ended.
    grown: Notify,
}

/// A command that ends with the test program.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM", "--"])
        .arg(program)
        // Of what a program in Go such as kube-apiserver does until it is ready, a fourth is garbage collection.
        .env("GOGC", "400")
        .stdin(Stdio::null());
    command
}

impl Process {
    /// Starts `command`, which must come from [`command`].
    pub async fn start(name: &str, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // The signal at the parent's end is bound to the thread that starts the child: one of the runtime's own.
        let spawned = runtime::spawn(async move { command.spawn() })
            .await
            .unwrap();
        let mut child = spawned
            .unwrap_or_else(|error| panic!("{name} starts (setpriv is in util-linux): {error}"));
        let pid = child
            .id()
            .and_then(|pid| Pid::from_raw(pid.try_into().ok()?))
            .expect("a process id");
        let output = Arc::new(Output::default());
        runtime::spawn(collect(
            child.stdout.take().unwrap(),
            "",
            Arc::clone(&output),
        ));
        runtime::spawn(collect(
            child.stderr.take().unwrap(),
            "stderr: ",
            Arc::clone(&output),
        ));
        Self {
            name: name.to_owned(),
            pid,
            child: tokio::sync::Mutex::new(child),
            output,
        }
    }

    /// The first line for which `wanted` gives something. Lines of stderr begin with `stderr: `.
    pub async fn line<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        self.line_after(0, what, wanted).await
    }

    /// As [`Process::line`], but only lines from number `first` on count. See [`Process::mark`].
    pub async fn line_after<T>(
        &self,
        first: usize,
        what: &str,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> T {
        self.line_within(SOON, (first, what), wanted).await
    }

    /// As [`Process::line_after`], for what may take as long as `bound`.
    pub async fn line_within<T>(
        &self,
        bound: Duration,
        (first, what): (usize, &str),
        wanted: impl Fn(&str) -> Option<T>,
    ) -> T {
        let what = format!("{} says {what}", self.name);
        within(&what, bound, async {
            let mut next = first;
            loop {
                let grown = self.output.grown.notified();
                let is_over = self.output.has_ended();
                let found = {
                    let lines = self.output.lines.lock().unwrap();
                    let found = lines.iter().skip(next).find_map(|line| wanted(line));
                    next = next.max(lines.len());
                    found
                };
                if let Some(found) = found {
                    return found;
                }
                assert!(
                    !is_over,
                    "{} ended before: {what}\n{}",
                    self.name,
                    self.log()
                );
                grown.await;
            }
        })
        .await
    }

    /// The number of lines so far.
    pub fn mark(&self) -> usize {
        self.output.lines.lock().unwrap().len()
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.output.lines.lock().unwrap().clone()
    }

    /// The last lines.
    pub fn log(&self) -> String {
        let lines = self.output.lines.lock().unwrap();
        let skipped = lines.len().saturating_sub(SHOWN_LINES);
        format!(
            "--- {}, last lines:\n{}\n---",
            self.name,
            lines.get(skipped..).unwrap_or_default().join("\n")
        )
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends a signal; nothing happens when it has ended already.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }

    /// Waits for its end, and for all that it and its children have said.
    pub async fn ended(&self) -> ExitStatus {
        let status = self.child.lock().await.wait().await;
        loop {
            let grown = self.output.grown.notified();
            if self.output.has_ended() {
                return status.expect("the exit status of a child");
            }
            grown.await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        if let Ok(mut child) = self.child.try_lock()
            && let Ok(None) = child.try_wait()
        {
            self.signal(Signal::TERM);
        }
    }
}

impl Output {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire) == 2
    }
}

async fn collect(from: impl AsyncRead + Unpin, prefix: &str, output: Arc<Output>) {
    let mut lines = BufReader::new(from).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        output
            .lines
            .lock()
            .unwrap()
            .push(format!("{prefix}{}", String::from_utf8_lossy(&line)));
        output.grown.notify_waiters();
    }
    output.ended.fetch_add(1, Ordering::AcqRel);
    output.grown.notify_waiters();
}
