//! A budget for each slot: so much at once, then so much in time.
//!
//! This is the generic cell rate algorithm (ITU-T I.371, annex A; as virtual scheduling): all there is to know is when the
//! budget will be full again, one number, so it needs no lock and nothing that refills it.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use servertree_kernel::domain::Timestamp;

/// How many slots a budget has: 512 KiB of them.
pub const SLOTS: usize = 65_536;

/// How far from the rest times may be told, in microseconds: threads tell it a little apart, and clocks are set back a little.
/// A slot that is further ahead than that was filled by a clock which has been set back since.
const SET_BACK: i64 = 300_000_000;

/// Where the budget of a key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot(pub usize);

/// Times in microseconds.
pub struct Budget {
    /// When each will be full again: the theoretical arrival time. In the past, it is full, as all are since 1970.
    full_at: Box<[AtomicI64]>,
    /// In what time one comes back.
    interval: i64,
    /// In what time an empty one is full.
    whole: i64,
    hasher: RandomState,
}

impl Budget {
    /// So many at once, and then one in each interval.
    pub fn new(at_once: u32, interval: Duration) -> Self {
        let interval = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
        Self {
            full_at: (0..SLOTS).map(|_| AtomicI64::new(0)).collect(),
            interval,
            whole: interval.saturating_mul(i64::from(at_once)),
            hasher: RandomState::new(),
        }
    }

    /// The slot of a key.
    pub fn slot(&self, key: impl Hash) -> Slot {
        Slot(self.hasher.hash_one(key) as usize % SLOTS)
    }

