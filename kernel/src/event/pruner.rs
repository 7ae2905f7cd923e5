//! The pruner: removes what was settled long ago, a little at a time. The log of events is kept for ever.

use std::sync::Arc;
use std::time::Duration;

use sea_query::{Expr, ExprTrait, Order, Query};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::pump::Step;
use super::registration::registered;
use super::settle::Deliveries;
use super::tables::EventDeliveries;
use crate::clock::Clock;
use crate::database::Database;
use crate::domain::Timestamp;
use crate::problem::Failure;

/// Deliveries removed in one transaction: others wait for it to write.
const BATCH: u64 = 200;

/// What the pruner works with.
pub(super) struct Pruner {
    pub(super) keep: Duration,
    pub(super) database: Database,
    pub(super) clock: Arc<dyn Clock>,
}

impl Step for Pruner {
    fn name(&self) -> &'static str {
        "pruner"
    }

    /// Removes some deliveries of each subscriber that were settled too long ago, with the record that they were taken: by then
    /// nobody makes such a delivery again, not even of events that the subscriber takes anew (`former.rs`). Who gave one up, and why, is
    /// kept: whoever rebuilds a projection leaves it out, too.
    async fn step(&self, stop: &CancellationToken) -> Result<usize, Failure> {
        let before = self.clock.now().before(self.keep);
        let mut transaction = self.database.begin().await?;
        let subscribers = registered(&mut transaction).await?;
        transaction.commit().await?;
        let mut pruned = 0;
        for subscriber in subscribers {
            if stop.is_cancelled() {
                break;
            }
            pruned += self.prune(&subscriber.name, before).await?;
        }
        Ok(pruned)
    }
}

impl Pruner {
    async fn prune(&self, subscriber: &str, before: Timestamp) -> Result<usize, Failure> {
        let old = Query::select()
            .column(EventDeliveries::EventId)
            .from(EventDeliveries::Table)
            .and_where(Expr::col(EventDeliveries::Subscriber).eq(subscriber))
            .and_where(Expr::col(EventDeliveries::SettledAt).lt(before))
            .order_by(EventDeliveries::SettledAt, Order::Asc)
            .limit(BATCH)
            .take();
        let old: Vec<(Uuid,)> = self.database.fetch_all(&old).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let events: Vec<Uuid> = old.into_iter().map(|(event,)| event).collect();
        let mut transaction = self.database.begin().await?;
        for delete in (Deliveries { subscriber, events: &events }).remove() {
            transaction.execute(&delete).await?;
        }
        transaction.commit().await?;
        Ok(events.len())
    }
}
