//! Events: recorded by aggregates, kept in the log by the unit of work, delivered to subscribers by the relay.
//!
//! The way of an event: an aggregate records it → saving the aggregate hands it to the [`WriteUow`], which turns it
//! into an [`Envelope`] → the commit writes it to the table `event_log` in the same transaction, and wakes the
//! [`Relay`] → the dispatcher makes a row in `event_deliveries` for each subscriber that takes it → a worker for
//! each subscriber hands it over, in a transaction with the inbox record and the subscriber's own writes.
//!
//! [`WriteUow`]: crate::uow::WriteUow

mod backoff;
mod contract;
mod dispatcher;
mod due;
mod envelope;
mod follower;
mod former;
mod handover;
mod inbound;
mod lease;
mod listener;
mod log;
mod metrics;
mod not_taken;
pub mod operations;
mod pruner;
mod publisher;
mod pump;
mod rebuild;
mod registration;
mod relay;
mod retirement;
mod settle;
mod stale;
mod subscriber;
mod tables;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod upcaster;
mod worker;

pub use contract::{EventType, SubscriptionType, aggregate_of};
pub use envelope::Envelope;
pub use inbound::{Inbound, NotStored};
pub(crate) use listener::Listening;
pub use listener::{Broadcast, Listener};
pub use log::EventLogView;
pub(crate) use log::{EventRow, append};
pub(crate) use metrics::recorded;
pub use publisher::{PUBLISHER, Publisher};
pub(crate) use pump::Wake;
pub(crate) use rebuild::Rebuild;
pub use rebuild::RebuildProgress;
pub(crate) use relay::Parts as RelayParts;
pub use relay::{Relay, RelaySettings};
pub use retirement::RegisteredSubscriber;
pub(crate) use retirement::{retire, subscribers};
pub(crate) use subscriber::Subscriber;
pub use subscriber::{EventHandler, Projection, Start, Subscription};
pub use upcaster::Upcaster;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An event as others get to see it: its fields are its contract, and what documents it tells what happened.
pub trait PublicEvent: Serialize + ToSchema {
    /// Its name, after the aggregate: `server.registered`.
    const TYPE: &'static str;
    /// The version of its fields. A new field needs no new version; a changed meaning does.
    const SCHEMA_VERSION: u16 = 1;
}

/// A public event on its way to the log.
#[derive(Debug)]
pub struct Publication {
    pub(crate) event_type: &'static str,
    pub(crate) schema_version: u16,
    pub(crate) data: serde_json::Result<Box<RawValue>>,
}

impl Publication {
    /// The event in its JSON form.
    pub fn of<E: PublicEvent>(event: &E) -> Self {
        Self {
            event_type: E::TYPE,
            schema_version: E::SCHEMA_VERSION,
            data: serde_json::value::to_raw_value(event),
        }
    }

    /// Its name.
    pub fn event_type(&self) -> &'static str {
        self.event_type
    }

    /// Its fields, as JSON.
    pub fn data(&self) -> &str {
        self.data.as_ref().map_or("null", |data| data.get())
    }
}