    /// Takes one, or says how long until there is one to take.
    pub fn take(&self, slot: Slot, now: Timestamp) -> Result<(), Duration> {
        let now = now.as_micros();
        let full_at = &self.full_at[slot.0];
        let mut found = full_at.load(Ordering::Relaxed);
        loop {
            let trusted = self.trusted(found, now);
            let wait = self.wait_until(trusted, now);
            let is_left = wait.is_zero();
            // Kept even if nothing is taken: else what is too far ahead would be so until the clock gets there.
            let next = if is_left { trusted.max(now).saturating_add(self.interval) } else { trusted };
            match full_at.compare_exchange_weak(found, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) if is_left => return Ok(()),
                Ok(_) => return Err(wait),
                Err(other) => found = other,
            }
        }
    }

    /// How long until there is one to take. Takes none.
    pub fn wait(&self, slot: Slot, now: Timestamp) -> Duration {
        let now = now.as_micros();
        self.wait_until(self.trusted(self.full_at[slot.0].load(Ordering::Relaxed), now), now)
    }

    /// Gives back one that was taken. A full one does not become fuller.
    pub fn give_back(&self, slot: Slot) {
        self.full_at[slot.0].fetch_sub(self.interval, Ordering::Relaxed);
    }

    /// There is one to take when all but one are missing.
    fn wait_until(&self, full_at: i64, now: i64) -> Duration {
        let one_at = full_at.saturating_sub(self.whole - self.interval);
        Duration::from_micros(u64::try_from(one_at.saturating_sub(now)).unwrap_or(0))
    }

    /// What is as far ahead as only a clock that was set back can make it counts as used up just now.
    fn trusted(&self, full_at: i64, now: i64) -> i64 {
        let used_up = now.saturating_add(self.whole);
        if full_at > used_up.saturating_add(SET_BACK) { used_up } else { full_at }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;
    const START: i64 = 1_769_853_600 * SECOND;
    const SLOT: Slot = Slot(7);

    fn budget() -> Budget {
        Budget::new(10, Duration::from_secs(60))
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(START + micros)
    }

    /// How many there are to take at once.
    fn left(budget: &Budget, now: Timestamp) -> usize {
        (0..1_000).take_while(|_| budget.take(SLOT, now).is_ok()).count()
    }

    #[test]
    fn it_is_exact_at_the_borders() {
        let budget = budget();
        assert_eq!(left(&budget, at(0)), 10);
        assert_eq!(budget.take(SLOT, at(0)), Err(Duration::from_secs(60)));
        assert_eq!(budget.take(SLOT, at(60 * SECOND - 1)), Err(Duration::from_micros(1)));
        assert_eq!(budget.wait(SLOT, at(60 * SECOND)), Duration::ZERO);
        assert_eq!(left(&budget, at(60 * SECOND)), 1);
        assert_eq!(left(&budget, at(599 * SECOND)), 8);
        assert_eq!(left(&budget, at(599 * SECOND + 600 * SECOND)), 10);
        assert_eq!(left(&budget, at(1_000_000 * SECOND)), 10, "it never has more than at first");
        assert_eq!(budget.wait(Slot(8), at(0)), Duration::ZERO, "other slots are apart");
    }

    #[test]
    fn what_is_given_back_can_be_taken_once() {
        let budget = budget();
        budget.take(SLOT, at(0)).unwrap();
        budget.give_back(SLOT);
        assert_eq!(left(&budget, at(0)), 10);
        budget.give_back(SLOT);
        budget.give_back(SLOT);
        assert_eq!(left(&budget, at(0)), 2);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_anybody_out_for_long() {
        for back in [1, 60, 299, 301, 3_600, 31_536_000] {
            let budget = budget();
            assert_eq!(left(&budget, at(0)), 10);
            let now = -back * SECOND;
            let wait = budget.take(SLOT, at(now)).unwrap_err();
            assert!(wait <= Duration::from_secs(360), "{back}: {wait:?}");
            let later = now + i64::try_from(wait.as_micros()).unwrap();
            assert!(budget.take(SLOT, at(later - 1)).is_err(), "{back}");
            assert!(budget.take(SLOT, at(later)).is_ok(), "{back}");
        }
    }

    #[test]
    fn asking_with_an_old_time_gains_nothing() {
        let budget = Budget::new(30, Duration::from_secs(2));
        assert_eq!(left(&budget, at(0)), 30);
        for old in 0..300 {
            assert!(budget.take(SLOT, at(-old * SECOND)).is_err());
        }
        assert_eq!(budget.wait(SLOT, at(0)), Duration::from_secs(2));
    }

    #[test]
    fn times_at_the_end_of_the_world_do_not_overflow() {
        let budget = budget();
        for micros in [i64::MIN, -1, 0, i64::MAX, 0, i64::MIN] {
            let now = Timestamp::from_micros(micros);
            let _ = budget.take(SLOT, now);
            assert!(budget.wait(SLOT, now) <= Duration::from_secs(360), "{micros}");
        }
    }

    #[test]
    fn threads_never_take_more_than_there_is() {
        let budget = budget();
        for minute in 0..20 {
            let now = at(minute * 600 * SECOND);
            let taken = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| taken.fetch_add(left(&budget, now), Ordering::SeqCst));
                }
            });
            assert_eq!(taken.into_inner(), 10, "{minute}");
        }
    }

    /// What the algorithm stands for: a bucket that is refilled bit by bit. What one takes is made of `interval` parts, and
    /// one part comes back in each microsecond.
    struct Bucket {
        parts: i64,
        at: i64,
    }

    impl Bucket {
        const INTERVAL: i64 = 60 * SECOND;
        const WHOLE: i64 = 10 * Self::INTERVAL;

        fn take(&mut self, now: i64) -> Result<(), Duration> {
            self.parts = (self.parts + now - self.at).min(Self::WHOLE);
            self.at = now;
            let missing = u64::try_from(Self::INTERVAL - self.parts).unwrap_or(0);
            if missing > 0 {
                return Err(Duration::from_micros(missing));
            }
            self.parts -= Self::INTERVAL;
            Ok(())
        }

        fn give_back(&mut self, now: i64) {
            self.parts = (self.parts + now - self.at + Self::INTERVAL).min(Self::WHOLE);
            self.at = now;
        }
    }

    proptest! {
        #[test]
        fn it_does_what_a_bucket_does(
            steps in prop::collection::vec((0..4_u8, prop_oneof![Just(0), 0..90 * SECOND, Just(60 * SECOND)]), 0..200)
        ) {
            let (budget, mut bucket) = (budget(), Bucket { parts: Bucket::WHOLE, at: 0 });
            let (mut now, mut taken) = (0, 0);
            for (kind, pause) in steps {
                now += pause;
                if kind > 0 {
                    let outcome = budget.take(SLOT, at(now));
                    prop_assert_eq!(outcome, bucket.take(now));
                    taken += usize::from(outcome.is_ok());
                } else if taken > 0 {
                    budget.give_back(SLOT);
                    bucket.give_back(now);
                    taken -= 1;
                }
            }
        }
    }
}
