//! The cache in the memory of the process: what several replicas keep, each keeps by itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use moka::policy::EvictionPolicy;
use shaku::Component;

use super::generations::{Generation, Generations};
use super::loads::{Lead, Loads, Turn};
use super::metrics::CacheMetrics;
use super::{Cache, Key, Load, Settings, Tag};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::problem::Failure;

/// What a value takes besides its bytes and its key: an estimate, so that many small ones count for what they are.
const OVERHEAD: usize = 256;

/// Keeps values in memory, up to a size in bytes.
///
/// Time and invalidations are looked at when a value is wanted. One that nobody may have any more stays until it is
/// replaced, or is evicted as the one that was not wanted for longest: it counts for the size, too.
#[derive(Component)]
#[shaku(interface = Cache)]
pub struct MemoryCache {
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
    /// Where it keeps them.
    #[shaku(default = Store::of(Settings::default().bytes()))]
    store: Store,
}

/// The memory of a [`MemoryCache`].
pub struct Store {
    /// Whether there is room at all: else nothing is put in, only to be evicted.
    has_room: bool,
    values: moka::future::Cache<Key, Kept>,
    generations: Generations,
    loads: Loads,
    metrics: CacheMetrics,
}

#[derive(Clone)]
struct Kept {
    value: Bytes,
    generation: Generation,
    began: Timestamp,
    expires: Timestamp,
}

impl Store {
    /// Room for `size` bytes.
    pub fn of(size: u64) -> Self {
        let values = moka::future::Cache::builder()
            .max_capacity(size)
            .weigher(|key: &Key, kept: &Kept| weight(key, &kept.value))
            .eviction_policy(EvictionPolicy::lru())
            .build();
        let (generations, loads, metrics) = (Generations::new(), Loads::default(), CacheMetrics::new());
        Self { has_room: size > 0, values, generations, loads, metrics }
    }
}

fn weight(key: &Key, value: &Bytes) -> u32 {
    let tags: usize = key.tags().map(|tag| tag.as_str().len() + size_of::<Tag>()).sum();
    u32::try_from(OVERHEAD + key.name().len() + tags + value.len()).unwrap_or(u32::MAX)
}

impl MemoryCache {
    /// A cache of `size` bytes.
    pub fn new(size: u64, clock: Arc<dyn Clock>) -> Self {
        Self { clock, store: Store::of(size) }
    }

    /// What is kept under the key, if it is of this generation and its time is not over. (Should the clock be set back,
    /// what it calls the future is not trusted.)
    async fn kept(&self, key: &Key, generation: Generation) -> Option<Bytes> {
        if !self.store.has_room {
            return None;
        }
        let kept = self.store.values.get(key).await?;
        let now = self.clock.now();
        let current = kept.generation == generation && kept.began <= now && now < kept.expires;
        current.then_some(kept.value)
    }

