//! The kernel as a whole, on a real database.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod assembly;
mod delivery;
mod metrics;
mod migrations;
mod notes;
mod pipeline;
mod remote;
mod versions;
