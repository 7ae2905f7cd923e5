//! Which invalidations a value has seen.
//!
//! Invalidations are numbered. The generation of some tags is the number of the last invalidation of any of them. A load
//! notes it before it begins: as long as the generation is still the same, none of the tags was invalidated since. And
//! when it is not, there is no need to find out what has these tags: nobody takes a value of another generation.

use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use super::Tag;

/// How many numbers are kept, whatever the number of tags: tags that share one are invalidated together. 128 KiB.
const SLOTS: usize = 16_384;

/// The number of an invalidation; 0 before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Generation(u64);

impl Generation {
    /// One of what somebody else knows, too.
    #[cfg(feature = "redis")]
    pub fn with(self, other: u64) -> Self {
        Self(self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ other)
    }
}

/// The generations of all tags.
///
/// An invalidation takes its number before it writes it anywhere. So whoever reads a generation n begins after all
/// invalidations up to n were asked for, and sees what they were about, even those whose number n has covered.
pub struct Generations {
    last: AtomicU64,
    of_all: AtomicU64,
    of_tags: Box<[AtomicU64]>,
}

impl Generations {
    pub fn new() -> Self {
        let of_tags = (0..SLOTS).map(|_| AtomicU64::new(0)).collect();
        Self { last: AtomicU64::new(0), of_all: AtomicU64::new(0), of_tags }
    }

    /// The generation that a load with these tags is of, if it begins now.
    pub fn of<'t>(&self, tags: impl Iterator<Item = &'t Tag>) -> Generation {
        let of_all = self.of_all.load(Ordering::SeqCst);
        Generation(tags.map(|tag| self.slot(tag).load(Ordering::SeqCst)).fold(of_all, u64::max))
    }

    /// A new generation for whatever has one of the tags.
    pub fn invalidate(&self, tags: &[Tag]) {
        let number = self.next();
        for tag in tags {
            self.slot(tag).fetch_max(number, Ordering::SeqCst);
        }
    }

    /// A new generation for everything.
    pub fn invalidate_all(&self) {
        let number = self.next();
        self.of_all.fetch_max(number, Ordering::SeqCst);
    }

    fn next(&self) -> u64 {
        self.last.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn slot(&self, tag: &Tag) -> &AtomicU64 {
        let hash = xxh3_64(tag.as_str().as_bytes());
        &self.of_tags[(hash % SLOTS as u64) as usize]
    }
}