    /// Loads, and keeps what came of it unless a tag was invalidated meanwhile.
    async fn load(
        &self,
        key: Key,
        ttl: Duration,
        load: Load<'_>,
        generation: Generation,
        lead: Lead<'_>,
    ) -> Result<Bytes, Failure> {
        self.store.metrics.loads.increment(1);
        let began = self.clock.now();
        let outcome = load.await;
        if let Ok(value) = &outcome
            && self.store.has_room
            && self.store.generations.of(key.tags()) == generation
        {
            // A copy, since the value may be a small part of a large buffer.
            let value = Bytes::copy_from_slice(value);
            let kept = Kept { value, generation, began, expires: began.after(ttl) };
            self.store.values.insert(key, kept).await;
            // At once, not some insertions later: large values would be far over the size until then.
            self.store.values.run_pending_tasks().await;
        }
        lead.finish(outcome.clone());
        outcome
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get_or_load(&self, key: Key, ttl: Duration, load: Load<'_>) -> Result<Bytes, Failure> {
        let generation = self.store.generations.of(key.tags());
        if let Some(value) = self.kept(&key, generation).await {
            self.store.metrics.hits.increment(1);
            return Ok(value);
        }
        self.store.metrics.misses.increment(1);
        loop {
            let generation = self.store.generations.of(key.tags());
            match self.store.loads.join(&key, generation) {
                Turn::Wait(running) => {
                    if let Some(outcome) = running.outcome().await {
                        return outcome;
                    }
                }
                Turn::Lead(lead) => {
                    // A load that this one could have joined may have ended in between.
                    if let Some(value) = self.kept(&key, generation).await {
                        lead.finish(Ok(value.clone()));
                        return Ok(value);
                    }
                    return self.load(key, ttl, load, generation, lead).await;
                }
            }
        }
    }

    async fn invalidate(&self, tags: &[Tag]) -> Result<(), Failure> {
        self.store.generations.invalidate(tags);
        Ok(())
    }

    async fn clear(&self) -> Result<(), Failure> {
        self.store.generations.invalidate_all();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::domain::Timestamp;
    use crate::problem::NotFound;
    use crate::testkit::SettableClock;
    use crate::testkit::cache_contract::Subject;

    const MINUTE: Duration = Duration::from_secs(60);

    async fn fresh() -> Subject {
        let clock = SettableClock::default();
        Subject { cache: Arc::new(of_size(1_000_000, &clock)), clock }
    }

    fn of_size(size: u64, clock: &SettableClock) -> MemoryCache {
        MemoryCache::new(size, Arc::new(clock.clone()))
    }

    crate::cache_contract!(fresh);

    /// Gets a value of so many bytes; whether it had to be loaded.
    async fn had_to_load(cache: &MemoryCache, name: &str, length: usize) -> bool {
        let mut loaded = false;
        let load = Box::pin(async {
            loaded = true;
            Ok(Bytes::from(vec![0; length]))
        });
        cache.get_or_load(Key::new(name), MINUTE, load).await.unwrap();
        loaded
    }

    #[tokio::test]
    async fn it_never_keeps_more_than_its_size() {
        let cache = of_size(100_000, &SettableClock::default());
        for number in 0..200 {
            had_to_load(&cache, &format!("key.{number}"), 10_000).await;
            assert!(cache.store.values.weighted_size() <= 100_000, "after {number}");
        }
        assert_eq!(cache.store.values.iter().count(), 9);
        assert!(!had_to_load(&cache, "key.199", 10_000).await, "the latest are kept");
        assert!(had_to_load(&cache, "key.0", 10_000).await);
    }

    #[tokio::test]
    async fn small_values_count_for_more_than_their_bytes() {
        let cache = of_size(100_000, &SettableClock::default());
        for number in 0..1_000 {
            had_to_load(&cache, &format!("key.{number}"), 1).await;
        }
        assert!(cache.store.values.iter().count() < 100_000 / OVERHEAD);
    }

    #[tokio::test]
    async fn what_is_larger_than_the_cache_is_not_kept() {
        for size in [0, 1_000] {
            let cache = of_size(size, &SettableClock::default());
            assert!(had_to_load(&cache, "key", 2_000).await);
            assert!(had_to_load(&cache, "key", 2_000).await);
            assert_eq!(cache.store.values.weighted_size(), 0);
        }
    }

    #[tokio::test]
    async fn a_value_that_grew_counts_for_what_it_is_now() {
        let clock = SettableClock::default();
        let cache = of_size(100_000, &clock);
        for length in [10, 90_000, 200_000] {
            assert!(had_to_load(&cache, "key", length).await);
            had_to_load(&cache, "other", 50_000).await;
            assert!(cache.store.values.weighted_size() <= 100_000);
            clock.advance(MINUTE);
        }
    }

    #[tokio::test]
    async fn a_value_from_the_future_is_loaded_anew() {
        let clock = SettableClock::default();
        let cache = of_size(100_000, &clock);
        had_to_load(&cache, "key", 1).await;
        clock.set(Timestamp::from_micros(clock.now().as_micros() - 1));
        assert!(had_to_load(&cache, "key", 1).await);
    }

    #[tokio::test]
    async fn those_who_wait_for_a_load_that_fails_are_told_so() {
        let cache = of_size(100_000, &SettableClock::default());
        let begun = AtomicUsize::new(0);
        let failing = || {
            let load = Box::pin(async {
                begun.fetch_add(1, Ordering::SeqCst);
                // Once round the scheduler: by then the others wait.
                tokio::task::yield_now().await;
                Err(NotFound.into())
            });
            cache.get_or_load(Key::new("key"), MINUTE, load)
        };
        let (first, second, third) = tokio::join!(failing(), failing(), failing());
        for answer in [first, second, third] {
            assert!(answer.unwrap_err().downcast_ref::<NotFound>().is_some());
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        failing().await.unwrap_err();
        assert_eq!(begun.load(Ordering::SeqCst), 2, "who comes after loads anew");
    }

    #[tokio::test]
    async fn hits_misses_and_loads_are_counted() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let _collecting = metrics::set_default_local_recorder(&recorder);
        let cache = of_size(100_000, &SettableClock::default());
        let slow = || {
            let load = Box::pin(async {
                // Once round the scheduler: by then the other one waits.
                tokio::task::yield_now().await;
                Ok(Bytes::from("value"))
            });
            cache.get_or_load(Key::new("key"), MINUTE, load)
        };
        let (one, other) = tokio::join!(slow(), slow());
        assert_eq!(one.unwrap(), other.unwrap());
        for _ in 0..3 {
            slow().await.unwrap();
        }
        let text = recorder.handle().render();
        for line in [
            "servertree_cache_hits_total 3",
            "servertree_cache_misses_total 2",
            "servertree_cache_loads_total 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in {text}");
        }
    }

    #[tokio::test]
    async fn nothing_is_left_of_loads_that_ended() {
        let cache = of_size(100_000, &SettableClock::default());
        had_to_load(&cache, "key", 1).await;
        cache
            .get_or_load(Key::new("other"), MINUTE, Box::pin(async { Err(NotFound.into()) }))
            .await
            .unwrap_err();
        let given_up = cache.get_or_load(Key::new("third"), MINUTE, Box::pin(std::future::pending()));
        assert!(futures_util::FutureExt::now_or_never(given_up).is_none());
        assert!(cache.store.loads.is_empty());
    }

    /// Many threads ask and invalidate at once: nobody gets a value from before an invalidation that they waited for.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn whoever_changed_the_source_sees_the_change() {
        let cache = Arc::new(of_size(100_000, &SettableClock::default()));
        let source = Arc::new(AtomicUsize::new(0));
        let tasks = (0..8).map(|_| {
            let (cache, source) = (Arc::clone(&cache), Arc::clone(&source));
            tokio::spawn(async move {
                for _ in 0..2_000 {
                    let mine = source.fetch_add(1, Ordering::SeqCst) + 1;
                    cache.invalidate(&["source".into()]).await.unwrap();
                    let load = Box::pin(async {
                        let read = source.load(Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        Ok(Bytes::from(read.to_string()))
                    });
                    let key = Key::new("key").tagged("source");
                    let seen = cache.get_or_load(key, MINUTE, load).await.unwrap();
                    let seen: usize = std::str::from_utf8(&seen).unwrap().parse().unwrap();
                    assert!(seen >= mine, "{seen} was before {mine}");
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }
}
