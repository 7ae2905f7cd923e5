//! What a context runs beside the HTTP server, such as a port of its own.

use async_trait::async_trait;
use shaku::Interface;
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Runs from the start to the stop of the program.
#[async_trait]
pub trait Service: Interface {
    /// Starts it, to run until `stop` is cancelled; none if the settings ask for none. An error keeps the program from
    /// starting.
    async fn start(&self, stop: CancellationToken) -> Result<Option<Started>, ServiceError>;
}

/// A service that runs.
pub struct Started {
    /// What it is called, and where it is: for people.
    pub name: &'static str,
    /// Where it listens.
    pub address: String,
    /// Ends after it was told to stop.
    pub task: JoinHandle<()>,
}

/// A service could not start: what is wrong, and what to do.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct ServiceError(pub String);
