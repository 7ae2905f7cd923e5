//! What the cache has to forget since another process changed it: what is tagged with the id of an aggregate when an event tells of it,
//! and what is tagged with the table of a projection when somebody worked for the subscriber that fills it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::lease::Standing;
use super::log::EventRow;
use super::subscriber::Subscriber;
use crate::cache::{Cache, Tag};
use crate::database::Database;
use crate::problem::Failure;

/// What is yet to be forgotten.
pub(super) struct Stale {
    cache: Arc<dyn Cache>,
    aggregates: HashSet<Tag>,
    /// The table that each of these subscribers fills.
    projections: HashMap<&'static str, &'static str>,
    /// How their leases stood when it was last forgotten what they filled.
    leases: Vec<Standing>,
}

impl Stale {
    pub(super) fn new(subscribers: &[Subscriber], cache: Arc<dyn Cache>) -> Self {
        let table = |subscriber: &Subscriber| Some((subscriber.name, subscriber.projection?));
        let projections = subscribers.iter().filter_map(table).collect();
        Self { cache, aggregates: HashSet::new(), projections, leases: Vec::new() }
    }

    /// An event tells that something changed.
    pub(super) fn note(&mut self, event: &EventRow) {
        self.aggregates.insert(event.subject.to_string().into());
    }

    /// Forgets what was noted, and what was filled since. What cannot be forgotten now stays noted.
    pub(super) async fn forget(&mut self, database: &Database) -> Result<(), Failure> {
        let mut tags: Vec<Tag> = self.aggregates.iter().cloned().collect();
        // Looked up before it is forgotten: what is filled in between is seen the next time.
        let leases = match self.projections.is_empty() {
            true => Vec::new(),
            false => Standing::of(self.projections.keys().copied(), database).await?,
        };
        let worked_for = leases.iter().filter(|lease| !self.leases.contains(lease));
        tags.extend(
            worked_for.filter_map(|lease| Some((*self.projections.get(lease.subscriber.as_str())?).into())),
        );
        if !tags.is_empty() {
            self.cache.invalidate(&tags).await?;
        }
        self.aggregates.clear();
        self.leases = leases;
        Ok(())
    }

    /// Forgets everything: nobody knows what changed.
    pub(super) async fn forget_all(&self) -> Result<(), Failure> {
        self.cache.clear().await
    }
}
