//! The figures, as a table for people and as JSON for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::case::Case;
use crate::load::{Latency, Sample};
use crate::variant::Variant;

/// All of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) cases: Vec<CaseReport>,
    pub(crate) configure: Vec<ConfigureReport>,
}

/// One case. Keys are the variants' names.
#[derive(Debug, Serialize)]
pub(crate) struct CaseReport {
    name: &'static str,
    requests: u64,
    cpu_us: BTreeMap<&'static str, f64>,
    ratio: BTreeMap<&'static str, f64>,
    ratio_spread: BTreeMap<&'static str, [f64; 2]>,
    p50_us: BTreeMap<&'static str, f64>,
    p99_us: BTreeMap<&'static str, f64>,
    p999_us: BTreeMap<&'static str, f64>,
    #[serde(skip)]
    samples: BTreeMap<Variant, Vec<Sample>>,
}

/// A configuration of this many tools.
#[derive(Debug, Serialize)]
pub(crate) struct ConfigureReport {
    pub(crate) tools: usize,
    pub(crate) config_bytes: usize,
    pub(crate) memory_bytes_per_worker: i64,
    pub(crate) stall_ms: f64,
}

impl CaseReport {
    pub(crate) fn new(case: Case) -> Self {
        Self {
            name: case.name(),
            requests: 0,
            cpu_us: BTreeMap::new(),
            ratio: BTreeMap::new(),
            ratio_spread: BTreeMap::new(),
            p50_us: BTreeMap::new(),
            p99_us: BTreeMap::new(),
            p999_us: BTreeMap::new(),
            samples: BTreeMap::new(),
        }
    }

    /// Ratios are taken round by round, so that a machine whose speed drifts does not tilt them.
    pub(crate) fn add(&mut self, variant: Variant, sample: Sample) {
        self.requests += sample.requests;
        self.samples.entry(variant).or_default().push(sample);
        let of = |variant| {
            self.samples
                .get(&variant)
                .map(Vec::as_slice)
                .unwrap_or_default()
        };
        let name = variant.name();
        let costs: Vec<f64> = of(variant).iter().map(|sample| sample.cpu_us).collect();
        let ratios: Vec<f64> = of(variant)
            .iter()
            .zip(of(Variant::Plain))
            .map(|(own, plain)| own.cpu_us / plain.cpu_us)
            .collect();
        let spread = [
            ratios.iter().copied().fold(f64::MAX, f64::min),
            ratios.iter().copied().fold(0.0, f64::max),
        ];
        self.cpu_us.insert(name, median(costs));
        self.ratio.insert(name, median(ratios));
        self.ratio_spread.insert(name, spread);
    }

    pub(crate) fn add_latency(&mut self, variant: Variant, latency: Latency) {
        self.p50_us.insert(variant.name(), latency.p50_us);
        self.p99_us.insert(variant.name(), latency.p99_us);
        self.p999_us.insert(variant.name(), latency.p999_us);
    }

    /// Requests per second that a closed loop reached.
    pub(crate) fn capacity(&self, variant: Variant) -> f64 {
        median(
            self.samples
                .get(&variant)
                .into_iter()
                .flatten()
                .map(|sample| sample.per_second)
                .collect(),
        )
    }
}

impl Report {
    pub(crate) fn print(&self) {
        println!(
            "CPU of Envoy in microseconds for each request, one worker; ratio to plain Envoy (lowest-highest round);"
        );
        println!("latency by an open loop at 70 % of each variant's own capacity");
        for case in &self.cases {
            println!("\n{} ({} requests)", case.name, case.requests);
            println!(
                "  {:<16}{:>9}{:>8}  {:<13}{:>9}{:>9}{:>9}",
                "", "cpu us", "ratio", "", "p50 us", "p99 us", "p99.9 us"
            );
            for variant in Variant::ALL.iter().map(|variant| variant.name()) {
                let (Some(cpu), Some(ratio), Some([low, high])) = (
                    case.cpu_us.get(variant),
                    case.ratio.get(variant),
                    case.ratio_spread.get(variant),
                ) else {
                    continue;
                };
                let at = |latency: &BTreeMap<&str, f64>| {
                    latency.get(variant).copied().unwrap_or_default()
                };
                let (p50, p99, p999) = (at(&case.p50_us), at(&case.p99_us), at(&case.p999_us));
                let spread = format!("({low:.2}-{high:.2})");
                println!(
                    "  {variant:<16}{cpu:>9.1}{ratio:>8.2}  {spread:<13}{p50:>9.0}{p99:>9.0}{p999:>9.0}"
                );
            }
        }
        if !self.configure.is_empty() {
            println!("\nconfiguration    bytes   memory for each worker   stall of a change");
            for row in &self.configure {
                println!(
                    "  {:>5} tools {:>9} {:>19.1} MB {:>16.1} ms",
                    row.tools,
                    row.config_bytes,
                    row.memory_bytes_per_worker as f64 / 1e6,
                    row.stall_ms
                );
            }
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
