//! What the broker said of each event of a round.
//!
//! lapin gives a message that was returned, since nobody is bound for it, to whichever confirmation comes next, which may be that of
//! another one: what was returned is told by the id in the message itself.

use std::collections::HashSet;

use lapin::Confirmation;
use servertree_kernel::event::Envelope;
use uuid::Uuid;

/// What was said so far.
pub struct Confirms<'r> {
    round: &'r [&'r Envelope],
    /// The places in the round of those that the broker has.
    acknowledged: HashSet<usize>,
    /// The ids of those that came back.
    returned: HashSet<String>,
}

/// An event that the broker has dealt with.
pub struct Settled<'r> {
    pub id: Uuid,
    pub name: &'r str,
    /// Nobody is bound for it.
    pub was_returned: bool,
}

impl<'r> Confirms<'r> {
    pub fn of(round: &'r [&'r Envelope]) -> Self {
        Self { round, acknowledged: HashSet::new(), returned: HashSet::new() }
    }

    /// What was said of the event at this place. A queue that is full, or failed, makes the broker refuse it: then it comes again.
    pub fn note(&mut self, place: usize, confirmation: Confirmation) {
        if matches!(confirmation, Confirmation::Ack(_)) {
            self.acknowledged.insert(place);
        }
        if let Some(message) = confirmation.take_message() {
            let id = message.delivery.properties.message_id().as_ref().map(ToString::to_string);
            self.returned.extend(id);
        }
    }

    /// The events that were dealt with. Before all is said it is not known which of them came back, where some did.
    pub fn settled(&self, all_is_said: bool) -> Vec<Settled<'r>> {
        if !all_is_said && !self.returned.is_empty() {
            return Vec::new();
        }
        let places = self.round.iter().enumerate();
        let acknowledged = places.filter(|(place, _)| self.acknowledged.contains(place));
        let settled = acknowledged.map(|(_, event)| Settled {
            id: event.id,
            name: &event.event_type,
            was_returned: self.returned.contains(&event.id.to_string()),
        });
        settled.collect()
    }
}
