//! What became of events by their names: whether somebody at the broker was bound for them.
//!
//! Nobody being bound is no fault: an event that nobody wants to hear of is told to nobody. But where somebody was bound a moment ago, a
//! queue, a binding or an exchange may have been deleted, and whoever it belongs to declares it again within seconds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::metrics;

/// How long events wait for somebody who was bound for them: consumers look at what they are bound to every five seconds.
const BOUND_AGAIN_WITHIN: Duration = Duration::from_secs(20);

/// What is known of the events of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    Bound,
    /// Nobody is, any more: they wait until then.
    Missed(Instant),
    Unbound,
}

/// What is known of all of them.
pub struct Routes {
    hold_unroutable: bool,
    of: Mutex<HashMap<String, Route>>,
}

impl Routes {
    pub fn new(hold_unroutable: bool) -> Self {
        Self { hold_unroutable, of: Mutex::default() }
    }

    /// Somebody was bound for an event.
    pub fn bound(&self, event: &str) {
        let before = self.note(event, |_| Route::Bound).0;
        if before.is_some_and(|before| before != Route::Bound) {
            tracing::info!(event, "somebody is bound for these events again");
        }
    }

    /// Nobody was: whether the event is to wait.
    pub fn unbound(&self, event: &str, now: Instant) -> bool {
        let (before, after) = self.note(event, |before| match before {
            Some(Route::Bound) => Route::Missed(now + BOUND_AGAIN_WITHIN),
            Some(Route::Missed(until)) if now < until => Route::Missed(until),
            _ => Route::Unbound,
        });
        let waits = self.hold_unroutable || matches!(after, Route::Missed(_));
        if before != Some(after) {
            match waits {
                true => tracing::warn!(
                    event,
                    "nobody is bound for these events: they wait, and others behind them"
                ),
                false => tracing::warn!(event, "nobody is bound for these events: nobody hears of them"),
            }
        }
        if !waits {
            metrics::unroutable(event);
        }
        waits
    }

    /// What it was before, and what it is now.
    fn note(&self, event: &str, now: impl FnOnce(Option<Route>) -> Route) -> (Option<Route>, Route) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let before = of.get(event).copied();
        let now = now(before);
        if before != Some(now) {
            of.insert(event.to_owned(), now);
        }
        (before, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_bound_is_waited_for() {
        let (routes, begin) = (Routes::new(false), Instant::now());
        let unbound_after = |seconds, event| routes.unbound(event, begin + Duration::from_secs(seconds));
        assert!(!unbound_after(0, "server.registered"), "nobody ever was");
        routes.bound("server.registered");
        assert!(unbound_after(0, "server.registered"));
        assert!(unbound_after(19, "server.registered"));
        assert!(!unbound_after(19, "server.discarded"));
        assert!(!unbound_after(20, "server.registered"), "they did not come back");
        routes.bound("server.registered");
        assert!(unbound_after(20, "server.registered"));
    }

    #[test]
    fn those_that_are_to_be_held_wait_for_ever() {
        let (routes, begin) = (Routes::new(true), Instant::now());
        for seconds in [0, 20, 40] {
            assert!(routes.unbound("server.registered", begin + Duration::from_secs(seconds)));
        }
    }
}
