//! Attempts: what somebody else got in the way of is tried again, for a short while.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

/// Attempts in all.
const MOST: usize = 5;

/// Before the second attempt, doubled before each that follows, and up to as much again at random: those who got in each
/// other's way do not meet again.
const FIRST_WAIT: Duration = Duration::from_millis(5);

/// The attempts at one thing, the first of which is under way.
pub(crate) struct Attempts {
    since: Instant,
    within: Duration,
    waits: ExponentialBackoff,
}

impl Attempts {
    /// Those that begin within this time.
    pub(crate) fn within(within: Duration) -> Self {
        let waits = ExponentialBuilder::new()
            .with_min_delay(FIRST_WAIT)
            .with_factor(2.0)
            .with_jitter()
            .with_max_times(MOST - 1)
            .build();
        Self { since: Instant::now(), within, waits }
    }

    /// Waits for the next one; answers false if there is to be none.
    pub(crate) async fn another(&mut self) -> bool {
        let Some(wait) = self.waits.next() else { return false };
        if self.since.elapsed() + wait >= self.within {
            return false;
        }
        tracing::debug!(?wait, "somebody else was at the same rows: once more");
        tokio::time::sleep(wait).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn count(within: Duration) -> usize {
        let mut attempts = Attempts::within(within);
        let mut count = 1;
        while attempts.another().await {
            count += 1;
        }
        count
    }

    #[tokio::test]
    async fn they_are_few_and_in_time() {
        assert_eq!(count(Duration::from_mins(1)).await, MOST);
        assert!(count(FIRST_WAIT * 3).await < MOST);
        assert_eq!(count(FIRST_WAIT).await, 1);
    }
}
