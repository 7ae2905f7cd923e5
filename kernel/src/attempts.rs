//! Attempts: what somebody else got in the way of, or what came before what it needs, is tried again, for a short while.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use metrics::Counter;
use tokio::time::Instant;

use crate::uow::BrokenOff;

/// Attempts in all, where others are at the same rows.
const MOST: usize = 5;

/// Attempts in all, where something may be on its way: over a second, in which events arrive.
const MOST_WHEN_EARLY: usize = 8;

/// Before the second attempt, doubled before each that follows, and up to as much again at random: those who got in each
/// other's way do not meet again.
const FIRST_WAIT: Duration = Duration::from_millis(5);

/// The attempts at one thing, the first of which is under way.
pub(crate) struct Attempts {
    since: Instant,
    within: Duration,
    when_contended: ExponentialBackoff,
    when_early: Patience,
    /// Counts those beyond the first.
    retries: Counter,
}

/// Patience with what may be on its way: another context told of it a moment ago, and the event has not arrived yet.
pub struct Patience(ExponentialBackoff);

impl Patience {
    /// For about a second.
    pub fn new() -> Self {
        Self(waits(MOST_WHEN_EARLY))
    }

    /// Waits before somebody looks again; answers false if they should give up.
    pub async fn wait(&mut self) -> bool {
        self.wait_within(Duration::MAX).await
    }

    async fn wait_within(&mut self, left: Duration) -> bool {
        wait(&mut self.0, left, "what is missing may be on its way").await
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self::new()
    }
}

impl Attempts {
    /// Those that begin within this time.
    pub(crate) fn within(within: Duration, retries: Counter) -> Self {
        let (when_contended, when_early) = (waits(MOST), Patience::new());
        Self { since: Instant::now(), within, when_contended, when_early, retries }
    }

    /// Waits for the next one, if it may turn out better than this one did; answers false if there is to be none.
    pub(crate) async fn another_after(&mut self, broken_off: &BrokenOff) -> bool {
        let another = if broken_off.contended {
            self.another().await
        } else {
            broken_off.may_be_early() && self.when_early.wait_within(self.left()).await
        };
        self.retries.increment(another.into());
        another
    }

    /// Waits for the next one, when somebody got in the way.
    pub(crate) async fn another(&mut self) -> bool {
        let left = self.left();
        wait(&mut self.when_contended, left, "somebody else was at the same rows").await
    }

    fn left(&self) -> Duration {
        self.within.saturating_sub(self.since.elapsed())
    }
}

async fn wait(waits: &mut ExponentialBackoff, left: Duration, why: &str) -> bool {
    let Some(wait) = waits.next().filter(|wait| *wait < left) else { return false };
    tracing::debug!(?wait, "{why}: once more");
    tokio::time::sleep(wait).await;
    true
}

fn waits(attempts: usize) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_WAIT)
        .with_factor(2.0)
        .with_jitter()
        .with_max_times(attempts - 1)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn count(within: Duration) -> usize {
        let mut attempts = Attempts::within(within, Counter::noop());
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
