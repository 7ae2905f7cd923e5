//! The subscribers there are in a database, whether a program has them or not, and how one is retired that none has any more.

use sea_query::{Expr, ExprTrait, Query};
use uuid::Uuid;

use super::former;
use super::log::EventLogView;
use super::settle::Deliveries;
use super::tables::{EventDeliveries, EventLeases, EventSubscribers};
use crate::database::{Database, DatabaseError};
use crate::locks::Lock;
use crate::problem::Failure;

/// Deliveries removed in one transaction: others wait for it to write.
const BATCH: u64 = 500;

/// A subscriber, as the database knows it, and what is left to be delivered to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegisteredSubscriber {
    /// Its name.
    pub name: String,
    /// Events that are still to be taken, dead ones left out.
    pub backlog: i64,
    /// Events that are dead.
    pub dead: i64,
}

/// All of them, by their names.
pub(crate) async fn subscribers(database: &Database) -> Result<Vec<RegisteredSubscriber>, DatabaseError> {
    let log = EventLogView::new(database.clone());
    let mut subscribers = Vec::new();
    for name in log.subscribers().await? {
        let left = log.left_for(&name).await?;
        subscribers.push(RegisteredSubscriber { backlog: left.backlog, dead: left.dead, name });
    }
    Ok(subscribers)
}

/// Has nothing delivered any more to a subscriber, and removes what is left for it; answers how many deliveries that were. What was
/// broken off is gone on with. Who gave deliveries up, and why, is kept.
pub(crate) async fn retire(
    subscriber: &str,
    database: &Database,
    mut progress: impl FnMut(u64),
) -> Result<u64, Failure> {
    unregister(subscriber, database).await?;
    let mut removed = 0;
    loop {
        let some = Query::select()
            .column(EventDeliveries::EventId)
            .from(EventDeliveries::Table)
            .and_where(Expr::col(EventDeliveries::Subscriber).eq(subscriber))
            .limit(BATCH)
            .take();
        let some: Vec<(Uuid,)> = database.fetch_all(&some).await?;
        if some.is_empty() {
            return Ok(removed);
        }
        let events: Vec<Uuid> = some.into_iter().map(|(event,)| event).collect();
        let mut transaction = database.begin().await?;
        for delete in (Deliveries { subscriber, events: &events }).remove() {
            transaction.execute(&delete).await?;
        }
        transaction.commit().await?;
        removed += events.len() as u64;
        progress(removed);
    }
}

/// From then on there are no more deliveries to it, and nobody claims those that there are.
async fn unregister(subscriber: &str, database: &Database) -> Result<(), Failure> {
    let mut transaction = database.begin().await?;
    Lock::Deliveries.take(&mut transaction).await?;
    let registered = Query::delete()
        .from_table(EventSubscribers::Table)
        .and_where(Expr::col(EventSubscribers::Name).eq(subscriber))
        .take();
    let lease = Query::delete()
        .from_table(EventLeases::Table)
        .and_where(Expr::col(EventLeases::Subscriber).eq(subscriber))
        .take();
    for delete in [registered, lease, former::remove(subscriber)] {
        transaction.execute(&delete).await?;
    }
    Ok(transaction.commit().await?)
}
