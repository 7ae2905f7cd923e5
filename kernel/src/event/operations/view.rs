//! Events as operators see them, and what they are read from.

use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::Envelope;
use super::super::due::HELD_BACK;
use super::super::log::EventRow;
use super::super::tables::{DeliveryState, EventDeliveries, EventDiscards};
use crate::criteria::{Field, ListView, Part};
use crate::domain::{Revision, Timestamp};

/// An event, as a CloudEvent of version 1.0, with its deliveries beside it.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// The version of CloudEvents.
    #[schema(example = "1.0")]
    pub specversion: String,
    /// Its own id.
    #[schema(example = "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11")]
    pub id: Uuid,
    /// Where it happened: `/servertree/<context>`.
    #[schema(example = "/servertree/server")]
    pub source: String,
    /// Its name.
    #[serde(rename = "type")]
    #[schema(example = "server.registered")]
    pub event_type: String,
    /// The id of what it happened to.
    #[schema(example = "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b10")]
    pub subject: Uuid,
    /// When it happened.
    pub time: Timestamp,
    /// What `data` is.
    #[schema(example = "application/json")]
    pub datacontenttype: String,
    /// The revision of the object that it led to.
    #[schema(value_type = u64, example = 3, minimum = 1)]
    pub revision: Revision,
    /// Its place among the events of one commit, from 0.
    #[schema(example = 0)]
    pub sequence: u32,
    /// The version of the fields in `data`: the newest one there is, also of an event that was written in an older one.
    #[schema(example = 1)]
    pub schemaversion: u16,
    /// Who did it: a username; `servertree` is the service itself.
    #[schema(example = "ada")]
    pub actor: String,
    /// The request it happened in.
    #[schema(example = "deploy-42")]
    pub requestid: String,
    /// The trace it is part of, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    pub traceparent: Option<String>,
    /// Its fields.
    #[schema(example = json!({"name": "web-1"}))]
    pub data: Value,
    /// What became of it, for each subscriber that takes it. Those that were settled long ago (`events.keep`) are gone.
    pub deliveries: Vec<DeliveryView>,
}

/// An event on its way to one subscriber.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// Who is to take it.
    #[schema(example = "audit.write_trail")]
    pub subscriber: String,
    /// `pending`: not tried yet; `failed`: tried, and to be tried again; `dead`: not tried any more, until somebody sees to it;
    /// `delivered`; `discarded`: given up by somebody.
    #[schema(example = "dead")]
    pub state: String,
    /// How often it was tried.
    #[schema(example = 10)]
    pub attempts: u32,
    /// When it is tried next; null: at once, or, where it waits for an earlier one or is dead or settled, not yet or not at all.
    #[schema(required)]
    pub next_attempt_at: Option<Timestamp>,
    /// What went wrong last.
    #[schema(required, example = "the mail server refused it")]
    pub last_error: Option<String>,
    /// When it was delivered or discarded.
    #[schema(required)]
    pub settled_at: Option<Timestamp>,
    /// Who discarded it, if somebody did.
    #[schema(required)]
    pub discarded: Option<DiscardView>,
}

/// That somebody gave a delivery up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Discard)]
pub struct DiscardView {
    /// When.
    pub at: Timestamp,
    /// Who.
    #[schema(example = "ada")]
    pub actor: String,
    /// Why.
    #[schema(example = "The server was removed by hand")]
    pub reason: String,
}

const ID: Field = Field::id("id", "id").sortable();

const DELIVERIES: Part =
    Part { name: "deliveries", table: "event_deliveries", owner: "event_id", id: "id", joined: None };

impl ListView for EventView {
    // All of these texts are in lower case.
    const FIELDS: &'static [Field] = &[
        ID,
        Field::text("type", "type", "type"),
        Field::text("source", "source", "source"),
        Field::id("subject", "subject"),
        Field::time("time", "time").sortable(),
        Field::text("actor", "actor", "actor"),
        Field::text("requestid", "request_id", "request_id"),
        Field::any_of(&DELIVERIES),
        Field::text("deliveries.subscriber", "subscriber", "subscriber").of(&DELIVERIES),
        Field::one_of("deliveries.state", "state", DeliveryState::NAMES).of(&DELIVERIES),
        Field::integer("deliveries.attempts", "attempts").of(&DELIVERIES),
    ];
    // Ids are in the order of time, and there is an index over them.
    const DEFAULT_SORT: &'static Field = &ID;
    const NEWEST_FIRST: bool = true;
    const ID: &'static Field = &ID;
    const SHOWN: &'static [&'static str] = &[
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "revision",
        "sequence",
        "schemaversion",
        "actor",
        "requestid",
        "traceparent",
        "data",
        "deliveries",
    ];
}

