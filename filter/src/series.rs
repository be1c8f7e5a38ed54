//! Statistics of single servers and tools: how many requests ended how, and how long they took.
//!
//! Envoy makes labels of what stands in their names, where it is told how; see `docs/observability.md`. Like all
//! counters, theirs are told to the host with each tick; only a duration is told at once.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use mcp_filter_config::Stats;
use mcp_filter_core::Table;
use mcp_filter_core::exchange::{Outcome, Subject};
use mcp_filter_core::table::{ServerIndex, ToolIndex};

use crate::host;

/// Servers and tools that one VM has series of, whatever configurations it is given: the host forgets none.
const MOST_SERIES: usize = 1000;

/// Whose series those share for which there is no room.
const OTHER: &str = "other";

/// All series of this VM.
#[derive(Debug, Default)]
pub(crate) struct AllSeries {
    by_labels: RefCell<BTreeMap<String, Rc<Series>>>,
    /// Those that the host has not been told all of.
    untold: RefCell<Vec<Rc<Series>>>,
}

/// Of one server, or of one tool.
#[derive(Debug)]
struct Series {
    /// As they stand in the names.
    labels: String,
    /// `server` or `tool`.
    of: &'static str,
    requests: [Count; Outcome::ALL.len()],
    /// `None` where the host refused it.
    duration: OnceCell<Option<u32>>,
    is_untold: Cell<bool>,
}

#[derive(Debug, Default)]
struct Count {
    /// Defined when it is told for the first time. `None` where the host refused it.
    id: OnceCell<Option<u32>>,
    untold: Cell<u32>,
}

/// The series of one configuration, by the places of its servers and tools. Each is found when something is counted in
/// it for the first time: what nobody calls takes no room.
#[derive(Debug)]
pub(crate) struct Statistics {
    all: Rc<AllSeries>,
    table: Rc<Table>,
    servers: Vec<OnceCell<Rc<Series>>>,
    tools: Vec<OnceCell<Rc<Series>>>,
}

impl Statistics {
    /// As fine as `stats` says.
    pub(crate) fn new(all: &Rc<AllSeries>, table: &Rc<Table>, stats: Stats) -> Self {
        let servers = table.servers().filter(|_| stats != Stats::Off);
        let tools = table.tools().filter(|_| stats == Stats::Tools);
        Self {
            all: all.clone(),
            table: table.clone(),
            servers: servers.map(|_| OnceCell::new()).collect(),
            tools: tools.map(|_| OnceCell::new()).collect(),
        }
    }

    /// Whether any request is counted here.
    pub(crate) fn are_kept(&self) -> bool {
        !self.servers.is_empty()
    }

    /// A request has ended, so many milliseconds after it began.
    pub(crate) fn count(&self, subject: Subject, outcome: Outcome, milliseconds: u64) {
        let Some(server) = self.server(subject.server) else {
            return;
        };
        let tool = subject.tool.and_then(|tool| self.tool(tool, server));
        for series in [Some(server), tool].into_iter().flatten() {
            series.count(outcome, milliseconds);
            if !series.is_untold.replace(true) {
                self.all.untold.borrow_mut().push(series.clone());
            }
        }
    }

    fn server(&self, index: ServerIndex) -> Option<&Rc<Series>> {
        let series = self.servers.get(index.number() as usize)?;
        Some(series.get_or_init(|| {
            let labels = |name: &str| label("mcp_server", name);
            let name = &self.table.server(index).name;
            self.all
                .series("server", labels(name), 0)
                .unwrap_or_else(|| self.all.other("server", labels(OTHER)))
        }))
    }

    /// A tool of the server with these series.
    fn tool(&self, index: ToolIndex, server: &Series) -> Option<&Rc<Series>> {
        let series = self.tools.get(index.number() as usize)?;
        let name = self.table.tool_name(index)?;
        Some(series.get_or_init(|| {
            // A server without room has none for its tools: the others are as many as there are servers with room.
            let labels = |name: &str| format!("{}{}", server.labels, label("mcp_tool", name));
            self.all
                .series("tool", labels(name), self.uncounted_servers())
                .unwrap_or_else(|| self.all.other("tool", labels(OTHER)))
        }))
    }

    /// Servers whose room no tool may take.
    fn uncounted_servers(&self) -> usize {
        let uncounted = self.servers.iter().filter(|server| server.get().is_none());
        uncounted.count()
    }
}

impl AllSeries {
    /// Tells the host what has been counted.
    pub(crate) fn tell(&self) {
        for series in self.untold.take() {
            series.is_untold.set(false);
            series.tell();
        }
    }

    /// `None` where there is no room for it beside so many `reserved`.
    fn series(&self, of: &'static str, labels: String, reserved: usize) -> Option<Rc<Series>> {
        let mut by_labels = self.by_labels.borrow_mut();
        if let Some(series) = by_labels.get(&labels) {
            return Some(series.clone());
        }
        if by_labels.len() + reserved >= MOST_SERIES {
            return None;
        }
        let series = Rc::new(Series::new(of, labels));
        by_labels.insert(series.labels.clone(), series.clone());
        Some(series)
    }

