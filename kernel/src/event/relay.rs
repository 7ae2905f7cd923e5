//! The relay: brings events from the log to the subscribers, in the background, for as long as the process lives.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::dispatcher::Dispatcher;
use super::follower::Follower;
use super::lease::Lease;
use super::listener::Listening;
use super::pruner::Pruner;
use super::pump::{Step, Wake, pump};
use super::registration;
use super::stale::Stale;
use super::subscriber::Subscriber;
use super::worker::Worker;
use crate::cache::Cache;
use crate::clock::Clock;
use crate::database::Database;
use crate::problem::Failure;
use crate::uow::UnitsOfWork;

/// How often the pruner looks for what it can remove.
const PRUNE_EVERY: Duration = Duration::from_mins(1);

/// The `events` section of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelaySettings {
    /// How often, in milliseconds, the relay looks for work that nobody woke it for.
    pub poll_interval: u64,
    /// Seconds after which another process takes over the work of one that is not heard of.
    pub lease: u64,
    /// An event that a subscriber does not take as often is dead.
    pub max_attempts: u32,
    /// Days for which deliveries are kept once they are settled.
    pub keep: u32,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self { poll_interval: 1_000, lease: 30, max_attempts: 10, keep: 7 }
    }
}

impl RelaySettings {
    /// Whether the values make sense: the key at fault, and what is allowed.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        let rules = [
            (
                (10..=60_000).contains(&self.poll_interval),
                "poll_interval",
                "must be 10 to 60000 milliseconds",
            ),
            ((2..=600).contains(&self.lease), "lease", "must be 2 to 600 seconds"),
            // Events that fail together were tried once by then, and are tried singly after that.
            ((2..=1_000).contains(&self.max_attempts), "max_attempts", "must be 2 to 1000"),
            ((1..=3_650).contains(&self.keep), "keep", "must be 1 to 3650 days"),
        ];
        let broken = rules.into_iter().find(|(holds, ..)| !holds);
        broken.map_or(Ok(()), |(_, key, message)| Err((key, message)))
    }
}

/// What the relay works with.
pub(crate) struct Parts {
    pub(crate) subscribers: Vec<Subscriber>,
    pub(crate) listeners: Arc<[Listening]>,
    pub(crate) database: Database,
    pub(crate) units: UnitsOfWork,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cache: Arc<dyn Cache>,
    /// This process.
    pub(crate) holder: Uuid,
}

/// A running relay. It stops when told to, after the deliveries under way.
pub struct Relay {
    stop: CancellationToken,
    tasks: TaskTracker,
    poll: Duration,
    /// Whoever sleeps by it is woken by nobody.
    never: Wake,
}

impl Relay {
    /// Registers the subscribers, then starts the dispatcher, a worker for each subscriber, and whoever tells the listeners.
    pub(crate) async fn start(settings: &RelaySettings, parts: Parts) -> Result<Self, Failure> {
        registration::register(&parts.database, &parts.subscribers, parts.holder, parts.clock.now()).await?;
        let poll = Duration::from_millis(settings.poll_interval);
        let relay =
            Self { stop: CancellationToken::new(), tasks: TaskTracker::new(), poll, never: Wake::new() };
        let dispatched = parts.units.due().clone();
        for subscriber in &parts.subscribers {
            relay.run(worker(settings, &parts, subscriber.clone()), &dispatched);
        }
        let stale = Stale::new(&parts.subscribers, parts.cache);
        relay.run(Follower::new(parts.listeners, stale, parts.database.clone()), &dispatched);
        let pruner = Pruner {
            keep: Duration::from_hours(24) * settings.keep,
            database: parts.database.clone(),
            clock: Arc::clone(&parts.clock),
        };
        relay.tasks.spawn(pump(pruner, relay.never.sleeper(), PRUNE_EVERY, relay.stop.clone()));
        let committed = parts.units.wake().clone();
        relay.run(Dispatcher { database: parts.database, clock: parts.clock, dispatched }, &committed);
        relay.tasks.close();
        Ok(relay)
    }

    fn run(&self, part: impl Step + 'static, wake: &Wake) {
        self.tasks.spawn(pump(part, wake.sleeper(), self.poll, self.stop.clone()));
    }

    /// Lets the deliveries under way end, and starts no others.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

fn worker(settings: &RelaySettings, parts: &Parts, subscriber: Subscriber) -> Worker {
    Worker {
        lease: Lease {
            subscriber: subscriber.name,
            holder: parts.holder,
            length: Duration::from_secs(settings.lease),
        },
        subscriber,
        max_attempts: settings.max_attempts.into(),
        database: parts.database.clone(),
        units: parts.units.clone(),
        clock: Arc::clone(&parts.clock),
        prefer_retries: AtomicBool::new(false),
    }
}
