//! What can go wrong with events, and which type of problem each is to whoever asked.

use thiserror::Error;

use super::EventId;
use crate::problem::{NOT_FOUND, Problem, ProblemType};

crate::problems! {
    pub PROBLEMS;

    NOT_OPEN: Conflict "event_not_undelivered", "Nothing of the event is dead or failed",
        "Only a delivery that failed or is dead can be resubmitted or discarded. Those of this event are not: the detail says what \
         became of each. One that was delivered or discarded stays so.";
    NOT_PUBLISHED: Conflict "events_not_published", "Events are not published",
        "Events are published to other services once `bus.url` was set and a service was started with it. Until then there is nothing \
         to publish again.";
}

/// What can go wrong with events.
#[derive(Debug, Error)]
pub enum Error {
    /// There is none with this id.
    #[error("there is no event {0}")]
    NotFound(EventId),
    /// Its deliveries are settled, or not tried yet.
    #[error("nothing of event {event} is dead or failed: {states}")]
    NotOpen {
        /// The event.
        event: EventId,
        /// Who it goes to, and what became of that.
        states: String,
    },
    /// Nobody publishes any.
    #[error("events are published nowhere: no service was started with bus.url yet")]
    NothingIsPublished,
}

impl Problem for Error {
    fn problem(&self) -> &'static ProblemType {
        match self {
            Self::NotFound(_) => &NOT_FOUND,
            Self::NotOpen { .. } => &NOT_OPEN,
            Self::NothingIsPublished => &NOT_PUBLISHED,
        }
    }
}
