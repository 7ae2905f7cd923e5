//! The metrics of a cache, whatever it is kept in.

use metrics::{Counter, counter};

#[cfg(feature = "redis")]
use crate::metrics::{CACHE_CONNECTED, CACHE_FAILURES};
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

/// Whether there is a connection to where values are kept, which is outside of the process.
#[cfg(feature = "redis")]
pub(super) fn connected(is_connected: bool) {
    metrics::gauge!(CACHE_CONNECTED).set(f64::from(u8::from(is_connected)));
}

/// It did not do what it was asked to.
#[cfg(feature = "redis")]
pub(super) fn failed() {
    counter!(CACHE_FAILURES).increment(1);
}
