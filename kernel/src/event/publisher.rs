//! Publishing: all events that happened here are told to other services, by way of a broker. To the relay that is one more subscriber.

use async_trait::async_trait;
use uuid::Uuid;

use super::Envelope;
use crate::problem::Failure;

/// The name of the subscriber, under which its deliveries are kept. It starts with what happens once there is a broker: of what happened
/// before it is told when somebody asks for that.
pub const PUBLISHER: &str = "bus.publisher";

/// How many events are handed over at a time: a broker confirms many of them together.
pub(super) const PUBLISHED_TOGETHER: usize = 500;

/// Tells others of events.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Waits until it can: nothing is claimed, and no attempt counted, before that.
    async fn ready(&self);

    /// Hands over events, those of an aggregate in the order in which they are here; answers which of them are safe on the other side.
    /// Of an aggregate those are the first ones. The others come again. A failure: none is, as far as anybody knows.
    async fn publish(&self, events: &[Envelope]) -> Result<Vec<Uuid>, Failure>;
}
