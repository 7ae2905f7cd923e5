//! A clock that stands until it is set, and ids that can be foreseen.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use shaku::Component;
use uuid::Uuid;

use crate::clock::{Clock, IdGenerator};
use crate::domain::Timestamp;

/// 2026-01-31T10:00:00Z.
const START: i64 = 1_769_853_600_000_000;

/// Stands at 2026-01-31T10:00:00Z until it is set. Clones are the same clock.
#[derive(Component, Clone)]
#[shaku(interface = Clock)]
pub struct SettableClock {
    /// Microseconds since 1970.
    #[shaku(default)]
    now: Arc<AtomicI64>,
}

impl Default for SettableClock {
    fn default() -> Self {
        Self { now: Arc::new(AtomicI64::new(START)) }
    }
}

impl SettableClock {
    /// Moves it on.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().after(duration));
    }

    /// Sets it, back if need be.
    pub fn set(&self, time: Timestamp) {
        self.now.store(time.as_micros(), Ordering::SeqCst);
    }
}

impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }
}

/// Counts, clones together: `01980000-0000-7000-8000-000000000001`, …2, …3.
#[derive(Component, Clone, Default)]
#[shaku(interface = IdGenerator)]
pub struct SequentialIds {
    /// How many it gave out.
    #[shaku(default)]
    count: Arc<AtomicU64>,
}

impl IdGenerator for SequentialIds {
    fn next(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + u128::from(count))
    }
}
