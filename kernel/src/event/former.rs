//! What subscribers took once: an older version of the program may take less for a while, and the record of what the newer one took may
//! be pruned by the time it is back.

use sea_query::{DeleteStatement, Expr, ExprTrait, OnConflict, Query};

use super::log::last_dispatch;
use super::subscriber::Subscriber;
use super::tables::{EventDeliveries, EventFormerSubscriptions, EventInbox, EventLog};
use crate::database::{DatabaseError, Transaction};
use crate::domain::Timestamp;
use crate::uow::WriteUow;

/// All events but those that the subscriber went on to take.
const ALL: &str = "*";

/// The events that a subscriber took once, each with the last dispatch that it took of them.
pub(super) async fn subscriptions(
    subscriber: &str,
    transaction: &mut Transaction,
) -> Result<Vec<(String, Timestamp)>, DatabaseError> {
    let select = Query::select()
        .columns([EventFormerSubscriptions::Events, EventFormerSubscriptions::TakenUntil])
        .from(EventFormerSubscriptions::Table)
        .and_where(Expr::col(EventFormerSubscriptions::Subscriber).eq(subscriber))
        .take();
    transaction.fetch_all(&select).await
}

/// The condition on an event that it was not taken by way of this one.
pub(super) fn is_not_of(events: &str, until: Timestamp) -> Expr {
    let is_later = Expr::col(EventLog::DispatchedAt).gt(until);
    if events == ALL { is_later } else { is_later.or(Expr::col(EventLog::Type).ne(events)) }
}

/// Keeps until when it took those that it takes no more. Nothing is dispatched meanwhile.
pub(super) async fn keep(
    subscriber: &Subscriber,
    before: &[String],
    transaction: &mut Transaction,
) -> Result<(), DatabaseError> {
    let now = subscriber.events;
    let dropped: Vec<&str> = match (before, now) {
        (_, []) => return Ok(()),
        ([], _) => vec![ALL],
        _ => before.iter().map(String::as_str).filter(|taken| !now.contains(taken)).collect(),
    };
    let latest: Option<(Option<Timestamp>,)> = transaction.fetch_optional(&last_dispatch()).await?;
    let Some((Some(until),)) = latest else { return Ok(()) };
    for events in dropped {
        let later =
            OnConflict::columns([EventFormerSubscriptions::Subscriber, EventFormerSubscriptions::Events])
                .update_column(EventFormerSubscriptions::TakenUntil)
                .to_owned();
        let keep = Query::insert()
            .into_table(EventFormerSubscriptions::Table)
            .columns([
                EventFormerSubscriptions::Subscriber,
                EventFormerSubscriptions::Events,
                EventFormerSubscriptions::TakenUntil,
            ])
            .values_panic([subscriber.name.into(), events.into(), until.into()])
            .on_conflict(later)
            .take();
        transaction.execute(&keep).await?;
    }
    Ok(())
}

/// Nothing is known any more of what a subscriber took once.
pub(super) fn remove(subscriber: &str) -> DeleteStatement {
    Query::delete()
        .from_table(EventFormerSubscriptions::Table)
        .and_where(Expr::col(EventFormerSubscriptions::Subscriber).eq(subscriber))
        .take()
}

/// What came of events that it does not take now is gone: should it take them again, it takes all of them.
pub(super) async fn forget(subscriber: &Subscriber, uow: &mut WriteUow) -> Result<(), DatabaseError> {
    let (name, events) = (subscriber.name, subscriber.events);
    if events.is_empty() {
        return Ok(());
    }
    let others = Query::select()
        .column(EventLog::Id)
        .from(EventLog::Table)
        .and_where(Expr::col(EventLog::Type).is_not_in(events.iter().copied()))
        .take();
    let deliveries = Query::delete()
        .from_table(EventDeliveries::Table)
        .and_where(Expr::col(EventDeliveries::Subscriber).eq(name))
        .and_where(Expr::col(EventDeliveries::SettledAt).is_not_null())
        .and_where(Expr::col(EventDeliveries::EventId).in_subquery(others.clone()))
        .take();
    let inbox = Query::delete()
        .from_table(EventInbox::Table)
        .and_where(Expr::col(EventInbox::Subscriber).eq(name))
        .and_where(Expr::col(EventInbox::EventId).in_subquery(others))
        .take();
    for delete in [deliveries, inbox, remove(name)] {
        uow.execute(&delete).await?;
    }
    Ok(())
}
