//! What runs beside the HTTP server, such as a port of its own.

use tokio::task::JoinHandle;

/// A service that runs.
pub struct Started {
    /// What it is called: for people.
    pub name: &'static str,
    /// Where it listens.
    pub address: String,
    /// Ends after it was told to stop.
    pub task: JoinHandle<()>,
}
