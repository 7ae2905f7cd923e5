//! Resubmit dead events, as many as match.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::due::HELD_BACK;
use super::super::tables::{DeliveryState, EventDeliveries, EventLog, EventSubscribers};
use super::EventId;
use super::resubmit_event::anew;
use super::undelivered::{self, SubscriberName};
use crate::command::{Command, CommandHandler};
use crate::criteria::Filter;
use crate::message::Message;
use crate::permission::Permission;
use crate::problem::Failure;
use crate::uow::WriteUow;

/// Events in one transaction: others wait to write meanwhile.
const AT_ONCE: usize = 500;

/// Hand dead events over anew: the oldest of those that match, as many as go into one transaction.
#[derive(Clone)]
pub struct ResubmitEvents {
    /// Which events.
    pub filter: Filter,
    /// To this subscriber alone.
    pub subscriber: Option<SubscriberName>,
    /// Only those after this one: where the last answer ended.
    pub after: Option<EventId>,
}

/// What was resubmitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct ResubmittedEvents {
    /// How many deliveries are tried anew.
    #[schema(example = 12)]
    pub resubmitted: usize,
    /// Whether there are more that match: ask again, for those after `last`.
    #[schema(example = false)]
    pub more: bool,
    /// The last of these events; null: there were none.
    #[schema(required)]
    pub last: Option<EventId>,
}

impl Command for ResubmitEvents {
    type Output = ResubmittedEvents;
    const NAME: &'static str = "events.resubmit_events";
    const NEEDS: Permission = Permission::new("resubmit", "event");
}

/// Resubmits.
pub(in crate::event) struct Handler;

#[async_trait]
impl CommandHandler<ResubmitEvents> for Handler {
    async fn handle(
        &self,
        command: ResubmitEvents,
        uow: &mut WriteUow,
        _: &Message,
    ) -> Result<ResubmittedEvents, Failure> {
        let rows: Vec<(Uuid,)> = uow.fetch_all(&dead(&command)).await?;
        let more = rows.len() > AT_ONCE;
        let events: Vec<Uuid> = rows.into_iter().take(AT_ONCE).map(|(id,)| id).collect();
        let Some(last) = events.last().copied() else {
            return Ok(ResubmittedEvents { resubmitted: 0, more, last: None });
        };
        let found =
            undelivered::lock(&events, command.subscriber.as_ref(), &[DeliveryState::Dead], uow).await?;
        undelivered::change(&found, &anew(), uow).await?;
        Ok(ResubmittedEvents { resubmitted: found.len(), more, last: Some(last.into()) })
    }
}

/// The events that match and are dead, oldest first; one more than is taken at once. What is dead is found where what is held back is,
/// of each subscriber: not among all that was delivered.
fn dead(command: &ResubmitEvents) -> SelectStatement {
    let subscribers = Query::select().column(EventSubscribers::Name).from(EventSubscribers::Table).take();
    let dead = Query::select()
        .column(EventDeliveries::EventId)
        .from(EventDeliveries::Table)
        .and_where(undelivered::is_undelivered(command.subscriber.as_ref(), &[DeliveryState::Dead]))
        .and_where(Expr::col(EventDeliveries::Subscriber).in_subquery(subscribers))
        .and_where(Expr::col(EventDeliveries::NextAttemptAt).eq(HELD_BACK))
        .take();
    let mut select = Query::select()
        .column(EventLog::Id)
        .from(EventLog::Table)
        .cond_where(command.filter.to_sql())
        .and_where(Expr::col(EventLog::Id).in_subquery(dead))
        .order_by(EventLog::Id, Order::Asc)
        .limit(AT_ONCE as u64 + 1)
        .take();
    if let Some(after) = command.after {
        select.and_where(Expr::col(EventLog::Id).gt(after));
    }
    select
}
