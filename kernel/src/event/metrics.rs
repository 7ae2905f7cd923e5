//! What is measured of events.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use sea_query::{Expr, ExprTrait, Query};

use super::due::is_open;
use super::log::EventLogView;
use super::tables::{DeliveryState, EventDeliveries, EventLog};
use crate::database::DatabaseError;
use crate::domain::Timestamp;
use crate::metrics::{
    EVENT_DELIVERY, EVENTS_BACKLOG, EVENTS_DEAD, EVENTS_DELIVERED, EVENTS_FAILED, EVENTS_GIVEN_UP,
    EVENTS_LAG, EVENTS_RECORDED, EVENTS_UNDISPATCHED,
};

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

impl EventLogView {
    /// Sets the metrics that are looked up: what is left to do, by subscriber. Where the database is away, they stay as they were.
    pub(crate) async fn measure(&self, subscribers: impl Iterator<Item = &'static str>, now: Timestamp) {
        let measured = async {
            gauge!(EVENTS_UNDISPATCHED).set(self.undispatched().await? as f64);
            for subscriber in subscribers {
                self.measure_one(subscriber, now).await?;
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

    async fn measure_one(&self, subscriber: &'static str, now: Timestamp) -> Result<(), DatabaseError> {
        let deliveries =
            || Query::select().from(EventDeliveries::Table).and_where(is_open(subscriber)).take();
        let is_dead = || Expr::col((EventDeliveries::Table, EventDeliveries::State)).eq(DeliveryState::Dead);
        let dead = self.count(deliveries().and_where(is_dead())).await?;
        let open = self.count(&mut deliveries()).await?;
        let oldest = deliveries()
            .expr(Expr::col((EventLog::Table, EventLog::Time)).min())
            .inner_join(
                EventLog::Table,
                Expr::col((EventLog::Table, EventLog::Id))
                    .eq(Expr::col((EventDeliveries::Table, EventDeliveries::EventId))),
            )
            .and_where(is_dead().not())
            .take();
        let oldest: Option<(Option<Timestamp>,)> = self.database().fetch_optional(&oldest).await?;
        let lag = oldest
            .and_then(|(time,)| time)
            .map_or(0, |time| Ord::max(0, now.as_micros().saturating_sub(time.as_micros())));
        gauge!(EVENTS_DEAD, "subscriber" => subscriber).set(dead as f64);
        gauge!(EVENTS_BACKLOG, "subscriber" => subscriber).set((open - dead) as f64);
        gauge!(EVENTS_LAG, "subscriber" => subscriber).set(lag as f64 / 1e6);
        Ok(())
    }
}
