//! The loads that run: one for each key and generation, with those who wait for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::Key;
use super::generations::Generation;
use crate::problem::Failure;

type Outcome = Result<Bytes, Failure>;

/// A load. One of a later generation is another: nobody joins a load that began before an invalidation.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Load {
    key: Key,
    generation: Generation,
}

/// All loads that run.
#[derive(Default)]
pub struct Loads {
    running: Mutex<HashMap<Load, watch::Receiver<Option<Outcome>>>>,
}

/// What is to be done by who wants a value.
pub enum Turn<'l> {
    /// To load it.
    Lead(Lead<'l>),
    /// To wait for who does.
    Wait(Wait),
}

/// Held by who loads. Dropped without an outcome, as when its caller goes away, it lets another one load.
pub struct Lead<'l> {
    loads: &'l Loads,
    load: Load,
    outcome: Option<Outcome>,
    waiting: watch::Sender<Option<Outcome>>,
}

/// Held by who waits.
pub struct Wait(watch::Receiver<Option<Outcome>>);

impl Loads {
    /// Joins the load that runs, or leads a new one.
    pub fn join(&self, key: &Key, generation: Generation) -> Turn<'_> {
        let load = Load { key: key.clone(), generation };
        let mut running = self.running();
        if let Some(outcome) = running.get(&load) {
            return Turn::Wait(Wait(outcome.clone()));
        }
        let (waiting, outcome) = watch::channel(None);
        running.insert(load.clone(), outcome);
        Turn::Lead(Lead { loads: self, load, outcome: None, waiting })
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.running().is_empty()
    }

    /// Never held over an await: whoever has it only looks up, inserts or removes.
    fn running(&self) -> MutexGuard<'_, HashMap<Load, watch::Receiver<Option<Outcome>>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lead<'_> {
    /// Gives those who wait what came of it.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        // First nobody can join any more, then those who did are told: a failure reaches no one who comes after it.
        self.loads.running().remove(&self.load);
        if let Some(outcome) = self.outcome.take() {
            self.waiting.send_replace(Some(outcome));
        }
    }
}

impl Wait {
    /// What came of the load; none if it was given up.
    pub async fn outcome(mut self) -> Option<Outcome> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}
