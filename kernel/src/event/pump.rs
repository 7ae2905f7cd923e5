//! The loop that every part of the relay runs: work until there is none left, then sleep until woken.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::backoff;
use crate::problem::{Failure, Internal};

/// Wakes all who wait for work. A wake-up that comes while they work is not lost.
#[derive(Clone)]
pub(crate) struct Wake(watch::Sender<u64>);

impl Wake {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(crate) fn wake(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn sleeper(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// A part of the relay.
pub(super) trait Step: Send + Sync {
    /// What the log calls it.
    fn name(&self) -> &str;

    /// Does some of the work there is; answers how much that was, 0 when there is none.
    fn step(&self, stop: &CancellationToken) -> impl Future<Output = Result<usize, Failure>> + Send;
}

/// Steps until there is nothing to do; then sleeps until woken, but never longer than `poll`: what another process
/// committed wakes nobody here. After an error, or a panic, it pauses, and tries again, for as long as it takes; it is logged
/// less and less often.
pub(super) async fn pump(
    part: impl Step,
    mut wake: watch::Receiver<u64>,
    poll: Duration,
    stop: CancellationToken,
) {
    let mut failures = 0;
    while !stop.is_cancelled() {
        wake.mark_unchanged();
        let step = AssertUnwindSafe(part.step(&stop)).catch_unwind().await;
        match step.unwrap_or_else(|_| Err(Internal("it panicked".to_owned()).into())) {
            Ok(done) => {
                if failures > 0 {
                    tracing::info!(part = part.name(), failures, "the relay goes on");
                    failures = 0;
                }
                if done == 0 {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = wake.changed() => {}
                        () = tokio::time::sleep(poll) => {}
                    }
                }
            }
            Err(failure) => {
                failures += 1;
                if u32::is_power_of_two(failures) {
                    let error = failure.chain();
                    tracing::warn!(part = part.name(), failures, error, "the relay stumbled and tries again");
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(backoff::pause(failures)) => {}
                }
            }
        }
    }
}
