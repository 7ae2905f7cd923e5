//! Leases: of several processes on a database, one at a time works for a subscriber.
//!
//! Whoever claims a lease raises its fence. What was claimed before can then settle nothing any more: each transaction that
//! settles something looks at the fence as its last statement, and waits there for whoever is raising it.

use std::time::Duration;

use sea_query::{Expr, ExprTrait, OnConflict, Query, UpdateStatement};
use sqlx::FromRow;
use uuid::Uuid;

use super::tables::EventLeases;
use crate::clock::Clock;
use crate::database::{Database, DatabaseError, Transaction};
use crate::domain::Timestamp;

/// The lease of a subscriber, as one process sees it.
pub(super) struct Lease {
    pub(super) subscriber: &'static str,
    /// This process.
    pub(super) holder: Uuid,
    /// How long it runs without being renewed.
    pub(super) length: Duration,
}

/// How the lease of a subscriber stands. As long as that is the same, nothing was settled for the subscriber: that becomes lasting
/// together with the lease's being claimed, prolonged, or let go of.
#[derive(FromRow, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) subscriber: String,
    leased_until: Timestamp,
    fence: i64,
}

impl Standing {
    /// Of all of these.
    pub(super) async fn of(
        subscribers: impl IntoIterator<Item = &'static str>,
        database: &Database,
    ) -> Result<Vec<Self>, DatabaseError> {
        let select = Query::select()
            .columns([EventLeases::Subscriber, EventLeases::LeasedUntil, EventLeases::Fence])
            .from(EventLeases::Table)
            .and_where(Expr::col(EventLeases::Subscriber).is_in(subscribers))
            .take();
        database.fetch_all(&select).await
    }
}

/// What was claimed: whoever claims the lease next has a higher one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fence(i64);

impl Lease {
    /// Makes sure that there is something to claim.
    pub(super) async fn enter(
        subscriber: &str,
        holder: Uuid,
        transaction: &mut Transaction,
    ) -> Result<(), DatabaseError> {
        let mut there_already = OnConflict::column(EventLeases::Subscriber);
        // Changes nothing. Each engine has its own words for doing nothing; this one they have in common.
        there_already.update_column(EventLeases::Subscriber);
        let enter = Query::insert()
            .into_table(EventLeases::Table)
            .columns([
                EventLeases::Subscriber,
                EventLeases::Holder,
                EventLeases::LeasedUntil,
                EventLeases::Fence,
            ])
            .values_panic([subscriber.into(), holder.into(), 0.into(), 0.into()])
            .on_conflict(there_already)
            .take();
        transaction.execute(&enter).await.map(drop)
    }

    /// Claims it, if nobody else holds it. One that runs much longer than any lease does was given by a clock that went wrong, and is
    /// as good as over; that the clocks of two processes differ a little is no reason to take it from the other one.
    pub(super) async fn claim(
        &self,
        transaction: &mut Transaction,
        now: Timestamp,
    ) -> Result<Option<Fence>, DatabaseError> {
        let until = Expr::col(EventLeases::LeasedUntil);
        let is_free = Expr::col(EventLeases::Holder)
            .eq(self.holder)
            .or(until.clone().lte(now))
            .or(until.gt(now.after(self.length * 2)));
        let claim = self
            .update(now.after(self.length))
            .value(EventLeases::Holder, self.holder)
            .value(EventLeases::Fence, Expr::col(EventLeases::Fence).add(1))
            .and_where(is_free)
            .take();
        if transaction.execute(&claim).await? == 0 {
            return Ok(None);
        }
        let fence = Query::select()
            .column(EventLeases::Fence)
            .from(EventLeases::Table)
            .and_where(Expr::col(EventLeases::Subscriber).eq(self.subscriber))
            .take();
        let fence: Option<(i64,)> = transaction.fetch_optional(&fence).await?;
        Ok(fence.map(|(fence,)| Fence(fence)))
    }

    /// The statement that lets it run until then, if the fence is still the same: it changes one row, else none.
    pub(super) fn prolong(&self, fence: Fence, until: Timestamp) -> UpdateStatement {
        self.update(until).and_where(Expr::col(EventLeases::Fence).eq(fence.0)).take()
    }

    /// The statement that lets go of it, if the fence is still the same.
    pub(super) fn release(&self, fence: Fence) -> UpdateStatement {
        self.prolong(fence, Timestamp::from_micros(0))
    }

    /// The statement that takes it away from whoever has it.
    pub(super) fn take_away(subscriber: &str) -> UpdateStatement {
        Query::update()
            .table(EventLeases::Table)
            .value(EventLeases::LeasedUntil, 0)
            .value(EventLeases::Fence, Expr::col(EventLeases::Fence).add(1))
            .and_where(Expr::col(EventLeases::Subscriber).eq(subscriber))
            .take()
    }

    /// Renews it, again and again; ends when somebody else has it. What keeps it from being renewed may pass.
    pub(super) async fn keep(&self, fence: Fence, database: &Database, clock: &dyn Clock) {
        loop {
            tokio::time::sleep(self.length / 3).await;
            match self.renew(fence, database, clock.now()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::debug!(
                    subscriber = self.subscriber,
                    error = crate::problem::chain(&error),
                    "a lease could not be renewed"
                ),
            }
        }
    }

    async fn renew(&self, fence: Fence, database: &Database, now: Timestamp) -> Result<bool, DatabaseError> {
        let mut transaction = database.begin().await?;
        let renewed = transaction.execute(&self.prolong(fence, now.after(self.length))).await?;
        transaction.commit().await?;
        Ok(renewed > 0)
    }

    fn update(&self, until: Timestamp) -> UpdateStatement {
        Query::update()
            .table(EventLeases::Table)
            .value(EventLeases::LeasedUntil, until)
            .and_where(Expr::col(EventLeases::Subscriber).eq(self.subscriber))
            .take()
    }
}
