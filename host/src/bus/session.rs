//! One connection to the broker, from when it is made until it is lost.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use lapin::options::ConfirmSelectOptions;
use lapin::{Channel, Connection, Result};
use tokio_util::sync::CancellationToken;

use super::topology;

/// A connection, with the channel for publishing.
pub struct Session {
    pub connection: Connection,
    /// Cancelled when the connection is lost, or of no more use.
    pub lost: CancellationToken,
    /// Cancelled when nothing more is to be taken in.
    pub winding_down: CancellationToken,
    publishing: Mutex<Option<Channel>>,
}

impl Session {
    pub fn new(connection: Connection) -> Self {
        let (lost, winding_down) = (CancellationToken::new(), CancellationToken::new());
        Self { connection, lost, winding_down, publishing: Mutex::new(None) }
    }

    /// The channel to publish on. An error closes a channel for good, such as that an exchange is gone: a new one declares them again.
    pub async fn publishing(&self, emitted: &BTreeSet<&'static str>) -> Result<Channel> {
        let open = self.slot().clone().filter(|channel| channel.status().connected());
        if let Some(channel) = open {
            return Ok(channel);
        }
        let administration = self.connection.create_channel().await?;
        topology::declare_exchanges(&administration, emitted).await?;
        administration.close(200, "done".into()).await?;
        let channel = self.connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        *self.slot() = Some(channel.clone());
        Ok(channel)
    }

    /// What was published on that channel, and not confirmed, may be safe or not: nothing more is.
    pub fn forget_channel(&self) {
        self.slot().take();
    }

    /// Never held over an await.
    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Channel>> {
        self.publishing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
