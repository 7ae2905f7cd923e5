//! Subscribers: who wants to hear of which events, and what of them.

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use shaku::Interface;

use super::Envelope;
use super::not_taken::NotTaken;
use super::publisher::{PUBLISHED_TOGETHER, PUBLISHER, Publisher};
use super::upcaster::Upcasters;
use crate::message::Message;
use crate::problem::{Failure, Internal};
use crate::uow::WriteUow;

/// Where in the log a subscriber starts when it is seen for the first time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// At the first event ever.
    Beginning,
    /// At the events that are yet to come.
    Now,
}

/// What a subscriber takes: the events by name, and of their `data` the fields of this struct. It reads tolerantly:
/// fields it does not know are none of its business.
pub trait Subscription: DeserializeOwned + Send + 'static {
    /// The subscriber's name, under which its deliveries are kept: `<context>.<what it does>`. Never changed.
    const NAME: &'static str;
    /// The names of the events it takes; none named: all.
    const EVENTS: &'static [&'static str];
    /// Where it starts.
    const START: Start;
    /// The schema versions it understands, of events whose version is not 1. Older ones are brought up to it by the upcasters there
    /// are; one that it does not understand is dead at once.
    const VERSIONS: &'static [(&'static str, u16)] = &[];
    /// How many events may share a transaction, 100 at most. 1 for a handler that calls somebody else, which the others would wait
    /// for.
    const BATCH: usize = 100;
    /// The table that it alone fills, and whose rows are made of nothing but events: `servertree projections rebuild` empties it
    /// and has it filled again.
    const PROJECTION: Option<&'static str> = None;
}

/// Handles the events of a subscription. What it writes, and the record that it has taken the event, become lasting
/// together: however often an event arrives, it takes effect once.
#[async_trait]
pub trait EventHandler<S: Subscription>: Interface {
    /// Takes one event. An error means: not now; it comes again. One of kind
    /// [`Unavailable`](crate::problem::Kind::Unavailable) means that something cannot be reached: that is no attempt, and the
    /// subscriber pauses.
    async fn handle(
        &self,
        data: S,
        event: &Envelope,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure>;
}

/// A table that is made of nothing but events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Projection {
    /// The subscriber that fills it: its name.
    pub name: &'static str,
    /// The table.
    pub table: &'static str,
    /// The names of the events it is made of; none named: all.
    pub events: &'static [&'static str],
}

/// A subscriber, its type erased.
#[derive(Clone)]
pub(crate) struct Subscriber {
    pub(super) name: &'static str,
    pub(super) events: &'static [&'static str],
    pub(super) start: Start,
    pub(super) batch: usize,
    pub(super) projection: Option<&'static str>,
    pub(super) taker: Taker,
}

/// Who takes the events of a subscriber.
#[derive(Clone)]
pub(super) enum Taker {
    /// A handler, within the transaction of the delivery.
    Handler(Arc<dyn Deliver>),
    /// Others, outside of it.
    Publisher(Arc<dyn Publisher>),
}

impl Subscriber {
    /// The table that it alone fills, if it does.
    pub(crate) fn projection(&self) -> Option<Projection> {
        let (name, events) = (self.name, self.events);
        self.projection.map(|table| Projection { name, table, events })
    }

    pub(crate) fn new<S: Subscription>(handler: Arc<dyn EventHandler<S>>) -> Self {
        Self {
            name: S::NAME,
            events: S::EVENTS,
            start: S::START,
            batch: S::BATCH.clamp(1, 100),
            projection: S::PROJECTION,
            taker: Taker::Handler(Arc::new(Typed(handler))),
        }
    }

    /// Its name, and the names of the events it takes.
    pub(crate) fn subscription(&self) -> (&'static str, &'static [&'static str]) {
        (self.name, self.events)
    }

    /// The one that has all events published.
    pub(crate) fn publishing(publisher: Arc<dyn Publisher>) -> Self {
        Self {
            name: PUBLISHER,
            events: &[],
            start: Start::Now,
            batch: PUBLISHED_TOGETHER,
            projection: None,
            taker: Taker::Publisher(publisher),
        }
    }
}

#[async_trait]
pub(super) trait Deliver: Send + Sync {
    async fn deliver(&self, event: Envelope, uow: &mut WriteUow, message: &Message) -> Result<(), NotTaken>;
}

struct Typed<S: Subscription>(Arc<dyn EventHandler<S>>);

#[async_trait]
impl<S: Subscription> Deliver for Typed<S> {
    async fn deliver(&self, event: Envelope, uow: &mut WriteUow, message: &Message) -> Result<(), NotTaken> {
        // Of another version of the program: that one may take it before this one has tried it too often.
        if !S::EVENTS.is_empty() && !S::EVENTS.contains(&event.event_type.as_str()) {
            let (name, taken) = (S::NAME, event.event_type);
            let fault = Internal(format!("{name} of this version of the program does not take {taken}"));
            return Err(NotTaken::Failed(fault.into()));
        }
        let (event, data) = understood(event, S::EVENTS, S::VERSIONS)?;
        Ok(self.0.handle(data, &event, uow, message).await?)
    }
}

/// An event in the version that is understood, and what is read of it.
pub(super) fn understood<T: DeserializeOwned>(
    event: Envelope,
    events: &[&str],
    versions: &[(&str, u16)],
) -> Result<(Envelope, T), NotTaken> {
    // Who takes all events reads nothing of them that has a version.
    let version =
        versions.iter().find(|(name, _)| *name == event.event_type).map_or(1, |(_, version)| *version);
    let version = (!events.is_empty()).then_some(version);
    let event = Upcasters::all().bring_up(event, version)?;
    let data = serde_json::from_str(event.data.get()).map_err(|error| {
        NotTaken::NotUnderstood(format!("{} {} is not understood: {error}", event.event_type, event.id))
    })?;
    Ok((event, data))
}
