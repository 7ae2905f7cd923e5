//! What operators do with events: look at them, and see to those that were not taken.
//!
//! The kernel's own use cases, in the form of a context: so they have permissions, routes and problems as all others do. It is
//! there whatever contexts are enabled.

pub(in crate::event) mod discard_event;
mod error;
pub(in crate::event) mod find_events;
mod http;
pub(in crate::event) mod republish_events;
pub(in crate::event) mod resubmit_event;
pub(in crate::event) mod resubmit_events;
mod undelivered;
mod view;

pub use discard_event::{DiscardEvent, DiscardReason, Discarded};
pub use error::Error;
pub use find_events::{FindEvent, FindEvents};
pub use republish_events::{RepublishEvents, RepublishedEvents};
pub use resubmit_event::{ResubmitEvent, Resubmitted};
pub use resubmit_events::{ResubmitEvents, ResubmittedEvents};
pub use undelivered::SubscriberName;
pub use view::{DeliveryView, EventView};

use std::str::FromStr;
use std::sync::Arc;

use crate::permission::{Audience, ObjectType};
use crate::plugin::{Context, kernel_migrations};

crate::id! {
    /// Identifies an event.
    EventId
}

impl FromStr for EventId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        crate::glue::parse_uuid(text).map(Self)
    }
}

/// What permissions on events are about.
pub const OBJECT: ObjectType = ObjectType {
    name: "event",
    actions: &["read", "resubmit", "discard"],
    fields: &[],
    audience: Audience::Operation,
};

/// The manifest.
pub static CONTEXT: Context = Context {
    name: "events",
    summary: "Events: what happened, and whether those who are to know of it do",
    migrations: kernel_migrations(),
    routes: http::routes,
    events: &[],
    subscriptions: &[],
    upcasters: &[],
    problems: error::PROBLEMS,
    open: &[],
    // It is one of the service's: who knows the grants knows it without this context, too.
    objects: &[],
    sections: &[],
    secrets: &[],
    register: |_, registry| {
        registry.query::<FindEvents>(Arc::new(find_events::Handler));
        registry.query::<FindEvent>(Arc::new(find_events::Handler));
        registry.command::<ResubmitEvent>(Arc::new(resubmit_event::Handler));
        registry.command::<ResubmitEvents>(Arc::new(resubmit_events::Handler));
        registry.command::<RepublishEvents>(Arc::new(republish_events::Handler));
        registry.command::<DiscardEvent>(Arc::new(discard_event::Handler));
    },
};
