//! The relay: brings events from the log to the subscribers, in the background, for as long as the process lives.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::delivery::Worker;
use super::dispatcher::Dispatcher;
use super::pump::{Wake, pump};
use super::registration;
use super::subscriber::Subscriber;
use crate::clock::Clock;
use crate::database::Database;
use crate::problem::Failure;
use crate::uow::UnitsOfWork;

/// The `events` section of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelaySettings {
    /// How often, in milliseconds, the relay looks for work that nobody woke it for.
    pub poll_interval: u64,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self { poll_interval: 1_000 }
    }
}

/// A running relay. It stops when told to, after the deliveries under way.
pub struct Relay {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Relay {
    /// Registers the subscribers, then starts the dispatcher and a worker for each subscriber.
    pub(crate) async fn start(
        settings: &RelaySettings,
        subscribers: Vec<Subscriber>,
        database: Database,
        units: UnitsOfWork,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        registration::register(&database, &subscribers, clock.now()).await?;
        let relay = Self { stop: CancellationToken::new(), tasks: TaskTracker::new() };
        let poll = Duration::from_millis(settings.poll_interval);
        let dispatched = Wake::new();
        for subscriber in subscribers {
            let worker = Worker {
                subscriber,
                database: database.clone(),
                units: units.clone(),
                clock: Arc::clone(&clock),
            };
            relay.tasks.spawn(pump(worker, dispatched.sleeper(), poll, relay.stop.clone()));
        }
        let dispatcher = Dispatcher { database, clock, dispatched };
        relay.tasks.spawn(pump(dispatcher, units.wake().sleeper(), poll, relay.stop.clone()));
        relay.tasks.close();
        Ok(relay)
    }

    /// Lets the deliveries under way end, and starts no others.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}
