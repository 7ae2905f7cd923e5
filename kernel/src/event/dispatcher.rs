//! The dispatcher: makes of each new event in the log a delivery for each subscriber that takes it.

use std::sync::Arc;

use sea_query::{Expr, ExprTrait, InsertStatement, OnConflict, Order, Query};
use sqlx::FromRow;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::pump::{Step, Wake};
use super::subscriber::{Start, Subscriber};
use super::tables::{DeliveryState, EventDeliveries, EventLog, EventSubscribers};
use crate::clock::Clock;
use crate::database::{Database, Transaction};
use crate::domain::Timestamp;
use crate::problem::{Failure, Internal};

/// Events made into deliveries in one transaction: enough to make the transaction worth its while, few enough for
/// writers not to notice.
const BATCH: u64 = 200;

/// The part of an event that a delivery needs.
#[derive(FromRow)]
struct LoggedEvent {
    id: Uuid,
    #[sqlx(rename = "type")]
    event_type: String,
    subject: Uuid,
    revision: i64,
    sequence: i64,
}

/// What the dispatcher works with.
pub(super) struct Dispatcher {
    pub(super) subscribers: Vec<Subscriber>,
    pub(super) database: Database,
    pub(super) clock: Arc<dyn Clock>,
    /// Woken when there are new deliveries.
    pub(super) dispatched: Wake,
}

impl Step for Dispatcher {
    fn name(&self) -> &str {
        "dispatcher"
    }

    /// Makes deliveries of the oldest events that have none yet.
    ///
    /// They are found by their state, not by a highest id seen: ids are given out before the commit, so a lower one
    /// may become visible later.
    async fn step(&self, _: &CancellationToken) -> Result<usize, Failure> {
        let undispatched = logged_events()
            .and_where(Expr::col(EventLog::DispatchedAt).is_null())
            .order_by(EventLog::Id, Order::Asc)
            .limit(BATCH)
            .take();
        // Looked up outside of the transaction first: with nothing to do, no write lock is taken.
        let seen: Vec<LoggedEvent> = self.database.fetch_all(&undispatched).await?;
        if seen.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.database.begin().await?;
        let events: Vec<LoggedEvent> = transaction.fetch_all(&undispatched).await?;
        for subscriber in &self.subscribers {
            let taken = events.iter().filter(|event| subscriber.takes(&event.event_type));
            insert_deliveries(&mut transaction, subscriber, taken).await?;
        }
        let dispatched = Query::update()
            .table(EventLog::Table)
            .value(EventLog::DispatchedAt, self.clock.now())
            .and_where(Expr::col(EventLog::Id).is_in(events.iter().map(|event| event.id)))
            .take();
        transaction.execute(&dispatched).await?;
        transaction.commit().await?;
        self.dispatched.wake();
        Ok(events.len())
    }
}

/// Enters subscribers that were never seen before. Those that start at the beginning get a delivery of every event
/// that was dispatched without them.
pub(super) async fn register(
    database: &Database,
    subscribers: &[Subscriber],
    now: Timestamp,
) -> Result<(), Failure> {
    for subscriber in subscribers {
        let mut transaction = database.begin().await?;
        let enter = Query::insert()
            .into_table(EventSubscribers::Table)
            .columns([EventSubscribers::Name, EventSubscribers::RegisteredAt])
            .values_panic([subscriber.name.into(), now.into()])
            .on_conflict(OnConflict::column(EventSubscribers::Name).do_nothing().to_owned())
            .take();
        let is_new = transaction.execute(&enter).await? == 1;
        if is_new && subscriber.start == Start::Beginning {
            transaction.execute(&deliver_past_events(subscriber)?).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

fn logged_events() -> sea_query::SelectStatement {
    Query::select()
        .columns([EventLog::Id, EventLog::Type, EventLog::Subject, EventLog::Revision, EventLog::Sequence])
        .from(EventLog::Table)
        .take()
}

const DELIVERY: [EventDeliveries; 6] = [
    EventDeliveries::Subscriber,
    EventDeliveries::EventId,
    EventDeliveries::Subject,
    EventDeliveries::Revision,
    EventDeliveries::Sequence,
    EventDeliveries::State,
];

async fn insert_deliveries<'e>(
    transaction: &mut Transaction,
    subscriber: &Subscriber,
    events: impl Iterator<Item = &'e LoggedEvent>,
) -> Result<(), Failure> {
    let mut insert = Query::insert().into_table(EventDeliveries::Table).columns(DELIVERY).take();
    let mut some = false;
    for event in events {
        some = true;
        insert.values_panic([
            subscriber.name.into(),
            event.id.into(),
            event.subject.into(),
            event.revision.into(),
            event.sequence.into(),
            DeliveryState::Pending.as_str().into(),
        ]);
    }
    if some {
        transaction.execute(&insert).await?;
    }
    Ok(())
}

/// All in the database: the log may be long.
fn deliver_past_events(subscriber: &Subscriber) -> Result<InsertStatement, Internal> {
    let mut past = Query::select()
        .expr(Expr::val(subscriber.name))
        .columns([EventLog::Id, EventLog::Subject, EventLog::Revision, EventLog::Sequence])
        .expr(Expr::val(DeliveryState::Pending.as_str()))
        .from(EventLog::Table)
        .and_where(Expr::col(EventLog::DispatchedAt).is_not_null())
        .take();
    if !subscriber.events.is_empty() {
        past.and_where(Expr::col(EventLog::Type).is_in(subscriber.events.iter().copied()));
    }
    let mut insert = Query::insert().into_table(EventDeliveries::Table).columns(DELIVERY).take();
    insert.select_from(past).map_err(|error| Internal(error.to_string()))?;
    Ok(insert)
}
