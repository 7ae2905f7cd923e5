//! What became of events by their names: whether somebody at the broker was bound for them.
//!
//! Nobody being bound is no fault: an event that nobody wants to hear of is told to nobody. But where somebody was bound a moment ago, a
//! queue, a binding or an exchange may have been deleted, and whoever it belongs to declares it again within seconds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::fault::NotTaken;
use super::metrics;

/// How long events wait for somebody who was bound for them: consumers look at what they are bound to every five seconds.
const BOUND_AGAIN_WITHIN: Duration = Duration::from_secs(20);

/// How long all others have to wait when an exchange was deleted: a little longer than consumers take to look.
const ALL_BOUND_AGAIN_WITHIN: Duration = Duration::from_secs(7);

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
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    of: HashMap<String, Route>,
    /// When an exchange was found to be gone, last.
    disturbed: Option<Instant>,
}

impl Routes {
    pub fn new(hold_unroutable: bool) -> Self {
        Self { hold_unroutable, known: Mutex::default() }
    }

    /// An exchange was gone, and all bindings to it.
    pub fn disturbed(&self, now: Instant) {
        tracing::warn!(
            "an exchange was deleted: it is declared again, and whoever was bound to it has time to bind again"
        );
        self.known().disturbed = Some(now);
    }

    /// Until everybody who was bound had time to bind again, nothing is published: the first to be back would hear what others miss.
    pub fn require_calm(&self, now: Instant) -> Result<(), NotTaken> {
        match self.known().disturbed.filter(|disturbed| now < *disturbed + ALL_BOUND_AGAIN_WITHIN) {
            Some(_) => Err(NotTaken::away("an exchange was deleted, and consumers are to bind again")),
            None => Ok(()),
        }
    }

    /// Somebody was bound for an event.
    pub fn bound(&self, event: &str) {
        let before = self.note(event, |_, _| Route::Bound).0;
        if before.is_some_and(|before| before != Route::Bound) {
            tracing::info!(event, "somebody is bound for these events again");
        }
    }

    /// Nobody was: whether the event is to wait.
    pub fn unbound(&self, event: &str, now: Instant) -> bool {
        let (before, after) = self.note(event, |before, disturbed| match before {
            None if disturbed.is_some_and(|disturbed| now < disturbed + BOUND_AGAIN_WITHIN) => {
                Route::Missed(now + BOUND_AGAIN_WITHIN)
            }
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
    fn note(
        &self,
        event: &str,
        now: impl FnOnce(Option<Route>, Option<Instant>) -> Route,
    ) -> (Option<Route>, Route) {
        let mut known = self.known();
        let before = known.of.get(event).copied();
        let now = now(before, known.disturbed);
        if before != Some(now) {
            known.of.insert(event.to_owned(), now);
        }
        (before, now)
    }

    /// Never held over an await.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn an_exchange_that_was_deleted_is_given_time() {
        let (routes, begin) = (Routes::new(false), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert!(routes.require_calm(begin).is_ok());
        routes.disturbed(begin);
        assert!(routes.require_calm(after(6)).is_err());
        assert!(routes.require_calm(after(7)).is_ok());
        assert!(routes.unbound("server.registered", after(8)), "somebody may have been bound");
        assert!(!routes.unbound("server.registered", after(28)));
        assert!(!routes.unbound("server.discarded", after(28)));
    }

    #[test]
    fn those_that_are_to_be_held_wait_for_ever() {
        let (routes, begin) = (Routes::new(true), Instant::now());
        for seconds in [0, 20, 40] {
            assert!(routes.unbound("server.registered", begin + Duration::from_secs(seconds)));
        }
    }
}
