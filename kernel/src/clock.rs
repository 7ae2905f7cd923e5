//! The clock and the source of ids: the two places where the outside world decides a value.

use std::time::SystemTime;

use shaku::{Component, Interface};
use uuid::Uuid;

use crate::domain::Timestamp;

/// Tells the time. Everything that depends on time takes it from here, so that tests can set it.
pub trait Clock: Interface {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Gives out ids. Everything that needs one takes it from here, so that tests can foresee it.
pub trait IdGenerator: Interface {
    /// A new UUIDv7: unique, and within this process greater than all before it.
    fn next(&self) -> Uuid;
}

/// The clock of the machine.
#[derive(Component)]
#[shaku(interface = Clock)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
    }
}

/// UUIDv7 from the machine's clock and random source.
#[derive(Component)]
#[shaku(interface = IdGenerator)]
pub struct UuidV7Generator;

impl IdGenerator for UuidV7Generator {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}
