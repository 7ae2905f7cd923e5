//! What there is to the broker, from when it is made until it is lost: a connection for publishing, and one for consuming, which goes on
//! while a broker that is short of memory reads nothing of what is published.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lapin::options::ConfirmSelectOptions;
use lapin::{Channel, Connection, Result};
use servertree_kernel::event::Envelope;
use tokio_util::sync::CancellationToken;

use super::topology;

/// Both connections, with the channel for publishing.
pub struct Session {
    pub publishing: Connection,
    pub consuming: Connection,
    /// Cancelled when one of them is lost, or of no more use.
    pub lost: CancellationToken,
    /// Cancelled when nothing more is to be taken in.
    pub winding_down: CancellationToken,
    state: Mutex<State>,
}

/// What is known of the channel for publishing.
#[derive(Default)]
struct State {
    /// None: it is in use, or there is none.
    channel: Option<Channel>,
    /// Exchanges that were there.
    declared: HashSet<String>,
}

impl Session {
    pub fn new(publishing: Connection, consuming: Connection) -> Self {
        let (lost, winding_down) = (CancellationToken::new(), CancellationToken::new());
        Self { publishing, consuming, lost, winding_down, state: Mutex::default() }
    }

    /// Whether both are there.
    pub fn is_connected(&self) -> bool {
        self.publishing.status().connected() && self.consuming.status().connected()
    }

    /// The channel to publish these events on, for one alone: to be put back when all is confirmed. One that is not is forgotten, with
    /// whatever is still said about it.
    pub async fn take_channel(&self, events: &[&Envelope]) -> Result<Channel> {
        self.declare_exchanges(events).await?;
        let left = self.state().channel.take().filter(|channel| channel.status().connected());
        if let Some(channel) = left {
            return Ok(channel);
        }
        let channel = self.publishing.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(channel)
    }

    /// All that was published on it is confirmed.
    pub fn put_back(&self, channel: Channel) {
        self.state().channel = Some(channel);
    }

    /// Somebody deleted an exchange: they are all declared again.
    pub fn forget_exchanges(&self) {
        self.state().declared.clear();
    }

    /// Also of events of contexts that are not enabled any more.
    async fn declare_exchanges(&self, events: &[&Envelope]) -> Result<()> {
        let missing: HashSet<String> = {
            let state = self.state();
            let exchanges = events.iter().map(|event| topology::exchange_of(&event.event_type));
            exchanges.filter(|exchange| !state.declared.contains(exchange)).collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        let administration = self.publishing.create_channel().await?;
        for exchange in &missing {
            topology::declare_topic(&administration, exchange).await?;
        }
        administration.close(200, "declared".into()).await?;
        self.state().declared.extend(missing);
        Ok(())
    }

    /// Never held over an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
