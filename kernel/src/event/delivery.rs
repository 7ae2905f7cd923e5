//! The worker of one subscriber: hands over what is due, in the order of each aggregate.
//!
//! What fails is tried again for ever. Leases for several workers on one database, dead letters, jitter, and pauses for
//! what cannot be reached are to come; the table has their columns.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement, UpdateStatement};
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

/// Deliveries looked up at a time.
const BATCH: u64 = 100;

/// How long a handler may take before it counts as failed.
const HANDLE_WITHIN: Duration = Duration::from_secs(60);

/// What a subscriber has taken.
const UNIQUE_TAKEN: &str = "ux_event_inbox_subscriber_event_id";

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

    /// Hands over a batch of what is due, one event after the other. Stops early when told to.
    async fn step(&self, stop: &CancellationToken) -> Result<usize, Failure> {
        let due: Vec<Due> = self.database.fetch_all(&self.due()).await?;
        let count = due.len();
        for due in due {
            if stop.is_cancelled() {
                break;
            }
            let (id, attempt) = (due.event.id, due.attempts + 1);
            self.count_attempt(id, attempt).await?;
            if let Err(failure) = self.deliver(due.event).await {
                self.put_off(id, attempt, &failure).await?;
            }
        }
        Ok(count)
    }
}

impl Worker {
    /// The first open delivery of each aggregate, where it is due: whatever is not settled holds back what comes
    /// after it, so the order of an aggregate is kept, and one that fails does not hold up the others.
    fn due(&self) -> SelectStatement {
        let earlier = Alias::new("earlier");
        let delivery = |column: EventDeliveries| Expr::col((EventDeliveries::Table, column));
        let other = |column: EventDeliveries| Expr::col((earlier.clone(), column));
        let same = |column: EventDeliveries| other(column).eq(delivery(column));
        let less = |column: EventDeliveries| other(column).lt(delivery(column));
        let before = less(EventDeliveries::Revision)
            .or(same(EventDeliveries::Revision).and(less(EventDeliveries::Sequence)));
        let held_back = Query::select()
            .expr(Expr::val(1))
            .from_as(EventDeliveries::Table, earlier.clone())
            .and_where(other(EventDeliveries::Subscriber).eq(self.subscriber.name))
            .and_where(other(EventDeliveries::SettledAt).is_null())
            .and_where(same(EventDeliveries::Subject))
            .and_where(before)
            .take();
        EventRow::select()
            .column((EventDeliveries::Table, EventDeliveries::Attempts))
            .inner_join(
                EventDeliveries::Table,
                delivery(EventDeliveries::EventId).eq(Expr::col((EventLog::Table, EventLog::Id))),
            )
            .and_where(delivery(EventDeliveries::Subscriber).eq(self.subscriber.name))
            .and_where(delivery(EventDeliveries::SettledAt).is_null())
            .and_where(delivery(EventDeliveries::State).ne(DeliveryState::Dead))
            .and_where(delivery(EventDeliveries::NextAttemptAt).lte(self.clock.now()))
            .and_where(Expr::exists(held_back).not())
            .order_by((EventDeliveries::Table, EventDeliveries::EventId), Order::Asc)
            .limit(BATCH)
            .take()
    }

    /// Counts an attempt before it is made: an event that brings the process down is seen to have been tried.
    async fn count_attempt(&self, event: Uuid, attempt: i64) -> Result<(), Failure> {
        self.update(event, |update| update.value(EventDeliveries::Attempts, attempt)).await
    }

    /// One event. The handler comes first, and its unit of work begins at its first statement: a handler that calls
    /// somebody else holds no lock. What it wrote, the inbox record and the state of the delivery become lasting
    /// together.
    async fn deliver(&self, row: EventRow) -> Result<(), Failure> {
        let event = Envelope::try_from(row)?;
        let now = self.clock.now();
        if self.has_taken(event.id).await? {
            return self.update(event.id, |update| settled(update, now)).await;
        }
        let message = Message::new(
            Caller::named(&event.actor),
            RequestId::parse(&event.requestid).unwrap_or_else(|| event.id.into()),
            event.traceparent.as_deref().and_then(TraceParent::parse),
            now,
        );
        let mut uow = self.units.write(message.clone());
        let handling = AssertUnwindSafe(self.subscriber.handler.deliver(&event, &mut uow, &message));
        tokio::time::timeout(HANDLE_WITHIN, handling.catch_unwind())
            .await
            .map_err(|_| Internal(format!("{} took longer than {HANDLE_WITHIN:?}", self.subscriber.name)))?
            .map_err(|_| Internal(format!("{} panicked", self.subscriber.name)))??;
        // Were it taken by another process meanwhile, this fails, and with it all that the handler wrote: that process has
        // settled it, too.
        let taken = Query::insert()
            .into_table(EventInbox::Table)
            .columns([EventInbox::Subscriber, EventInbox::EventId, EventInbox::TakenAt])
            .values_panic([self.subscriber.name.into(), event.id.into(), now.into()])
            .take();
        match uow.execute(&taken).await {
            Err(error) if error.violates(UNIQUE_TAKEN) => return Ok(()),
            taken => taken?,
        };
        uow.execute(&settled(&mut self.open(event.id), now).take()).await?;
        Ok(uow.commit().await?)
    }

    async fn has_taken(&self, event: Uuid) -> Result<bool, Failure> {
        let select = Query::select()
            .column(EventInbox::TakenAt)
            .from(EventInbox::Table)
            .and_where(Expr::col(EventInbox::Subscriber).eq(self.subscriber.name))
            .and_where(Expr::col(EventInbox::EventId).eq(event))
            .take();
        Ok(self.database.fetch_optional::<(i64,)>(&select).await?.is_some())
    }

