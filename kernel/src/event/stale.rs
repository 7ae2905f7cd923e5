//! What the cache has to forget since another process changed it: what is tagged with the id of an aggregate when an event tells of it,
//! and what is tagged with the table of a projection while that takes events, until it has taken all of them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use sea_query::Query;

use super::Envelope;
use super::due::is_open;
use super::subscriber::Subscriber;
use super::tables::EventDeliveries;
use crate::cache::{Cache, Tag};
use crate::database::Database;
use crate::problem::Failure;

/// What is yet to be forgotten.
pub(super) struct Stale {
    cache: Arc<dyn Cache>,
    projections: Vec<Projection>,
    noted: Mutex<Noted>,
}

/// A subscriber that fills a table.
struct Projection {
    subscriber: &'static str,
    table: &'static str,
    events: &'static [&'static str],
}

#[derive(Default)]
struct Noted {
    aggregates: HashSet<Tag>,
    /// Subscribers that may be about to change their tables.
    projections: HashSet<&'static str>,
}

impl Stale {
    pub(super) fn new(subscribers: &[Subscriber], cache: Arc<dyn Cache>) -> Self {
        let projection = |subscriber: &Subscriber| {
            let (name, events) = (subscriber.name, subscriber.events);
            subscriber.projection.map(|table| Projection { subscriber: name, table, events })
        };
        Self {
            cache,
            projections: subscribers.iter().filter_map(projection).collect(),
            noted: Mutex::default(),
        }
    }

    /// An event tells that something changed.
    pub(super) fn note(&self, event: &Envelope) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.aggregates.insert(event.subject.to_string().into());
        let takes = |projection: &&Projection| {
            projection.events.is_empty() || projection.events.contains(&event.event_type.as_str())
        };
        noted
            .projections
            .extend(self.projections.iter().filter(takes).map(|projection| projection.subscriber));
    }

    /// Forgets what was noted. A projection that still has events to take is looked at again.
    pub(super) async fn forget(&self, database: &Database) -> Result<(), Failure> {
        let Noted { aggregates, projections } =
            std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner));
        let mut tags: Vec<Tag> = aggregates.into_iter().collect();
        let mut unfinished = Vec::new();
        for projection in self.projections.iter().filter(|of| projections.contains(of.subscriber)) {
            let open = Query::select()
                .column(EventDeliveries::Attempts)
                .from(EventDeliveries::Table)
                .and_where(is_open(projection.subscriber))
                .limit(1)
                .take();
            // Looked up before it is forgotten: what is taken in between is looked at again.
            if database.fetch_optional::<(i64,)>(&open).await?.is_some() {
                unfinished.push(projection.subscriber);
            }
            tags.push(projection.table.into());
        }
        if !tags.is_empty() {
            self.cache.invalidate(&tags).await?;
        }
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.projections.extend(unfinished);
        Ok(())
    }

    /// Forgets everything: nobody knows what changed.
    pub(super) async fn forget_all(&self) -> Result<(), Failure> {
        self.cache.clear().await
    }
}
