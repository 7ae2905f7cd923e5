//! The dispatcher: makes of each new event in the log a delivery for each subscriber that takes it. Of several processes, one at
//! a time.

use std::sync::Arc;
use std::time::Duration;

use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sqlx::FromRow;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::log::last_dispatch;
use super::pump::{Step, Wake};
use super::registration::{self, DELIVERY, Registered};
use super::tables::{DeliveryState, EventDeliveries, EventLog, not_indexed};
use crate::clock::Clock;
use crate::database::{Database, Transaction};
use crate::domain::Timestamp;
use crate::locks::Lock;
use crate::problem::Failure;

/// Events made into deliveries in one transaction: enough to make the transaction worth its while, few enough for
/// writers not to notice.
const BATCH: usize = 200;

/// What the dispatcher works with.
pub(super) struct Dispatcher {
    pub(super) database: Database,
    pub(super) clock: Arc<dyn Clock>,
    /// Woken when there are new deliveries.
    pub(super) dispatched: Wake,
}

/// The part of an event that a delivery needs.
#[derive(FromRow)]
struct LoggedEvent {
    id: Uuid,
    #[sqlx(rename = "type")]
    event_type: String,
    subject: Uuid,
    revision: i64,
    sequence: i64,
    received_at: Option<Timestamp>,
}

impl Step for Dispatcher {
    fn name(&self) -> &str {
        "dispatcher"
    }

    /// Makes deliveries of the oldest events that have none yet, for every subscriber that is registered in the
    /// database: also for those that this process does not run.
    async fn step(&self, _: &CancellationToken) -> Result<usize, Failure> {
        // Looked up outside of the transaction first: with nothing to do, no write lock is taken.
        let seen: Vec<LoggedEvent> = self.database.fetch_all(&undispatched().limit(1).take()).await?;
        if seen.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.database.begin().await?;
        // The dispatchers of several processes, and who registers with them, one after the other: an event is dispatched once,
        // and to all who are registered.
        Lock::Deliveries.take(&mut transaction).await?;
        let events = batch(&mut transaction).await?;
        let now = self.time(&mut transaction).await?;
        let subscribers = registration::registered(&mut transaction).await?;
        // Piece by piece: a statement takes only so many values.
        for events in events.chunks(BATCH) {
            for subscriber in &subscribers {
                insert_deliveries(&mut transaction, subscriber, events).await?;
            }
            let dispatched = Query::update()
                .table(EventLog::Table)
                .value(EventLog::DispatchedAt, now)
                .and_where(Expr::col(EventLog::Id).is_in(events.iter().map(|event| event.id)))
                .take();
            transaction.execute(&dispatched).await?;
        }
        transaction.commit().await?;
        self.dispatched.wake();
        Ok(events.len())
    }
}

impl Dispatcher {
    /// Now, but later than all that was dispatched before, whatever became of the clock: others follow this order.
    async fn time(&self, transaction: &mut Transaction) -> Result<Timestamp, Failure> {
        let latest: Option<(Option<Timestamp>,)> = transaction.fetch_optional(&last_dispatch()).await?;
        let after = latest.and_then(|(latest,)| latest).map(|latest| latest.after(Duration::from_micros(1)));
        let now = self.clock.now();
        Ok(after.map_or(now, |after| Ord::max(after, now)))
    }
}

/// The events to dispatch now. Where there are more, all that are there of the same aggregates go with them: an earlier
/// event may have a later id, when clocks differ, and must not be left behind a later one.
async fn batch(transaction: &mut Transaction) -> Result<Vec<LoggedEvent>, Failure> {
    let oldest: Vec<LoggedEvent> = transaction.fetch_all(&undispatched().limit(BATCH as u64).take()).await?;
    if oldest.len() < BATCH {
        return Ok(oldest);
    }
    Ok(transaction.fetch_all(&undispatched_of(oldest.iter().map(|event| event.subject))).await?)
}

/// The events without deliveries, oldest first. They are found by their state, not by a highest id seen: ids are given out
/// before the commit, so a lower one may become visible later.
pub(super) fn undispatched() -> SelectStatement {
    events().and_where(Expr::col(EventLog::DispatchedAt).is_null()).take()
}

/// Those of these aggregates, however many there are of others.
pub(super) fn undispatched_of(subjects: impl IntoIterator<Item = Uuid>) -> SelectStatement {
    events()
        .and_where(Expr::col(EventLog::Subject).is_in(subjects))
        .and_where(not_indexed(EventLog::DispatchedAt).is_null())
        .take()
}

fn events() -> SelectStatement {
    Query::select()
        .columns([
            EventLog::Id,
            EventLog::Type,
            EventLog::Subject,
            EventLog::Revision,
            EventLog::Sequence,
            EventLog::ReceivedAt,
        ])
        .from(EventLog::Table)
        .order_by(EventLog::Id, Order::Asc)
        .take()
}

async fn insert_deliveries(
    transaction: &mut Transaction,
    subscriber: &Registered,
    events: &[LoggedEvent],
) -> Result<(), Failure> {
    let mut insert = Query::insert().into_table(EventDeliveries::Table).columns(DELIVERY).take();
    let mut some = false;
    for event in
        events.iter().filter(|event| subscriber.takes(&event.event_type, event.received_at.is_some()))
    {
        some = true;
        insert.values_panic([
            subscriber.name.as_str().into(),
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