    async fn put_off(&self, event: Uuid, attempt: i64, failure: &Failure) -> Result<(), Failure> {
        let wait = backoff(attempt);
        let error = failure.chain();
        tracing::warn!(
            subscriber = self.subscriber.name,
            %event,
            attempt,
            retry_in_s = wait.as_secs(),
            error,
            "a subscriber did not take an event"
        );
        self.update(event, |update| {
            update
                .value(EventDeliveries::State, DeliveryState::Failed)
                .value(EventDeliveries::NextAttemptAt, self.clock.now().after(wait))
                .value(EventDeliveries::LastError, error)
        })
        .await
    }

    /// Changes a delivery that is open, in a transaction of its own.
    async fn update(
        &self,
        event: Uuid,
        change: impl FnOnce(&mut UpdateStatement) -> &mut UpdateStatement,
    ) -> Result<(), Failure> {
        let mut transaction = self.database.begin().await?;
        transaction.execute(&change(&mut self.open(event)).take()).await?;
        Ok(transaction.commit().await?)
    }

    /// An update of a delivery, if it is open: what is settled stays as it is.
    fn open(&self, event: Uuid) -> UpdateStatement {
        Query::update()
            .table(EventDeliveries::Table)
            .and_where(Expr::col(EventDeliveries::Subscriber).eq(self.subscriber.name))
            .and_where(Expr::col(EventDeliveries::EventId).eq(event))
            .and_where(Expr::col(EventDeliveries::SettledAt).is_null())
            .take()
    }
}

fn settled(update: &mut UpdateStatement, now: Timestamp) -> &mut UpdateStatement {
    update.value(EventDeliveries::State, DeliveryState::Delivered).value(EventDeliveries::SettledAt, now)
}

/// 1 s, doubled with each attempt, a minute at most.
fn backoff(attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt.clamp(1, 7) - 1).unwrap_or(0);
    LONGEST_BACKOFF.min(Duration::from_secs(1 << doublings))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use serde_json::value::RawValue;
    use tempfile::TempDir;

    use super::super::dispatcher::Dispatcher;
    use super::super::pump::Wake;
    use super::super::subscriber::{Deliver, Start};
    use super::super::{append, registration};
    use super::*;
    use crate::database::Settings;
    use crate::message::Message;
    use crate::plugin::migrations;
    use crate::testkit::{SequentialIds, SettableClock};
    use crate::uow::WriteUow;

    /// Counts, after another worker has had its turn.
    struct Listener {
        heard: Arc<AtomicUsize>,
        other: Option<Worker>,
    }

    #[async_trait]
    impl Deliver for Listener {
        async fn deliver(&self, _: &Envelope, _: &mut WriteUow, _: &Message) -> Result<(), Failure> {
            self.heard.fetch_add(1, Ordering::Relaxed);
            match &self.other {
                Some(other) => other.step(&CancellationToken::new()).await.map(drop),
                None => Ok(()),
            }
        }
    }

    fn event() -> Envelope {
        Envelope {
            specversion: Envelope::SPEC_VERSION.to_owned(),
            id: Uuid::from_u128(1),
            source: Envelope::source_of("test"),
            event_type: "test.happened".to_owned(),
            subject: Uuid::from_u128(2),
            time: Timestamp::from_micros(0),
            datacontenttype: Envelope::DATA_CONTENT_TYPE.to_owned(),
            revision: 1,
            sequence: 0,
            schemaversion: 1,
            actor: "tester".to_owned(),
            requestid: "test".to_owned(),
            traceparent: None,
            data: RawValue::NULL.to_owned(),
        }
    }

    /// Two processes on one database: what the other one took meanwhile did not fail.
    #[tokio::test]
    async fn what_another_process_took_meanwhile_is_taken() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("test.db");
        let database = Database::connect(&Settings::default(), &file).await.unwrap();
        database.migrate(&migrations(&[])).await.unwrap();
        let heard = Arc::new(AtomicUsize::new(0));
        let worker = |other| Worker {
            subscriber: Subscriber {
                name: "test.listener",
                events: &[],
                start: Start::Beginning,
                handler: Arc::new(Listener { heard: Arc::clone(&heard), other }),
            },
            database: database.clone(),
            units: UnitsOfWork::new(database.clone(), Arc::new(SequentialIds::default())),
            clock: Arc::new(SettableClock::default()),
        };
        let worker = worker(Some(worker(None)));
        let subscribers = std::slice::from_ref(&worker.subscriber);
        registration::register(&database, subscribers, worker.clock.now()).await.unwrap();
        let mut transaction = database.begin().await.unwrap();
        append(&mut transaction, &[event()]).await.unwrap();
        transaction.commit().await.unwrap();
        let dispatcher = Dispatcher {
            database: database.clone(),
            clock: Arc::clone(&worker.clock),
            dispatched: Wake::new(),
        };
        let stop = CancellationToken::new();
        assert_eq!(dispatcher.step(&stop).await.unwrap(), 1);
        assert_eq!(worker.step(&stop).await.unwrap(), 1);
        assert_eq!(heard.load(Ordering::Relaxed), 2, "one of them was rolled back");
        let settled = Query::select()
            .columns([EventDeliveries::State, EventDeliveries::LastError])
            .from(EventDeliveries::Table)
            .take();
        let deliveries: Vec<(String, Option<String>)> = database.fetch_all(&settled).await.unwrap();
        assert_eq!(deliveries, [("delivered".to_owned(), None)]);
        assert_eq!(worker.step(&stop).await.unwrap(), 0);
    }

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits: Vec<u64> = [1, 2, 3, 6, 7, 50].map(|attempt| backoff(attempt).as_secs()).into();
        assert_eq!(waits, [1, 2, 4, 32, 60, 60]);
    }
}
