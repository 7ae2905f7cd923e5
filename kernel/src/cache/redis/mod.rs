//! The cache in Redis: what one replica read, the others need not read again.
//!
//! It is never the reason for a wrong answer. Each tag has a token at the server, and a value is kept with a fingerprint of those that
//! were there before its load began; an invalidation puts new tokens in their place, and nobody takes a value of other tokens. A token
//! that the server dropped is replaced by a new one. What is kept has the server's own id in its name: a server that was started
//! again, or that took over, begins empty, whatever it remembers. An invalidation that did not get through is made up for before this
//! process reads anything again; other processes invalidate what they hear of by themselves.
//!
//! A server that is away, or slow, is left alone: whoever asks reads what they want where it comes from.

mod error;
mod link;
mod record;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::AbortHandle;

pub use error::CacheError;
use link::{Link, Live};
use record::{Found, Names, Record};

use super::generations::{Generation, Generations};
use super::loads::{Lead, Loads, Turn};
use super::metrics::CacheMetrics;
use super::{Cache, Key, Load, Settings, Tag};
use crate::clock::{Clock, IdGenerator};
use crate::problem::Failure;

/// Keeps values in Redis.
#[derive(Clone)]
pub struct RedisCache(Arc<Inner>);

struct Inner {
    link: Arc<Link>,
    clock: Arc<dyn Clock>,
    /// What was invalidated in this process, whether it got through or not.
    generations: Generations,
    loads: Loads,
    metrics: CacheMetrics,
    keeper: AbortHandle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl RedisCache {
    /// Connects to the server that the settings name. One that refuses is a mistake of somebody; one that is away is tried again.
    /// Whoever uses the same `scope` shares what is kept: processes on the same database.
    pub async fn connect(
        settings: &Settings,
        scope: &str,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Result<Self, CacheError> {
        let link = Arc::new(Link::new(settings, scope, ids)?);
        let first = link.begin().await?;
        let keeper = tokio::spawn(Arc::clone(&link).keep(first)).abort_handle();
        let (generations, loads, metrics) = (Generations::new(), Loads::default(), CacheMetrics::new());
        Ok(Self(Arc::new(Inner { link, clock, generations, loads, metrics, keeper })))
    }

    /// Where it is.
    pub fn description(&self) -> String {
        format!("Redis at {}", self.0.link.place())
    }

    /// Whether values can be kept right now.
    pub fn is_ready(&self) -> bool {
        self.0.link.live().is_some()
    }
}

impl Inner {
    /// What is kept, and the tokens of now; none: the server is not to be had.
    async fn look_up(&self, key: &Key) -> Option<(Live, Found)> {
        let live = self.link.live()?;
        match record::look_up(&live, &Names::of(key, &live), || self.link.token()).await {
            Ok(found) => Some((live, found)),
            Err(error) => {
                self.link.lost(&live, &error);
                None
            }
        }
    }

    /// What counts for those who load: nobody joins a load of another one.
    fn generation(&self, key: &Key, found: Option<&(Live, Found)>) -> Generation {
        self.generations.of(key.tags()).with(found.map_or(0, |(_, found)| found.fingerprint))
    }

    fn current(&self, found: Option<&(Live, Found)>) -> Option<Bytes> {
        found?
            .1
            .record
            .as_ref()
            .filter(|record| self.clock.now() < record.expires)
            .map(|record| record.value.clone())
    }

    async fn load(&self, key: Key, ttl: Duration, load: Load<'_>, lead: Lead<'_>) -> Result<Bytes, Failure> {
        let generation = self.generations.of(key.tags());
        // A load that this one could have joined may have ended in between; and the tokens of now are those that it may be kept with.
        let found = self.look_up(&key).await;
        if let Some(value) = self.current(found.as_ref()) {
            lead.finish(Ok(value.clone()));
            return Ok(value);
        }
        self.metrics.loads.increment(1);
        let began = self.clock.now();
        let outcome = load.await;
        if let (Ok(value), Some((live, found))) = (&outcome, found)
            && self.generations.of(key.tags()) == generation
        {
            let record = Record { expires: began.after(ttl), value: value.clone() };
            if let Err(error) = record::keep(&live, &Names::of(&key, &live), &found, &record, ttl).await {
                self.link.lost(&live, &error);
            }
        }
        lead.finish(outcome.clone());
        outcome
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get_or_load(&self, key: Key, ttl: Duration, load: Load<'_>) -> Result<Bytes, Failure> {
        let inner = &self.0;
        let mut found = inner.look_up(&key).await;
        if let Some(value) = inner.current(found.as_ref()) {
            inner.metrics.hits.increment(1);
            return Ok(value);
        }
        inner.metrics.misses.increment(1);
        loop {
            match inner.loads.join(&key, inner.generation(&key, found.as_ref())) {
                Turn::Wait(running) => {
                    if let Some(outcome) = running.outcome().await {
                        return outcome;
                    }
                    found = inner.look_up(&key).await;
                }
                Turn::Lead(lead) => return inner.load(key, ttl, load, lead).await,
            }
        }
    }

    /// What does not get through is made up for before anything is read again.
    async fn invalidate(&self, tags: &[Tag]) -> Result<(), Failure> {
        self.0.generations.invalidate(tags);
        self.0.link.forget(tags).await;
        Ok(())
    }

    async fn clear(&self) -> Result<(), Failure> {
        self.0.generations.invalidate_all();
        self.0.link.forget_all().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
