//! Publish events again: for a service that lost what it was told, or that is new and wants to know the past.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use uuid::Uuid;

use super::super::publisher::PUBLISHER;
use super::super::registration::DELIVERY;
use super::super::settle::Deliveries;
use super::super::tables::{DeliveryState, EventDeliveries, EventLog, EventSubscribers};
use super::{Error, EventId};
use crate::command::{Command, CommandHandler};
use crate::criteria::Filter;
use crate::message::Message;
use crate::permission::Permission;
use crate::problem::{Failure, Internal};
use crate::uow::WriteUow;

/// Events in one transaction: others wait to write meanwhile.
const AT_ONCE: usize = 500;

/// Publish events again that were published, or that happened before anything was: the oldest of those that match, as many as go into
/// one transaction. Whoever hears of them knows by its id what they heard of before.
#[derive(Clone)]
pub struct RepublishEvents {
    /// Which events.
    pub filter: Filter,
    /// Only those after this one: where the last answer ended.
    pub after: Option<EventId>,
}

/// What is published again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RepublishedEvents {
    /// How many events.
    pub republished: usize,
    /// Whether there are more that match, and after which.
    pub more_after: Option<EventId>,
}

impl Command for RepublishEvents {
    type Output = RepublishedEvents;
    const NAME: &'static str = "events.republish_events";
    const NEEDS: Permission = Permission::new("resubmit", "event");
}

/// Has them published.
pub(in crate::event) struct Handler;

#[async_trait]
impl CommandHandler<RepublishEvents> for Handler {
    async fn handle(
        &self,
        command: RepublishEvents,
        uow: &mut WriteUow,
        _: &Message,
    ) -> Result<RepublishedEvents, Failure> {
        if uow.fetch_optional::<(String,)>(&publisher()).await?.is_none() {
            return Err(Error::NothingIsPublished.into());
        }
        let rows: Vec<(Uuid,)> = uow.fetch_all(&matching(&command)).await?;
        let events: Vec<Uuid> = rows.iter().take(AT_ONCE).map(|(id,)| *id).collect();
        let Some(last) = events.last().copied() else {
            return Ok(RepublishedEvents { republished: 0, more_after: None });
        };
        for delete in (Deliveries { subscriber: PUBLISHER, events: &events }).remove() {
            uow.execute(&delete).await?;
        }
        let anew = Query::select()
            .expr(Expr::val(PUBLISHER))
            .columns([EventLog::Id, EventLog::Subject, EventLog::Revision, EventLog::Sequence])
            .expr(Expr::val(DeliveryState::Pending.as_str()))
            .from(EventLog::Table)
            .and_where(Expr::col(EventLog::Id).is_in(events.iter().copied()))
            .take();
        let mut insert = Query::insert().into_table(EventDeliveries::Table).columns(DELIVERY).take();
        insert.select_from(anew).map_err(|error| Internal(error.to_string()))?;
        uow.execute(&insert).await?;
        uow.wake_subscribers();
        let more_after = (rows.len() > AT_ONCE).then(|| last.into());
        Ok(RepublishedEvents { republished: events.len(), more_after })
    }
}

fn publisher() -> SelectStatement {
    Query::select()
        .column(EventSubscribers::Name)
        .from(EventSubscribers::Table)
        .and_where(Expr::col(EventSubscribers::Name).eq(PUBLISHER))
        .take()
}

/// The events that match and happened here, oldest first; one more than is taken at once. What is still to be published, or to be
/// dispatched, comes anyway.
fn matching(command: &RepublishEvents) -> SelectStatement {
    let open = Query::select()
        .expr(Expr::val(1))
        .from(EventDeliveries::Table)
        .and_where(Expr::col(EventDeliveries::Subscriber).eq(PUBLISHER))
        .and_where(Expr::col(EventDeliveries::SettledAt).is_null())
        .and_where(
            Expr::col((EventDeliveries::Table, EventDeliveries::EventId))
                .eq(Expr::col((EventLog::Table, EventLog::Id))),
        )
        .take();
    let mut select = Query::select()
        .column(EventLog::Id)
        .from(EventLog::Table)
        .cond_where(command.filter.to_sql())
        .and_where(Expr::col(EventLog::ReceivedAt).is_null())
        .and_where(Expr::col(EventLog::DispatchedAt).is_not_null())
        .and_where(Expr::exists(open).not())
        .order_by(EventLog::Id, Order::Asc)
        .limit(AT_ONCE as u64 + 1)
        .take();
    if let Some(after) = command.after {
        select.and_where(Expr::col(EventLog::Id).gt(after));
    }
    select
}
