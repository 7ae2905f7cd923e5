//! The worker of one subscriber: hands over what is due, in the order of each aggregate.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sea_query::{Alias, Expr, ExprTrait, OnConflict, Order, Query, SelectStatement, UpdateStatement};
use sqlx::FromRow;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Envelope;
use super::log::EventRow;
use super::pump::Step;
use super::subscriber::Subscriber;
use super::tables::{DeliveryState, EventDeliveries, EventInbox, EventLog};
use crate::clock::Clock;
use crate::database::Database;
use crate::domain::Timestamp;
use crate::message::{Caller, Message, RequestId, TraceParent};
use crate::problem::{Failure, Internal};
use crate::uow::UnitsOfWork;

/// Deliveries claimed at a time.
const BATCH: u64 = 100;

/// The longest wait between two attempts.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// What a worker works with.
pub(super) struct Worker {
    pub(super) subscriber: Subscriber,
    pub(super) database: Database,
    pub(super) units: UnitsOfWork,
    pub(super) clock: Arc<dyn Clock>,
}

#[derive(FromRow)]
struct Due {
    attempts: i64,
    #[sqlx(flatten)]
    event: EventRow,
}

impl Step for Worker {
    fn name(&self) -> &str {
        self.subscriber.name
    }

    /// Hands over a batch of what is due. Stops early when told to.
    async fn step(&self, stop: &CancellationToken) -> Result<usize, Failure> {
        let due: Vec<Due> = self.database.fetch_all(&self.due()).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let tried = due.len();
        let events = due
            .into_iter()
            .map(|due| Ok((due.attempts + 1, Envelope::try_from(due.event)?)))
            .collect::<Result<Vec<_>, Internal>>()?;
        self.count_attempts(events.iter().map(|(_, event)| event.id)).await?;
        for (attempt, event) in events {
            if stop.is_cancelled() {
                break;
            }
            if let Err(failure) = self.deliver(&event).await {
                self.put_off(&event, attempt, &failure).await?;
            }
        }
        Ok(tried)
    }
}

impl Worker {
    /// The first open delivery of each aggregate, where it is due: whatever is not settled holds back what comes
    /// after it, so the order of an aggregate is kept, and one that fails does not hold up the others.
    fn due(&self) -> SelectStatement {
        let earlier = Alias::new("earlier");
        let delivery = |column: EventDeliveries| Expr::col((EventDeliveries::Table, column));
        let other = |column: EventDeliveries| Expr::col((earlier.clone(), column));
        let before = other(EventDeliveries::Revision).lt(delivery(EventDeliveries::Revision)).or(other(
            EventDeliveries::Revision,
        )
        .eq(delivery(EventDeliveries::Revision))
        .and(other(EventDeliveries::Sequence).lt(delivery(EventDeliveries::Sequence))));
        let held_back = Query::select()
            .expr(Expr::val(1))
            .from_as(EventDeliveries::Table, earlier.clone())
            .and_where(other(EventDeliveries::Subscriber).eq(self.subscriber.name))
            .and_where(other(EventDeliveries::Subject).eq(delivery(EventDeliveries::Subject)))
            .and_where(is_open(other(EventDeliveries::State)))
            .and_where(before)
            .take();
        EventRow::select()
            .column((EventDeliveries::Table, EventDeliveries::Attempts))
            .inner_join(
                EventDeliveries::Table,
                delivery(EventDeliveries::EventId).eq(Expr::col((EventLog::Table, EventLog::Id))),
            )
            .and_where(delivery(EventDeliveries::Subscriber).eq(self.subscriber.name))
            .and_where(is_waiting(delivery(EventDeliveries::State)))
            .and_where(delivery(EventDeliveries::NextAttemptAt).lte(self.clock.now()))
            .and_where(Expr::exists(held_back).not())
            .order_by((EventLog::Table, EventLog::Id), Order::Asc)
            .limit(BATCH)
            .take()
    }

