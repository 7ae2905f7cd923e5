//! Deliveries that are dead or failed so far: what somebody can see to.
//!
//! They are locked first, then changed; then the lease of the subscriber is taken away. Whoever is at work on one of them can settle
//! nothing any more, and whoever is just finding out what is held back is waited for: what is let go after that stays so.

use std::collections::BTreeMap;

use sea_query::{Expr, ExprTrait, LockType, Query, SelectStatement, UpdateStatement};
use sqlx::FromRow;
use uuid::Uuid;

use super::super::due;
use super::super::lease::Lease;
use super::super::tables::{DeliveryState, EventDeliveries, EventLog};
use super::EventId;
use super::error::Error;
use crate::database::DatabaseError;
use crate::problem::Failure;
use crate::uow::WriteUow;

crate::text! {
    /// The name of a subscriber.
    pub struct SubscriberName {
        length: 1..=255,
        allows: |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic()),
        rule: "visible ASCII characters",
        pattern: "^[!-~]+$",
        example: "authorization.follow_changes",
    }
}

/// A delivery that is dead or failed.
#[derive(FromRow)]
pub(super) struct Undelivered {
    pub(super) subscriber: String,
    pub(super) event_id: Uuid,
    subject: Uuid,
}

/// Those of these events, of one subscriber or of all, locked until the end.
pub(super) async fn lock(
    events: &[Uuid],
    subscriber: Option<&SubscriberName>,
    states: &[DeliveryState],
    uow: &mut WriteUow,
) -> Result<Vec<Undelivered>, DatabaseError> {
    let mut select = Query::select()
        .columns([EventDeliveries::Subscriber, EventDeliveries::EventId, EventDeliveries::Subject])
        .from(EventDeliveries::Table)
        .and_where(Expr::col(EventDeliveries::EventId).is_in(events.iter().copied()))
        .and_where(is_undelivered(subscriber, states))
        .order_by(EventDeliveries::EventId, sea_query::Order::Asc)
        .order_by(EventDeliveries::Subscriber, sea_query::Order::Asc)
        .take();
    uow.lock(&locked(&select)).await?;
    uow.fetch_all(&select.take()).await
}

fn locked(select: &SelectStatement) -> SelectStatement {
    select.clone().lock(LockType::Update).take()
}

/// The condition on a delivery.
pub(super) fn is_undelivered(subscriber: Option<&SubscriberName>, states: &[DeliveryState]) -> Expr {
    let is_open = Expr::col(EventDeliveries::SettledAt)
        .is_null()
        .and(Expr::col(EventDeliveries::State).is_in(states.iter().copied()));
    match subscriber {
        Some(subscriber) => is_open.and(Expr::col(EventDeliveries::Subscriber).eq(subscriber.as_str())),
        None => is_open,
    }
}

/// Changes all of them alike, and lets go of what they held back.
pub(super) async fn change(
    deliveries: &[Undelivered],
    change: &UpdateStatement,
    uow: &mut WriteUow,
) -> Result<(), DatabaseError> {
    let mut by_subscriber: BTreeMap<&str, Vec<&Undelivered>> = BTreeMap::new();
    for delivery in deliveries {
        by_subscriber.entry(&delivery.subscriber).or_default().push(delivery);
    }
    for (subscriber, deliveries) in by_subscriber {
        let events = deliveries.iter().map(|delivery| delivery.event_id);
        let of_these = due::are_open(subscriber, events);
        uow.execute(&change.clone().and_where(of_these).take()).await?;
        uow.execute(&Lease::take_away(subscriber)).await?;
        uow.execute(&due::let_go(subscriber, deliveries.iter().map(|delivery| delivery.subject))).await?;
    }
    uow.wake_subscribers();
    Ok(())
}

/// Why there is nothing to see to.
pub(super) async fn missing(event: EventId, uow: &mut WriteUow) -> Result<Failure, DatabaseError> {
    let exists = Query::select()
        .column(EventLog::Id)
        .from(EventLog::Table)
        .and_where(Expr::col(EventLog::Id).eq(event))
        .take();
    if uow.fetch_optional::<(Uuid,)>(&exists).await?.is_none() {
        return Ok(Error::NotFound(event).into());
    }
    let states = Query::select()
        .columns([EventDeliveries::Subscriber, EventDeliveries::State])
        .from(EventDeliveries::Table)
        .and_where(Expr::col(EventDeliveries::EventId).eq(event))
        .order_by(EventDeliveries::Subscriber, sea_query::Order::Asc)
        .take();
    let states: Vec<(String, String)> = uow.fetch_all(&states).await?;
    let states: Vec<String> =
        states.into_iter().map(|(subscriber, state)| format!("{subscriber}: {state}")).collect();
    let states = if states.is_empty() { "nobody takes it".to_owned() } else { states.join(", ") };
    Ok(Error::NotOpen { event, states }.into())
}
