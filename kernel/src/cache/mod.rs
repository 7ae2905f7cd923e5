//! The cache: what was read is kept for a while, and forgotten when it may no longer be true.
//!
//! A value is loaded by whoever asks for it first; all who ask meanwhile wait for that load. It is found by its [`Key`],
//! kept for a time to live, and forgotten with any of its [`Tag`]s. Forgetting counts for the loads that run, too: what
//! one began to read before is not kept, and nobody who asks after gets it. So a change that is committed, then
//! invalidated, is seen by all who ask from then on.
//!
//! Values are bytes, because an adapter may keep them outside of the process; `get_or_load_json` makes more of them.

mod generations;
mod json;
mod key;
mod loads;
mod memory;
mod metrics;
#[cfg(feature = "redis")]
mod redis;
mod settings;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use shaku::Interface;

pub use key::{Key, Tag};
pub use memory::{MemoryCache, MemoryCacheParameters, Store};
#[cfg(feature = "redis")]
pub use redis::{CacheError, RedisCache};
pub use settings::Settings;

use crate::problem::Failure;

/// Reads what the cache does not have. Not polled when it has it, or somebody else is at it. It must not ask for its own
/// key: it would wait for itself.
pub type Load<'a> = BoxFuture<'a, Result<Bytes, Failure>>;

/// Keeps values that can be had again. Whatever it keeps it may also forget at any time.
#[async_trait]
pub trait Cache: Interface {
    /// The value of the key: the one that is kept, if it is not older than its `ttl`; else the one that `load` gives.
    ///
    /// In one process, a key is loaded by one caller at a time, but for loads that an invalidation made worthless; the
    /// others wait, and get the same value or the same failure. A failure is not kept: the next caller loads anew. When
    /// a load ends without either, because its caller went away or it panicked, one of those who wait takes over with
    /// its own.
    ///
    /// Its age counts from when its load began. A cache that cannot be reached is no failure: `load` is used.
    async fn get_or_load(&self, key: Key, ttl: Duration, load: Load<'_>) -> Result<Bytes, Failure>;

    /// Forgets what has one of these tags. After it, nobody who asks gets a value whose load began before;
    /// those who had asked already may.
    ///
    /// A failure leaves open what was forgotten: do it again.
    async fn invalidate(&self, tags: &[Tag]) -> Result<(), Failure>;

    /// Forgets everything, as [`Self::invalidate`] does: for whoever cannot know what changed.
    async fn clear(&self) -> Result<(), Failure>;
}