    /// Counts attempts before they are made: an event that brings the process down is seen to have been tried.
    async fn count_attempts(&self, events: impl Iterator<Item = Uuid>) -> Result<(), Failure> {
        let mut transaction = self.database.begin().await?;
        let count = Query::update()
            .table(EventDeliveries::Table)
            .value(EventDeliveries::Attempts, Expr::col(EventDeliveries::Attempts).add(1))
            .and_where(Expr::col(EventDeliveries::Subscriber).eq(self.subscriber.name))
            .and_where(Expr::col(EventDeliveries::EventId).is_in(events))
            .take();
        transaction.execute(&count).await?;
        Ok(transaction.commit().await?)
    }

    /// One event, in one transaction: the inbox record, the subscriber's own writes, the state of the delivery.
    async fn deliver(&self, event: &Envelope) -> Result<(), Failure> {
        let now = self.clock.now();
        let message = Message {
            caller: Caller::named(&event.actor),
            request_id: RequestId::parse(&event.requestid).unwrap_or_else(|| event.id.into()),
            traceparent: event.traceparent.as_deref().and_then(TraceParent::parse),
            now,
        };
        let mut uow = self.units.write(message.clone());
        let enter = Query::insert()
            .into_table(EventInbox::Table)
            .columns([EventInbox::Subscriber, EventInbox::EventId, EventInbox::TakenAt])
            .values_panic([self.subscriber.name.into(), event.id.into(), now.into()])
            .on_conflict(
                OnConflict::columns([EventInbox::Subscriber, EventInbox::EventId]).do_nothing().to_owned(),
            )
            .take();
        let is_new = uow.execute(&enter).await? == 1;
        if is_new {
            let handling = self.subscriber.handler.deliver(event, &mut uow, &message);
            AssertUnwindSafe(handling)
                .catch_unwind()
                .await
                .map_err(|_| Internal(format!("{} panicked", self.subscriber.name)))??;
        }
        uow.execute(&self.settle(event.id, DeliveryState::Delivered, now)).await?;
        uow.commit().await
    }

    fn settle(&self, event: Uuid, state: DeliveryState, now: Timestamp) -> UpdateStatement {
        Query::update()
            .table(EventDeliveries::Table)
            .value(EventDeliveries::State, state)
            .value(EventDeliveries::SettledAt, now)
            .and_where(Expr::col(EventDeliveries::Subscriber).eq(self.subscriber.name))
            .and_where(Expr::col(EventDeliveries::EventId).eq(event))
            .take()
    }

    async fn put_off(&self, event: &Envelope, attempt: i64, failure: &Failure) -> Result<(), Failure> {
        let wait = backoff(attempt);
        tracing::warn!(
            subscriber = self.subscriber.name,
            event = event.event_type,
            id = %event.id,
            attempt,
            retry_in_s = wait.as_secs(),
            error = failure.chain(),
            "a subscriber did not take an event"
        );
        let failed = Query::update()
            .table(EventDeliveries::Table)
            .value(EventDeliveries::State, DeliveryState::Failed)
            .value(EventDeliveries::NextAttemptAt, self.clock.now().after(wait))
            .value(EventDeliveries::LastError, failure.chain())
            .and_where(Expr::col(EventDeliveries::Subscriber).eq(self.subscriber.name))
            .and_where(Expr::col(EventDeliveries::EventId).eq(event.id))
            .take();
        let mut transaction = self.database.begin().await?;
        transaction.execute(&failed).await?;
        Ok(transaction.commit().await?)
    }
}

/// 1 s, doubled with each attempt, a minute at most.
fn backoff(attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt.clamp(1, 7) - 1).unwrap_or(0);
    LONGEST_BACKOFF.min(Duration::from_secs(1 << doublings))
}

/// Not settled: holds back what comes after it.
fn is_open(state: Expr) -> Expr {
    state.is_in(
        [DeliveryState::Pending, DeliveryState::Failed, DeliveryState::Dead].map(DeliveryState::as_str),
    )
}

/// To be tried (again).
fn is_waiting(state: Expr) -> Expr {
    state.is_in([DeliveryState::Pending, DeliveryState::Failed].map(DeliveryState::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits: Vec<u64> = [1, 2, 3, 6, 7, 50].map(|attempt| backoff(attempt).as_secs()).into();
        assert_eq!(waits, [1, 2, 4, 32, 60, 60]);
    }
}
