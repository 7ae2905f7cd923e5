//! How long to wait before something is tried again.

use std::time::Duration;

use uuid::Uuid;

/// The longest wait between two attempts at a delivery.
pub(super) const LONGEST: Duration = Duration::from_mins(10);

/// The longest pause of a part of the relay that something it needs is away for.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Before the attempt that follows this one: 1 s, doubled with each attempt, ten minutes at most; up to a fifth of it less, by the
/// random part of the event's id, so that what failed together does not come back together.
pub(super) fn wait(event: Uuid, attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt.clamp(1, 16) - 1).unwrap_or(0);
    let whole = LONGEST.min(Duration::from_secs(1 << doublings));
    let [.., random] = event.into_bytes();
    whole - whole * u32::from(random) / (5 * 256)
}

/// After so many failures in a row: 0.1 s, doubled with each, 5 s at most.
pub(super) fn pause(failures: u32) -> Duration {
    LONGEST_PAUSE.min(Duration::from_millis(100 << failures.clamp(1, 8).saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_ten_minutes() {
        let waits = |random| [1, 2, 3, 10, 11, 50].map(|attempt| wait(Uuid::from_u128(random), attempt));
        assert_eq!(waits(0).map(|wait| wait.as_secs()), [1, 2, 4, 512, 600, 600]);
        for (shorter, whole) in waits(255).iter().zip(waits(0)) {
            assert!(*shorter < whole && *shorter > whole * 4 / 5, "{shorter:?} {whole:?}");
        }
    }

    #[test]
    fn pauses_double_up_to_five_seconds() {
        assert_eq!(
            [0, 1, 2, 3, 7, 1_000].map(|failures| pause(failures).as_millis()),
            [100, 100, 200, 400, 5_000, 5_000]
        );
    }
}
