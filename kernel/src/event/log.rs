//! The event log: written by the unit of work, read by the relay and by whoever wants to know what happened.

use sea_query::{Expr, ExprTrait, InsertStatement, Order, Query, SelectStatement};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::FromRow;
use uuid::Uuid;

use super::Envelope;
use super::tables::{EventDeliveries, EventLog};
use super::upcaster::Upcasters;
use crate::database::{Database, DatabaseError, Transaction};
use crate::domain::Timestamp;
use crate::problem::Internal;

/// The columns of an event, in the order in which they are written.
const COLUMNS: [EventLog; 12] = [
    EventLog::Id,
    EventLog::Source,
    EventLog::Type,
    EventLog::Subject,
    EventLog::Revision,
    EventLog::Sequence,
    EventLog::SchemaVersion,
    EventLog::Time,
    EventLog::Actor,
    EventLog::RequestId,
    EventLog::Traceparent,
    EventLog::Data,
];

/// Writes events to the log, in the transaction of the changes they tell of: one statement for all.
pub(crate) async fn append(transaction: &mut Transaction, events: &[Envelope]) -> Result<(), DatabaseError> {
    let mut insert = Query::insert().into_table(EventLog::Table).columns(COLUMNS).take();
    for event in events {
        insert.values_panic(values(event));
    }
    transaction.execute(&insert).await?;
    Ok(())
}

/// Takes over events of another service into the log.
pub(super) fn take_over(events: &[&Envelope], now: Timestamp) -> InsertStatement {
    let columns = COLUMNS.into_iter().chain([EventLog::ReceivedAt]);
    let mut insert = Query::insert().into_table(EventLog::Table).columns(columns).take();
    for event in events {
        insert.values_panic(values(event).into_iter().chain([now.into()]));
    }
    insert
}

fn values(event: &Envelope) -> [Expr; COLUMNS.len()] {
    [
        event.id.into(),
        event.source.as_str().into(),
        event.event_type.as_str().into(),
        event.subject.into(),
        integer(event.revision).into(),
        event.sequence.into(),
        event.schemaversion.into(),
        event.time.into(),
        event.actor.as_str().into(),
        event.requestid.as_str().into(),
        event.traceparent.clone().into(),
        event.data.get().into(),
    ]
}

/// Revisions count commits: they stay far below what a signed column takes.
pub(super) fn integer(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

/// A row of the log.
#[derive(FromRow)]
pub(crate) struct EventRow {
    pub(super) id: Uuid,
    pub(super) source: String,
    #[sqlx(rename = "type")]
    pub(crate) event_type: String,
    pub(super) subject: Uuid,
    pub(crate) revision: i64,
    pub(crate) sequence: i64,
    pub(super) schema_version: i64,
    pub(crate) time: Timestamp,
    pub(crate) actor: String,
    pub(crate) request_id: String,
    pub(super) traceparent: Option<String>,
    pub(super) data: String,
}

impl EventRow {
    /// The columns it is read from, of `event_log`.
    pub(crate) fn select() -> SelectStatement {
        let columns = COLUMNS.map(|column| (EventLog::Table, column));
        Query::select().columns(columns).from(EventLog::Table).take()
    }

    /// Its data in the newest version that can be made of it, with that version. What cannot be read is shown as it is, rather than
    /// nothing.
    pub(crate) fn newest_data(&self) -> (u16, serde_json::Result<Value>) {
        match self.envelope().ok().and_then(|old| Upcasters::all().bring_up(old, None).ok()) {
            Some(event) => (event.schemaversion, serde_json::from_str(event.data.get())),
            None => {
                (u16::try_from(self.schema_version).unwrap_or_default(), serde_json::from_str(&self.data))
            }
        }
    }

    /// The event.
    pub(super) fn envelope(&self) -> Result<Envelope, Internal> {
        let corrupt = |what| Internal(format!("event {} in the log has no valid {what}", self.id));
        Ok(Envelope {
            specversion: Envelope::SPEC_VERSION.to_owned(),
            revision: u64::try_from(self.revision).map_err(|_| corrupt("revision"))?,
            sequence: u32::try_from(self.sequence).map_err(|_| corrupt("sequence"))?,
            schemaversion: u16::try_from(self.schema_version).map_err(|_| corrupt("schema version"))?,
            data: RawValue::from_string(self.data.clone()).map_err(|_| corrupt("data"))?,
            id: self.id,
            source: self.source.clone(),
            event_type: self.event_type.clone(),
            subject: self.subject,
            time: self.time,
            datacontenttype: Envelope::DATA_CONTENT_TYPE.to_owned(),
            actor: self.actor.clone(),
            requestid: self.request_id.clone(),
            traceparent: self.traceparent.clone(),
        })
    }
}

/// When events were dispatched last; null: never.
pub(super) fn last_dispatch() -> SelectStatement {
    Query::select().expr(Expr::col(EventLog::DispatchedAt).max()).from(EventLog::Table).take()
}

/// Looks into the event log.
#[derive(Clone)]
pub struct EventLogView(Database);

#[derive(FromRow)]
struct Count {
    count: i64,
}

impl EventLogView {
    /// The log in `database`.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    /// The events of one aggregate, or of all, oldest first.
    pub async fn events(&self, subject: Option<Uuid>) -> Result<Vec<Envelope>, crate::problem::Failure> {
        let mut select = EventRow::select();
        if let Some(subject) = subject {
            select.and_where(Expr::col(EventLog::Subject).eq(subject));
        }
        select.order_by(EventLog::Id, Order::Asc);
        let rows: Vec<EventRow> = self.0.fetch_all(&select).await?;
        rows.iter().map(|row| row.envelope().map_err(Into::into)).collect()
    }

    /// How many events have no deliveries yet.
    pub async fn undispatched(&self) -> Result<i64, DatabaseError> {
        let events = Expr::col(EventLog::DispatchedAt).is_null();
        self.count(Query::select().from(EventLog::Table).and_where(events)).await
    }

    /// How many events and deliveries the relay has still to deal with.
    pub async fn undelivered(&self) -> Result<i64, DatabaseError> {
        // Events first: what is dispatched between the two counts is counted twice rather than not at all.
        let events = self.undispatched().await?;
        let open = Expr::col(EventDeliveries::SettledAt).is_null();
        let deliveries = self.count(Query::select().from(EventDeliveries::Table).and_where(open)).await?;
        Ok(events + deliveries)
    }

    pub(super) fn database(&self) -> &Database {
        &self.0
    }

    pub(super) async fn count(&self, select: &mut SelectStatement) -> Result<i64, DatabaseError> {
        let count = select.expr_as(Expr::cust("COUNT(*)"), "count").take();
        Ok(self.0.fetch_optional::<Count>(&count).await?.map_or(0, |row| row.count))
    }
}
