//! Subscribers: who wants to hear of which events, and what of them.

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use shaku::Interface;

use super::Envelope;
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
}

/// Handles the events of a subscription. What it writes, and the record that it has taken the event, become lasting
/// together: however often an event arrives, it takes effect once.
#[async_trait]
pub trait EventHandler<S: Subscription>: Interface {
    /// Takes one event. An error means: not now; it comes again.
    async fn handle(
        &self,
        data: S,
        event: &Envelope,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure>;
}

/// A subscriber, its type erased.
#[derive(Clone)]
pub(crate) struct Subscriber {
    pub(super) name: &'static str,
    pub(super) events: &'static [&'static str],
    pub(super) start: Start,
    pub(super) handler: Arc<dyn Deliver>,
}

impl Subscriber {
    pub(crate) fn new<S: Subscription>(handler: Arc<dyn EventHandler<S>>) -> Self {
        Self { name: S::NAME, events: S::EVENTS, start: S::START, handler: Arc::new(Typed(handler)) }
    }
}

#[async_trait]
pub(super) trait Deliver: Send + Sync {
    async fn deliver(&self, event: &Envelope, uow: &mut WriteUow, message: &Message) -> Result<(), Failure>;
}

struct Typed<S: Subscription>(Arc<dyn EventHandler<S>>);

#[async_trait]
impl<S: Subscription> Deliver for Typed<S> {
    async fn deliver(&self, event: &Envelope, uow: &mut WriteUow, message: &Message) -> Result<(), Failure> {
        let data = serde_json::from_str(event.data.get()).map_err(|error| {
            Internal(format!("{} {} is not understood: {error}", event.event_type, event.id))
        })?;
        self.0.handle(data, event, uow, message).await
    }
}
