//! What Envoy says on its standard error.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tracing::Level;

/// The log format that [`follow`] reads: level, logger and text, apart by a character that no text has.
pub const FORMAT: &str = "%l\u{1f}%n\u{1f}%v";

/// Lines kept for errors that have to quote Envoy.
const KEPT: usize = 64;

/// Envoy's log level and that of the filter in it: what goes wrong, unless more is wanted.
pub fn levels() -> [&'static str; 4] {
    let (level, filter) = if tracing::enabled!(target: "envoy", Level::TRACE) {
        ("debug", "wasm:debug")
    } else if tracing::enabled!(target: "envoy", Level::DEBUG) {
        ("info", "wasm:info")
    } else {
        ("warning", "wasm:warning")
    };
    ["--log-level", level, "--component-log-level", filter]
}

/// The last lines of an Envoy's log. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tail(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<Line>,
    seen: u64,
    ending: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    level: Level,
    text: String,
}

impl Tail {
    /// From now on Envoy ends because it was asked to; what it says about that interests nobody.
    pub fn expect_end(&self) {
        self.lines().ending = true;
    }

    /// A mark for [`Tail::complaints_since`].
    pub fn mark(&self) -> u64 {
        self.lines().seen
    }

    /// Warnings and errors after `mark`, each once, newest last.
    pub fn complaints_since(&self, mark: u64) -> String {
        let lines = self.lines();
        let new = usize::try_from(lines.seen.saturating_sub(mark)).unwrap_or(usize::MAX);
        let mut complaints: Vec<&str> = Vec::new();
        for line in lines.kept.iter().skip(lines.kept.len().saturating_sub(new)) {
            let is_complaint = line.level <= Level::WARN;
            if is_complaint && !complaints.contains(&line.text.as_str()) {
                complaints.push(&line.text);
            }
        }
        complaints.join("; ")
    }

    /// The last few lines, whatever their level.
    pub fn last_words(&self) -> String {
        const WORDS: usize = 12;
        let lines = self.lines();
        let skipped = lines.kept.len().saturating_sub(WORDS);
        let words: Vec<_> = lines
            .kept
            .iter()
            .skip(skipped)
            .map(|line| line.text.as_str())
            .collect();
        words.join("\n")
    }

    fn push(&self, line: Line) {
        let mut lines = self.lines();
        if lines.kept.len() == KEPT {
            lines.kept.pop_front();
        }
        lines.kept.push_back(line);
        lines.seen += 1;
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads until the end, keeps each line in `tail` and passes it on to our own log.
pub async fn follow(output: impl AsyncRead + Unpin, tail: Tail) {
    let mut output = BufReader::new(output);
    let mut bytes = Vec::new();
    let mut level = Level::WARN;
    while matches!(output.read_until(b'\n', &mut bytes).await, Ok(1..)) {
        let line = parse(String::from_utf8_lossy(&bytes).trim_end(), level);
        bytes.clear();
        level = line.level;
        if !tail.lines().ending {
            pass_on(&line);
        }
        tail.push(line);
    }
}

/// A line without level goes on with the message before it; what is not Envoy's own (a linker's error, say) counts as
/// a warning.
fn parse(text: &str, previous: Level) -> Line {
    let mut parts = text.splitn(3, '\u{1f}');
    let (Some(level), Some(logger), Some(message)) = (parts.next(), parts.next(), parts.next())
    else {
        return Line {
            level: previous,
            text: text.to_owned(),
        };
    };
    let level = match level {
        "critical" | "error" => Level::ERROR,
        "warning" => Level::WARN,
        "info" => Level::INFO,
        _ => Level::DEBUG,
    };
    Line {
        level,
        text: format!("{logger}: {message}"),
    }
}

fn pass_on(Line { level, text }: &Line) {
    match *level {
        Level::ERROR => tracing::error!(target: "envoy", "{text}"),
        Level::WARN => tracing::warn!(target: "envoy", "{text}"),
        Level::INFO => tracing::info!(target: "envoy", "{text}"),
        _ => tracing::debug!(target: "envoy", "{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "info\u{1f}main\u{1f}starting\n\
        warning\u{1f}config\u{1f}update rejected: no\n\
        because of this\n\
        critical\u{1f}wasm\u{1f}failed\n\
        critical\u{1f}wasm\u{1f}failed\n";

    #[tokio::test]
    async fn complaints_are_told_once_with_what_follows_them() {
        let tail = Tail::default();
        follow(LOG.as_bytes(), tail.clone()).await;
        assert_eq!(
            tail.complaints_since(0),
            "config: update rejected: no; because of this; wasm: failed"
        );
    }

    #[tokio::test]
    async fn complaints_before_the_mark_are_not_told() {
        let tail = Tail::default();
        follow(LOG.as_bytes(), tail.clone()).await;
        let mark = tail.mark();
        assert_eq!(tail.complaints_since(mark), "");
        follow("error\u{1f}main\u{1f}late".as_bytes(), tail.clone()).await;
        assert_eq!(tail.complaints_since(mark), "main: late");
    }

    #[tokio::test]
    async fn only_the_last_lines_are_kept() {
        let tail = Tail::default();
        let many = "info\u{1f}main\u{1f}x\n".repeat(KEPT * 3) + "the end";
        follow(many.as_bytes(), tail.clone()).await;
        assert_eq!(tail.lines().kept.len(), KEPT);
        assert!(tail.last_words().ends_with("the end"));
    }
}
