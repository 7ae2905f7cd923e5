//! The metrics of this process, collected for Prometheus: `/metrics` shows them.

use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use servertree_kernel::domain::Timestamp;

use crate::start::StartError;

/// Requests that were answered, by `method`, `route` and `status`.
pub const REQUESTS: &str = "servertree_http_requests_total";
/// How long that took.
pub const REQUEST_DURATION: &str = "servertree_http_request_duration_seconds";
const BUILD: &str = "servertree_build_info";
// The names that these two have in all programs.
const STARTED: &str = "process_start_time_seconds";
const MEMORY: &str = "process_resident_memory_bytes";

/// The upper bounds of what durations are sorted into, in seconds: from what a cached answer takes to what nobody waits for.
const BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How often durations are sorted into these. Until then each of them is kept by itself.
const SORTED_EVERY: Duration = Duration::from_secs(1);

/// What is collected.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Collects from now on, for as long as the process lives. What is to be measured is started after it: whoever counts asks
    /// once who collects.
    pub fn collect(now: Timestamp) -> Result<Self, StartError> {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS);
        let metrics = builder.and_then(PrometheusBuilder::install_recorder).map(Self);
        let metrics = metrics.map_err(|error| StartError::Internal(format!("no metrics: {error}")))?;
        describe();
        gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        gauge!(STARTED).set(now.as_micros() as f64 / 1e6);
        tokio::spawn(sort(metrics.0.clone()));
        Ok(metrics)
    }

    /// All of them, in the text format of Prometheus.
    pub fn text(&self) -> String {
        if let Some(bytes) = resident_memory() {
            gauge!(MEMORY).set(bytes as f64);
        }
        self.0.render()
    }
}

/// Says of each metric what it means.
fn describe() {
    servertree_kernel::metrics::describe();
    crate::bus::describe();
    describe_counter!(REQUESTS, "Requests that ended, by method, route and class of the status.");
    describe_histogram!(REQUEST_DURATION, Unit::Seconds, "How long requests took until the answer began.");
    describe_gauge!(BUILD, "Always 1: its labels tell which build this is.");
    describe_gauge!(STARTED, Unit::Seconds, "When the process started, in seconds since 1970.");
    describe_gauge!(MEMORY, Unit::Bytes, "Memory that the process has in RAM.");
}

async fn sort(handle: PrometheusHandle) {
    let mut interval = tokio::time::interval(SORTED_EVERY);
    loop {
        interval.tick().await;
        handle.run_upkeep();
    }
}

/// In bytes, where the system tells as Linux does.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString};

    use super::*;

    /// Notes what is described.
    #[derive(Default)]
    struct Described(RefCell<Vec<(String, &'static str)>>);

    impl Described {
        fn note(&self, name: &KeyName, kind: &'static str) {
            self.0.borrow_mut().push((name.as_str().to_owned(), kind));
        }
    }

    impl Recorder for Described {
        fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.note(&name, "counter");
        }

        fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.note(&name, "gauge");
        }

        fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
            self.note(&name, "histogram");
        }

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    /// The page has a row for each metric, of its kind, and no others.
    #[test]
    fn the_page_on_operations_lists_every_metric() {
        let described = Described::default();
        metrics::with_local_recorder(&described, describe);
        let mut described = described.0.into_inner();
        described.sort();
        let page = include_str!("../../docs/operations.md");
        let (_, section) = page.split_once("\n## Metrics\n").expect("a section on metrics");
        let section = section.split("\n## ").next().unwrap_or_default();
        let mut listed: Vec<(String, &str)> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .filter_map(|row| row.split_once("` | "))
            .map(|(name, rest)| (name.to_owned(), rest.split(' ').next().unwrap_or_default()))
            .collect();
        listed.sort();
        assert_eq!(listed, described);
    }

    #[test]
    fn memory_is_that_of_this_process() {
        let before = resident_memory().unwrap();
        let block = vec![1_u8; 64 * 1024 * 1024];
        let after = resident_memory().unwrap();
        assert!(after - before > block.len() as u64 / 2, "{before} to {after}");
    }
}
