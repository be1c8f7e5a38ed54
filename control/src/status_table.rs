//! The table that `kubectl get mcpserverregistrations` prints.

use std::time::Duration;

use crate::columns::{NONE, aligned};
use crate::index::Registration;
use crate::verdict::{Readiness, Verdict};

/// What stands above the columns.
pub(crate) const HEADER: [&str; 8] = [
    "NAME",
    "PREFIX",
    "TARGET",
    "PATH",
    "READY",
    "TOOLS",
    "CREDENTIALS",
    "AGE",
];

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// `metadata.name`
    pub name: &'a str,
    /// `spec.prefix`
    pub prefix: Option<&'a str>,
    /// `spec.targetRef.name`
    pub target: &'a str,
    /// `spec.path`
    pub path: &'a str,
    /// Condition `Ready`.
    pub ready: Readiness,
    /// `status.discoveredTools`
    pub tools: Option<usize>,
    /// `spec.credentialRef.name`
    pub credential: Option<&'a str>,
    /// How long it has been there, where known.
    pub age: Option<Duration>,
}

impl<'a> Row<'a> {
    /// What is shown of a registration about which this is told.
    pub fn new(registration: &'a Registration, verdict: &Verdict, age: Option<Duration>) -> Self {
        Self {
            name: &registration.name.name,
            prefix: registration.prefix.as_deref(),
            target: &registration.target,
            path: &registration.path,
            ready: verdict.ready,
            tools: verdict.tools,
            credential: registration.credential.as_deref(),
            age,
        }
    }

    /// In the order of [`HEADER`].
    pub(crate) fn cells(&self) -> [String; 8] {
        let or_none = |text: Option<&str>| text.unwrap_or(NONE).to_owned();
        let tools = self.tools.map(|tools| tools.to_string());
        [
            self.name.to_owned(),
            or_none(self.prefix),
            self.target.to_owned(),
            self.path.to_owned(),
            self.ready.to_string(),
            or_none(tools.as_deref()),
            or_none(self.credential),
            self.age.map_or_else(|| "<unknown>".to_owned(), age),
        ]
    }
}

/// The table, header first, each line ended by a newline.
pub fn table(rows: &[Row<'_>]) -> String {
    let header = HEADER.map(str::to_owned);
    aligned(std::iter::once(header).chain(rows.iter().map(Row::cells)))
}

/// As kubectl shortens ages: two units where the larger one is small.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |large: u64, unit: char, small: u64, small_unit: char| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit}{small}{small_unit}"),
    };
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        () if hours < 3 => format!("{minutes}m"),
        () if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => two(days, 'd', hours % 24, 'h'),
        () if days < 365 * 2 => format!("{days}d"),
        () if days < 365 * 8 => two(days / 365, 'y', days % 365, 'd'),
        () => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Row, age, table};
    use crate::index::Registration;
    use crate::object::ObjectName;
    use crate::verdict::{Fault, Readiness, Reason, Verdict};

    fn name() -> ObjectName {
        ObjectName {
            namespace: "mcp-test".to_owned(),
            name: "github".to_owned(),
        }
    }

    fn registration() -> Registration {
        Registration {
            name: name(),
            kind: "MCPServerRegistration",
            prefix: Some("github_".to_owned()),
            target: "github-mcp-external".to_owned(),
            path: "/mcp".to_owned(),
            credential: Some("github-token".to_owned()),
            created: None,
            generation: None,
            gateways: Vec::new(),
            outcome: Err(Fault::new(Reason::Disabled, "")),
            unsupported: Vec::new(),
        }
    }

    fn verdict(ready: Readiness, tools: Option<usize>) -> Verdict {
        Verdict {
            name: name(),
            kind: "MCPServerRegistration",
            ready,
            reason: Reason::Ready,
            message: String::new(),
            tools,
            prompts: None,
            resources: None,
            conflicts: Vec::new(),
            unsupported: Vec::new(),
        }
    }

    #[test]
    fn the_guides_line_is_printed_as_kubectl_prints_it() {
        let (registration, verdict) = (registration(), verdict(Readiness::True, Some(41)));
        let row = Row::new(&registration, &verdict, Some(Duration::from_secs(30)));
        let expected = "NAME     PREFIX    TARGET                PATH   READY   TOOLS   CREDENTIALS    AGE\n\
                        github   github_   github-mcp-external   /mcp   True    41      github-token   30s\n";
        assert_eq!(table(&[row]), expected);
    }

    #[test]
    fn what_is_absent_is_named_so() {
        let registration = Registration {
            prefix: None,
            credential: None,
            ..registration()
        };
        let verdict = verdict(Readiness::Unknown, None);
        let row = Row::new(&registration, &verdict, None);
        let expected = "NAME     PREFIX   TARGET                PATH   READY     TOOLS    CREDENTIALS   AGE\n\
                        github   <none>   github-mcp-external   /mcp   Unknown   <none>   <none>        <unknown>\n";
        assert_eq!(table(&[row]), expected);
    }

    #[test]
    fn no_value_ends_its_line() {
        let registration = Registration {
            prefix: Some("a\r".to_owned()),
            target: "b\u{1b}[2K".to_owned(),
            path: "/a\nready http://evil.example/mcp".to_owned(),
            credential: Some("c\n".to_owned()),
            ..registration()
        };
        let verdict = verdict(Readiness::False, None);
        let row = Row::new(&registration, &verdict, None);
        let text = table(&[row]);
        assert_eq!(text.lines().count(), 2);
        assert!(
            text.contains(r"/a\nready http://evil.example/mcp"),
            "{text}"
        );
        assert!(!text.contains(['\r', '\u{1b}']));
    }

    #[test]
    fn without_registrations_there_is_the_header_alone() {
        assert_eq!(table(&[]).lines().count(), 1);
    }

    #[test]
    fn ages_are_shortened_as_by_kubectl() {
        let (minute, hour, day) = (60, 3600, 86400);
        let cases = [
            (0, "0s"),
            (30, "30s"),
            (119, "119s"),
            (2 * minute, "2m"),
            (9 * minute + 5, "9m5s"),
            (10 * minute + 5, "10m"),
            (179 * minute, "179m"),
            (3 * hour + 1, "3h"),
            (3 * hour + minute, "3h1m"),
            (8 * hour + minute, "8h"),
            (47 * hour, "47h"),
            (48 * hour, "2d"),
            (49 * hour, "2d1h"),
            (8 * day, "8d"),
            (729 * day, "729d"),
            (731 * day, "2y1d"),
            (9 * 365 * day, "9y"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(age(Duration::from_secs(seconds)), expected, "{seconds}");
        }
    }
}