    /// Of which there is one for each server at most, and one for all of them: always room.
    fn other(&self, of: &'static str, labels: String) -> Rc<Series> {
        let mut by_labels = self.by_labels.borrow_mut();
        by_labels
            .entry(labels.clone())
            .or_insert_with(|| Rc::new(Series::new(of, labels)))
            .clone()
    }
}

impl Series {
    fn new(of: &'static str, labels: String) -> Self {
        Self {
            labels,
            of,
            requests: Default::default(),
            duration: OnceCell::new(),
            is_untold: Cell::new(false),
        }
    }

    fn count(&self, outcome: Outcome, milliseconds: u64) {
        if let Some(count) = self.requests.get(outcome as usize) {
            count.untold.set(count.untold.get().saturating_add(1));
        }
        let define = || {
            host::define_histogram(&format!(
                "mcp_filter.{}{}_duration_ms",
                self.labels, self.of
            ))
        };
        if let Some(histogram) = *self.duration.get_or_init(define) {
            host::record(histogram, milliseconds);
        }
    }

    fn tell(&self) {
        for (outcome, count) in Outcome::ALL.into_iter().zip(&self.requests) {
            let untold = count.untold.take();
            if untold == 0 {
                continue;
            }
            let define = || {
                let outcome = label("mcp_outcome", outcome.as_str());
                host::define_counter(&format!(
                    "mcp_filter.{}{outcome}{}_requests",
                    self.labels, self.of
                ))
            };
            if let Some(counter) = *count.id.get_or_init(define) {
                host::increment(counter, untold.into());
            }
        }
    }
}

/// A label in the form that Istio's `extraStatTags` and this project's own Envoy look for. What another rule of theirs
/// could take for a part of the name is replaced.
fn label(name: &str, value: &str) -> String {
    let plain =
        |letter: char| matches!(letter, 'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '/');
    let letters = value.chars();
    let value: String = letters
        .map(|letter| if plain(letter) { letter } else { '_' })
        .collect();
    format!("{name}=.={value};.;")
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::tests::watching::{subject, table};

    #[test]
    fn a_label_holds_nothing_that_ends_it() {
        let labelled = |value| label("mcp_tool", value);
        assert_eq!(labelled("github_get-me/2"), "mcp_tool=.=github_get-me/2;.;");
        assert_eq!(labelled("a.b;.;c=.=é\n"), "mcp_tool=.=a_b___c_____;.;");
    }

    #[test]
    fn beyond_the_limit_there_is_room_for_what_is_known_and_for_the_others() {
        let all = AllSeries::default();
        for number in 0..MOST_SERIES {
            assert!(all.series("tool", number.to_string(), 0).is_some());
        }
        assert!(all.series("tool", "0".to_owned(), 0).is_some());
        assert!(all.series("tool", "one more".to_owned(), 0).is_none());
        let other = all.other("tool", "other".to_owned());
        assert!(Rc::ptr_eq(&other, &all.other("tool", "other".to_owned())));
    }

    #[test]
    fn servers_beyond_the_limit_share_one_series_and_so_do_their_tools() {
        let all = with_room_for(0);
        for server in ["team/x", "team/y", "team/z"] {
            called(&all, &[server]);
            assert_eq!(all.by_labels.borrow().len(), MOST_SERIES + 2, "{server}");
        }
    }

    #[test]
    fn servers_that_nobody_calls_take_no_room() {
        let all = Rc::new(AllSeries::default());
        for number in 0..MOST_SERIES {
            let table = Rc::new(table(&[&format!("idle/{number}")]));
            Statistics::new(&all, &table, Stats::Tools);
        }
        called(&all, &["team/called"]);
        let server = label("mcp_server", "team/called");
        let tool = format!("{server}{}", label("mcp_tool", "t_one"));
        let by_labels = all.by_labels.borrow();
        assert_eq!(by_labels.keys().collect::<Vec<_>>(), [&server, &tool]);
    }

    #[test]
    fn a_tool_leaves_room_for_the_servers_that_nobody_has_called() {
        for (servers, has_series) in [(&["team/a"][..], true), (&["team/a", "team/b"], false)] {
            let all = with_room_for(2);
            called(&all, servers);
            let tool = format!(
                "{}{}",
                label("mcp_server", "team/a"),
                label("mcp_tool", "t_one")
            );
            assert_eq!(all.by_labels.borrow().contains_key(&tool), has_series);
        }
    }

    /// One call of the first server's tool, in a configuration with these servers.
    fn called(all: &Rc<AllSeries>, servers: &[&str]) {
        let table = Rc::new(table(servers));
        Statistics::new(all, &table, Stats::Tools).count(subject(&table), Outcome::Ok, 1);
    }

    fn with_room_for(more: usize) -> Rc<AllSeries> {
        let all = Rc::new(AllSeries::default());
        for number in more..MOST_SERIES {
            all.series("tool", number.to_string(), 0);
        }
        all
    }
}
