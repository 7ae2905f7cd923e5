//! The metrics of a command or a query: how often it ended in which way, and how long that took.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use metrics::{Counter, Histogram, Label, counter, histogram};

use super::{COMMAND_DURATION, COMMAND_RETRIES, COMMANDS, QUERIES, QUERY_DURATION};
use crate::problem::Failure;

/// What is measured of a kind of use case.
pub(crate) struct Kind {
    label: &'static str,
    total: &'static str,
    duration: &'static str,
    retries: Option<&'static str>,
}

/// Of commands.
pub(crate) const COMMAND: Kind =
    Kind { label: "command", total: COMMANDS, duration: COMMAND_DURATION, retries: Some(COMMAND_RETRIES) };
/// Of queries.
pub(crate) const QUERY: Kind =
    Kind { label: "query", total: QUERIES, duration: QUERY_DURATION, retries: None };

/// How a use case ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// As it was meant to.
    Ok,
    /// It was refused, and whoever asked can do something about it.
    Refused,
    /// It failed, and nobody who asked is to blame: an error of ours, or something we need is away.
    Failed,
    /// Whoever asked went away before it was done.
    Cancelled,
}

impl Outcome {
    const NAMES: [&str; 4] = ["ok", "refused", "failed", "cancelled"];

    fn of<T>(result: &Result<T, Failure>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(failure) if failure.kind().is_internal() => Self::Failed,
            Err(_) => Self::Refused,
        }
    }
}

/// The metrics of one use case. Those of an outcome are there once it occurred.
pub(crate) struct UseCaseMetrics {
    kind: Kind,
    labels: [Label; 2],
    retries: Counter,
    by_outcome: [OnceLock<(Counter, Histogram)>; Outcome::NAMES.len()],
}

/// A use case under way: it counts when it is dropped, however that came.
pub(crate) struct Measured {
    metrics: Arc<UseCaseMetrics>,
    since: Instant,
    outcome: Outcome,
}

impl UseCaseMetrics {
    pub(crate) fn new(kind: Kind, context: &'static str, name: &'static str) -> Self {
        let labels =
            [Label::from_static_parts("context", context), Label::from_static_parts(kind.label, name)];
        let retries = kind.retries.map_or_else(Counter::noop, |retries| counter!(retries, labels.iter()));
        Self { kind, labels, retries, by_outcome: Default::default() }
    }

    /// What counts the attempts beyond the first.
    pub(crate) fn retries(&self) -> Counter {
        self.retries.clone()
    }

    /// Begins to measure; `otherwise` is the outcome should it end without one.
    pub(crate) fn begin(self: &Arc<Self>, otherwise: Outcome) -> Measured {
        Measured { metrics: Arc::clone(self), since: Instant::now(), outcome: otherwise }
    }

    fn of(&self, outcome: Outcome) -> &(Counter, Histogram) {
        self.by_outcome[outcome as usize].get_or_init(|| {
            let mut labels = self.labels.to_vec();
            labels.push(Label::from_static_parts("outcome", Outcome::NAMES[outcome as usize]));
            (counter!(self.kind.total, labels.clone()), histogram!(self.kind.duration, labels))
        })
    }
}

impl Measured {
    /// It ended so.
    pub(crate) fn end<T>(mut self, result: &Result<T, Failure>) {
        self.outcome = Outcome::of(result);
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let (total, duration) = self.metrics.of(self.outcome);
        total.increment(1);
        duration.record(self.since.elapsed());
    }
}
