//! The names of the kernel's tables and columns.

use sea_query::{Expr, ExprTrait, Iden, IntoColumnRef};

#[derive(Iden, Clone, Copy)]
pub(super) enum EventLog {
    Table,
    Id,
    Source,
    Type,
    Subject,
    Revision,
    Sequence,
    SchemaVersion,
    Time,
    Actor,
    RequestId,
    Traceparent,
    Data,
    DispatchedAt,
    ReceivedAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum EventDeliveries {
    Table,
    Subscriber,
    EventId,
    Subject,
    Revision,
    Sequence,
    State,
    Attempts,
    NextAttemptAt,
    LastError,
    SettledAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum EventLeases {
    Table,
    Subscriber,
    Holder,
    LeasedUntil,
    Fence,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum EventDiscards {
    Table,
    EventId,
    Subscriber,
    DiscardedAt,
    Actor,
    Reason,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum EventInbox {
    Table,
    Subscriber,
    EventId,
    TakenAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum EventSubscribers {
    Table,
    Name,
    Events,
    RegisteredAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum EventFormerSubscriptions {
    Table,
    Subscriber,
    Events,
    TakenUntil,
}

/// A column, but nothing to look rows up by: the value is computed. SQLite, which counts no rows, takes an index over what is still
/// to be done for a short way, though all that is to be done be in it.
pub(super) fn not_indexed(column: impl IntoColumnRef) -> Expr {
    Expr::col(column).add(0)
}

/// The state of a delivery, as the table names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DeliveryState {
    /// Not tried yet.
    Pending,
    /// Taken.
    Delivered,
    /// Tried, and to be tried again.
    Failed,
    /// Given up by the relay: somebody has to look at it.
    Dead,
    /// Given up by somebody.
    Discarded,
}

impl DeliveryState {
    /// The names of all of them.
    pub(super) const NAMES: &'static [&'static str] =
        &["pending", "delivered", "failed", "dead", "discarded"];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }
}

impl From<DeliveryState> for sea_query::Value {
    fn from(state: DeliveryState) -> Self {
        state.as_str().into()
    }
}