impl From<EventRow> for EventView {
    fn from(row: EventRow) -> Self {
        let (schemaversion, data) = row.newest_data();
        Self {
            specversion: Envelope::SPEC_VERSION.to_owned(),
            id: row.id,
            subject: row.subject,
            time: row.time,
            datacontenttype: Envelope::DATA_CONTENT_TYPE.to_owned(),
            revision: row.revision.unsigned_abs(),
            sequence: u32::try_from(row.sequence).unwrap_or_default(),
            schemaversion,
            data: data.unwrap_or_default(),
            source: row.source,
            event_type: row.event_type,
            actor: row.actor,
            requestid: row.request_id,
            traceparent: row.traceparent,
            deliveries: Vec::new(),
        }
    }
}

/// What a delivery is read from.
#[derive(FromRow)]
pub(super) struct DeliveryRow {
    pub(super) event_id: Uuid,
    subscriber: String,
    state: String,
    attempts: i64,
    next_attempt_at: Timestamp,
    last_error: Option<String>,
    settled_at: Option<Timestamp>,
    discarded_at: Option<Timestamp>,
    actor: Option<String>,
    reason: Option<String>,
}

impl DeliveryRow {
    /// Those of these events.
    pub(super) fn select(events: &[Uuid]) -> SelectStatement {
        let delivery = |column: EventDeliveries| (EventDeliveries::Table, column);
        let discard = |column: EventDiscards| (EventDiscards::Table, column);
        let of_the_same =
            Expr::col(discard(EventDiscards::EventId)).eq(Expr::col(delivery(EventDeliveries::EventId))).and(
                Expr::col(discard(EventDiscards::Subscriber))
                    .eq(Expr::col(delivery(EventDeliveries::Subscriber))),
            );
        Query::select()
            .columns(
                [
                    EventDeliveries::EventId,
                    EventDeliveries::Subscriber,
                    EventDeliveries::State,
                    EventDeliveries::Attempts,
                    EventDeliveries::NextAttemptAt,
                    EventDeliveries::LastError,
                    EventDeliveries::SettledAt,
                ]
                .map(delivery),
            )
            .columns([EventDiscards::DiscardedAt, EventDiscards::Actor, EventDiscards::Reason].map(discard))
            .from(EventDeliveries::Table)
            .left_join(EventDiscards::Table, of_the_same)
            .and_where(Expr::col(delivery(EventDeliveries::EventId)).is_in(events.iter().copied()))
            .order_by(delivery(EventDeliveries::EventId), Order::Asc)
            .order_by(delivery(EventDeliveries::Subscriber), Order::Asc)
            .take()
    }

    fn discard(&self) -> Option<DiscardView> {
        // One that was resubmitted by a rebuild is not discarded any more.
        let is_discarded = self.state == DeliveryState::Discarded.as_str();
        let view = |at| DiscardView {
            at,
            actor: self.actor.clone().unwrap_or_default(),
            reason: self.reason.clone().unwrap_or_default(),
        };
        self.discarded_at.filter(|_| is_discarded).map(view)
    }
}

impl From<DeliveryRow> for DeliveryView {
    fn from(row: DeliveryRow) -> Self {
        let waits_for_a_time = row.settled_at.is_none()
            && row.next_attempt_at != HELD_BACK
            && row.next_attempt_at.as_micros() > 0;
        Self {
            discarded: row.discard(),
            next_attempt_at: Some(row.next_attempt_at).filter(|_| waits_for_a_time),
            subscriber: row.subscriber,
            state: row.state,
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            last_error: row.last_error,
            settled_at: row.settled_at,
        }
    }
}
