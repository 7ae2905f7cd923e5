//! Who is subscribed to what, as the database knows it: for all processes, whether they run right now or not.

use sea_query::{Expr, ExprTrait, InsertStatement, OnConflict, Query, SelectStatement};
use sqlx::FromRow;
use uuid::Uuid;

use super::former;
use super::lease::Lease;
use super::publisher::PUBLISHER;
use super::subscriber::{Start, Subscriber};
use super::tables::{DeliveryState, EventDeliveries, EventLog, EventSubscribers};
use crate::database::{Database, Transaction};
use crate::domain::Timestamp;
use crate::locks::Lock;
use crate::problem::{Failure, Internal};

/// The columns of a new delivery.
pub(super) const DELIVERY: [EventDeliveries; 6] = [
    EventDeliveries::Subscriber,
    EventDeliveries::EventId,
    EventDeliveries::Subject,
    EventDeliveries::Revision,
    EventDeliveries::Sequence,
    EventDeliveries::State,
];

/// A subscriber, as the database knows it.
pub(super) struct Registered {
    pub(super) name: String,
    events: Vec<String>,
}

#[derive(FromRow)]
struct Row {
    name: String,
    events: String,
}

impl Registered {
    /// Whether it takes events of this name. What others told of is not told to others.
    pub(super) fn takes(&self, event_type: &str, was_received: bool) -> bool {
        let takes_type = self.events.is_empty() || self.events.iter().any(|taken| taken == event_type);
        takes_type && !(was_received && self.name == PUBLISHER)
    }
}

impl TryFrom<Row> for Registered {
    type Error = Internal;

    fn try_from(row: Row) -> Result<Self, Internal> {
        let events = serde_json::from_str(&row.events).map_err(|error| {
            Internal(format!("the events of subscriber {} are no JSON: {error}", row.name))
        })?;
        Ok(Self { name: row.name, events })
    }
}

/// All subscribers.
pub(super) async fn registered(transaction: &mut Transaction) -> Result<Vec<Registered>, Failure> {
    let select = Query::select()
        .columns([EventSubscribers::Name, EventSubscribers::Events])
        .from(EventSubscribers::Table)
        .take();
    let rows: Vec<Row> = transaction.fetch_all(&select).await?;
    rows.into_iter().map(|row| Registered::try_from(row).map_err(Into::into)).collect()
}

/// Registers the subscribers of this process. One that starts at the beginning gets a delivery of every past event that it takes,
/// and did not take before.
pub(super) async fn register(
    database: &Database,
    subscribers: &[Subscriber],
    holder: Uuid,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut transaction = database.begin_maintenance().await?;
    // An event is dispatched before, and then is past, or after, and then comes by itself.
    Lock::Deliveries.take(&mut transaction).await?;
    let known = registered(&mut transaction).await?;
    for subscriber in subscribers {
        Lease::enter(subscriber.name, holder, &mut transaction).await?;
        let before = known.iter().find(|registered| registered.name == subscriber.name);
        if before.is_some_and(|before| before.events == subscriber.events) {
            continue;
        }
        transaction.execute(&enter(subscriber, now)).await?;
        if subscriber.start == Start::Beginning
            && let Some(mut past) = past_events(subscriber, before)
        {
            for (events, until) in former::subscriptions(subscriber.name, &mut transaction).await? {
                past.and_where(former::is_not_of(&events, until));
            }
            transaction.execute(&deliver(subscriber, past)?).await?;
        }
        if let Some(before) = before {
            former::keep(subscriber, &before.events, &mut transaction).await?;
        }
    }
    Ok(transaction.commit().await?)
}

fn enter(subscriber: &Subscriber, now: Timestamp) -> InsertStatement {
    let events = serde_json::json!(subscriber.events).to_string();
    let update =
        OnConflict::column(EventSubscribers::Name).update_column(EventSubscribers::Events).to_owned();
    Query::insert()
        .into_table(EventSubscribers::Table)
        .columns([EventSubscribers::Name, EventSubscribers::Events, EventSubscribers::RegisteredAt])
        .values_panic([subscriber.name.into(), events.into(), now.into()])
        .on_conflict(update)
        .take()
}

/// The past events that a subscriber takes, and did not take before; none: there are no such. What is not dispatched yet comes by
/// itself.
fn past_events(subscriber: &Subscriber, before: Option<&Registered>) -> Option<SelectStatement> {
    let mut past = Query::select()
        .expr(Expr::val(subscriber.name))
        .columns([EventLog::Id, EventLog::Subject, EventLog::Revision, EventLog::Sequence])
        .expr(Expr::val(DeliveryState::Pending.as_str()))
        .from(EventLog::Table)
        .and_where(Expr::col(EventLog::DispatchedAt).is_not_null())
        .take();
    let took = |event: &str| before.is_some_and(|before| before.takes(event, false));
    match (subscriber.events, before) {
        ([], None) => {}
        ([], Some(before)) if before.events.is_empty() => return None,
        ([], Some(before)) => {
            past.and_where(Expr::col(EventLog::Type).is_not_in(before.events.iter().map(String::as_str)));
        }
        (events, _) => {
            let new: Vec<&str> = events.iter().copied().filter(|event| !took(event)).collect();
            if new.is_empty() {
                return None;
            }
            past.and_where(Expr::col(EventLog::Type).is_in(new));
        }
    }
    Some(past)
}

/// All in the database: the log may be long.
fn deliver(subscriber: &Subscriber, mut past: SelectStatement) -> Result<InsertStatement, Internal> {
    let delivery = Query::select()
        .expr(Expr::val(1))
        .from(EventDeliveries::Table)
        .and_where(Expr::col(EventDeliveries::Subscriber).eq(subscriber.name))
        .and_where(
            Expr::col((EventDeliveries::Table, EventDeliveries::EventId))
                .eq(Expr::col((EventLog::Table, EventLog::Id))),
        )
        .take();
    past.and_where(Expr::exists(delivery).not());
    let mut insert = Query::insert().into_table(EventDeliveries::Table).columns(DELIVERY).take();
    insert.select_from(past).map_err(|error| Internal(error.to_string()))?;
    Ok(insert)
}
