//! The metrics of a cache, whatever it is kept in.

use metrics::{Counter, counter};

use crate::metrics::{CACHE_HITS, CACHE_LOADS, CACHE_MISSES};

/// What an adapter counts: each value that is asked for is a hit or a miss; a miss ends in a load, or shares one.
pub(super) struct CacheMetrics {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
    pub(super) loads: Counter,
}

impl CacheMetrics {
    pub(super) fn new() -> Self {
        Self { hits: counter!(CACHE_HITS), misses: counter!(CACHE_MISSES), loads: counter!(CACHE_LOADS) }
    }
}
