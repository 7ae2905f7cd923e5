//! Listeners hear of events in every process, each for itself: to forget what became stale. Nothing is kept of what they heard; a
//! process that is started later remembers nothing that could be stale.

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use shaku::Interface;

use super::Envelope;
use super::not_taken::NotTaken;
use super::subscriber::understood;

/// What a listener wants to hear: the events by name, and of their `data` the fields of this struct.
pub trait Broadcast: DeserializeOwned + Send + 'static {
    /// The listener's name: `<context>.<what it does>`.
    const NAME: &'static str;
    /// The names of the events; none named: all.
    const EVENTS: &'static [&'static str];
    /// The schema versions it understands, of events whose version is not 1.
    const VERSIONS: &'static [(&'static str, u16)] = &[];
}

/// Hears of events that were committed in this process or another one on the same database, within a second.
#[async_trait]
pub trait Listener<B: Broadcast>: Interface {
    /// Hears of one.
    async fn hear(&self, data: B, event: &Envelope);

    /// May have missed some: all that it remembers might be stale.
    async fn miss(&self);
}

/// A listener, its type erased.
#[derive(Clone)]
pub(crate) struct Listening {
    pub(super) name: &'static str,
    pub(super) events: &'static [&'static str],
    pub(super) listener: Arc<dyn Hear>,
}

impl Listening {
    pub(crate) fn new<B: Broadcast>(listener: Arc<dyn Listener<B>>) -> Self {
        Self { name: B::NAME, events: B::EVENTS, listener: Arc::new(Typed(listener)) }
    }

    /// Its name, and the names of the events it hears of.
    pub(crate) fn subscription(&self) -> (&'static str, &'static [&'static str]) {
        (self.name, self.events)
    }
}

#[async_trait]
pub(super) trait Hear: Send + Sync {
    async fn hear(&self, event: Envelope) -> Result<(), NotTaken>;
    async fn miss(&self);
}

struct Typed<B: Broadcast>(Arc<dyn Listener<B>>);

#[async_trait]
impl<B: Broadcast> Hear for Typed<B> {
    async fn hear(&self, event: Envelope) -> Result<(), NotTaken> {
        let (event, data) = understood(event, B::EVENTS, B::VERSIONS)?;
        self.0.hear(data, &event).await;
        Ok(())
    }

    async fn miss(&self) {
        self.0.miss().await;
    }
}
