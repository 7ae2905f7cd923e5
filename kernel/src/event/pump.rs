//! The loop that every part of the relay runs: work until there is none left, then sleep until woken.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

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
/// committed wakes nobody here. An error, or a panic, is logged, and tried again after `poll`.
pub(super) async fn pump(
    part: impl Step,
    mut wake: watch::Receiver<u64>,
    poll: Duration,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        wake.mark_unchanged();
        let step = AssertUnwindSafe(part.step(&stop)).catch_unwind().await;
        match step.unwrap_or_else(|_| Err(Internal("it panicked".to_owned()).into())) {
            Ok(0) => {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = wake.changed() => {}
                    () = tokio::time::sleep(poll) => {}
                }
            }
            Ok(_) => {}
            Err(failure) => {
                tracing::warn!(
                    part = part.name(),
                    error = failure.chain(),
                    "the relay stumbled and tries again"
                );
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(poll) => {}
                }
            }
        }
    }
}
