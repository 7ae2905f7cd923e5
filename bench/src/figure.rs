//! What is measured, and how much of it. To add a figure: a variant, a line in `main`, a row in docs/performance.md.

use std::time::Duration;

use clap::ValueEnum;

use crate::policy::Extent;

/// A figure, or two that come of the same runs.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    /// From the start until it is ready; the memory of an idle one.
    Start,
    /// A server by id.
    Find,
    /// A page of the list.
    List,
    /// A server is registered.
    Register,
    /// What log-in and permission add to a request.
    Authentication,
    /// A decision about a permission; the memory of all of them.
    Check,
    /// Decisions over gRPC.
    Grpc,
    /// The memory after many requests.
    Memory,
    /// All secrets are wrapped with another key.
    Rotation,
    /// From an event to its subscriber.
    Delivery,
    /// Many events are delivered.
    Drain,
    /// Very many are there to be delivered.
    Backlog,
    /// A server by id, from the cache.
    Cache,
}

impl Figure {
    /// Whether it is measured on each engine that is wanted; the others are measured on SQLite.
    pub fn is_by_engine(self) -> bool {
        matches!(self, Self::Find | Self::List | Self::Register | Self::Drain | Self::Cache)
    }
}

/// How much is measured.
pub struct Size {
    /// Starts of the program.
    pub starts: usize,
    /// Servers in the inventory.
    pub servers: usize,
    /// Rounds with each program, and how long one is.
    pub rounds: usize,
    pub round: Duration,
    /// Requests before the memory is looked at.
    pub requests: usize,
    /// Rotations, and how many servers there are for them with how many secrets each.
    pub rotations: usize,
    pub secrets: (usize, usize),
    /// How long events come at a steady rate, after a sixth of that to warm up.
    pub steady: Duration,
    /// Events that are delivered, and a backlog that is larger.
    pub drained: usize,
    pub backlog: usize,
    /// Who may do what, and how many batches of decisions are made about it.
    pub policy: Extent,
    pub batches: usize,
}

impl Size {
    /// Enough for figures to mean something.
    pub const FULL: Self = Self {
        starts: 15,
        servers: 2_000,
        rounds: 21,
        round: Duration::from_secs(1),
        requests: 100_000,
        rotations: 3,
        secrets: (1_000, 100),
        steady: Duration::from_secs(30),
        drained: 100_000,
        backlog: 1_000_000,
        policy: Extent { users: 10_000, roles: 200, grants: 500 },
        batches: 1_000,
    };
    /// Enough to see that it can be measured.
    pub const SMOKE: Self = Self {
        starts: 2,
        servers: 60,
        rounds: 1,
        round: Duration::from_millis(100),
        requests: 200,
        rotations: 1,
        secrets: (4, 9),
        steady: Duration::from_millis(300),
        drained: 300,
        backlog: 3_000,
        policy: Extent { users: 50, roles: 10, grants: 50 },
        batches: 10,
    };
}

/// The one in the middle.
pub fn median(figures: &[f64]) -> f64 {
    percentile(figures, 50)
}

/// The one that so many of a hundred are smaller than.
pub fn percentile(figures: &[f64], percent: usize) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() * percent / 100).copied().unwrap_or(f64::NAN)
}

/// The largest one.
pub fn largest(figures: &[f64]) -> f64 {
    figures.iter().copied().fold(f64::NAN, f64::max)
}

/// The smallest one.
pub fn smallest(figures: &[f64]) -> f64 {
    figures.iter().copied().fold(f64::NAN, f64::min)
}
