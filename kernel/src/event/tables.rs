//! The names of the kernel's tables and columns.

use sea_query::Iden;

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

/// The state of a delivery, as the table names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DeliveryState {
    Pending,
    Delivered,
    Failed,
    Dead,
}

impl DeliveryState {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

impl From<DeliveryState> for sea_query::Value {
    fn from(state: DeliveryState) -> Self {
        state.as_str().into()
    }
}
