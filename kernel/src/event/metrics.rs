//! What is measured of events.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use sea_query::{Expr, ExprTrait, Order, Query};
use uuid::Uuid;

use super::due::{AT_ONCE, HELD_BACK, found, is_open};
use super::log::EventLogView;
use super::tables::{DeliveryState, EventDeliveries, EventLog, EventSubscribers};
use crate::database::DatabaseError;
use crate::domain::Timestamp;
use crate::metrics::{
    EVENT_DELIVERY, EVENTS_BACKLOG, EVENTS_DEAD, EVENTS_DELIVERED, EVENTS_FAILED, EVENTS_GIVEN_UP,
    EVENTS_LAG, EVENTS_RECORDED, EVENTS_UNDISPATCHED,
};

/// Among so many that wait for another attempt the oldest is looked for: of those that are due first. Where there are more, they stand
/// for the others.
const PUT_OFF_AT_MOST: u64 = 1_000;

/// So many events were committed.
pub(crate) fn recorded(count: usize) {
    counter!(EVENTS_RECORDED).increment(count as u64);
}

/// By now a subscriber has taken events that happened then: when their commands began. Clocks that differ make none of them come
/// before it happened.
pub(super) fn delivered(subscriber: &'static str, happened: &[Timestamp], now: Timestamp) {
    counter!(EVENTS_DELIVERED, "subscriber" => subscriber).increment(happened.len() as u64);
    let delivery = histogram!(EVENT_DELIVERY, "subscriber" => subscriber);
    for then in happened {
        let micros = now.as_micros().saturating_sub(then.as_micros());
        delivery.record(Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
    }
}

/// A subscriber did not take an event; it is tried again.
pub(super) fn failed(subscriber: &'static str) {
    counter!(EVENTS_FAILED, "subscriber" => subscriber).increment(1);
}

/// So many deliveries were given up.
pub(super) fn given_up(subscriber: &'static str, count: usize) {
    counter!(EVENTS_GIVEN_UP, "subscriber" => subscriber).increment(count as u64);
}

/// What is left for a subscriber to take.
pub(super) struct Left {
    pub(super) dead: i64,
    /// The others.
    pub(super) backlog: i64,
    /// When the oldest of those happened, but for what waits behind a dead one.
    oldest: Option<Timestamp>,
}

impl EventLogView {
    /// Sets the metrics that are looked up: what is left to do, by subscriber, whether this program has it or not. Where the database is
    /// away, they stay as they were.
    pub(crate) async fn measure(&self, now: Timestamp) {
        let measured = async {
            gauge!(EVENTS_UNDISPATCHED).set(self.undispatched().await? as f64);
            for subscriber in self.subscribers().await? {
                let Left { dead, backlog, oldest } = self.left_for(&subscriber).await?;
                let since =
                    oldest.map_or(0, |time| Ord::max(0, now.as_micros().saturating_sub(time.as_micros())));
                gauge!(EVENTS_DEAD, "subscriber" => subscriber.clone()).set(dead as f64);
                gauge!(EVENTS_BACKLOG, "subscriber" => subscriber.clone()).set(backlog as f64);
                gauge!(EVENTS_LAG, "subscriber" => subscriber).set(since as f64 / 1e6);
            }
            Ok::<_, DatabaseError>(())
        };
        if let Err(error) = measured.await {
            tracing::debug!(
                error = crate::problem::chain(&error),
                "what is left to deliver was not measured"
            );
        }
    }

    /// The names of all subscribers.
    pub(super) async fn subscribers(&self) -> Result<Vec<String>, DatabaseError> {
        let names = Query::select()
            .column(EventSubscribers::Name)
            .from(EventSubscribers::Table)
            .order_by(EventSubscribers::Name, Order::Asc)
            .take();
        let names: Vec<(String,)> = self.database().fetch_all(&names).await?;
        Ok(names.into_iter().map(|(name,)| name).collect())
    }

    pub(super) async fn left_for(&self, subscriber: &str) -> Result<Left, DatabaseError> {
        let deliveries =
            || Query::select().from(EventDeliveries::Table).and_where(is_open(subscriber)).take();
        let is_dead = || Expr::col((EventDeliveries::Table, EventDeliveries::State)).eq(DeliveryState::Dead);
        let dead = self.count(deliveries().and_where(is_dead())).await?;
        let open = self.count(&mut deliveries()).await?;
        let next_attempt_at = || Expr::col(EventDeliveries::NextAttemptAt);
        let put_off = next_attempt_at().gt(AT_ONCE).and(next_attempt_at().lt(HELD_BACK));
        let mut times = self.times(subscriber, next_attempt_at().eq(AT_ONCE), 1).await?;
        times.extend(self.times(subscriber, put_off, PUT_OFF_AT_MOST).await?);
        Ok(Left { dead, backlog: open - dead, oldest: times.into_iter().min() })
    }

    /// When those happened that come first.
    async fn times(&self, subscriber: &str, when: Expr, most: u64) -> Result<Vec<Timestamp>, DatabaseError> {
        let first = found(subscriber, when, self.database().engine()).limit(most).take();
        let first: Vec<(Uuid, Uuid)> = self.database().fetch_all(&first).await?;
        let times = Query::select()
            .column(EventLog::Time)
            .from(EventLog::Table)
            .and_where(Expr::col(EventLog::Id).is_in(first.into_iter().map(|(event, _)| event)))
            .take();
        let times: Vec<(Timestamp,)> = self.database().fetch_all(&times).await?;
        Ok(times.into_iter().map(|(time,)| time).collect())
    }
}
