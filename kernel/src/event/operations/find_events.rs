//! Find events: one, or a page of them, with what became of their deliveries.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait};
use uuid::Uuid;

use super::super::log::EventRow;
use super::super::tables::EventLog;
use super::EventId;
use super::error::Error;
use super::view::{DeliveryRow, EventView};
use crate::criteria::{Criteria, Slice};
use crate::database::DatabaseError;
use crate::message::Message;
use crate::permission::Permission;
use crate::problem::Failure;
use crate::query::{Query, QueryHandler};
use crate::uow::ReadUow;

/// Find the events that meet the criteria, newest first unless they say otherwise.
pub struct FindEvents {
    /// Which of them.
    pub criteria: Criteria<EventView>,
}

impl Query for FindEvents {
    type Output = Slice<EventView>;
    const NAME: &'static str = "events.find_events";
    const NEEDS: Permission = Permission::new("read", "event");
}

/// Find the event with this id.
pub struct FindEvent {
    /// The event.
    pub id: EventId,
}

impl Query for FindEvent {
    type Output = EventView;
    const NAME: &'static str = "events.find_event";
    const NEEDS: Permission = Permission::new("read", "event");
}

/// Finds events.
pub(in crate::event) struct Handler;

#[async_trait]
impl QueryHandler<FindEvents> for Handler {
    async fn handle(
        &self,
        query: FindEvents,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<Slice<EventView>, Failure> {
        let scope = message.access.scope();
        let mut slice = query.criteria.fetch::<EventRow>(EventRow::select(), &scope, uow).await?;
        if query.criteria.shows("deliveries") {
            add_deliveries(&mut slice.items, uow).await?;
        }
        Ok(slice)
    }
}

#[async_trait]
impl QueryHandler<FindEvent> for Handler {
    async fn handle(&self, query: FindEvent, uow: &mut ReadUow, _: &Message) -> Result<EventView, Failure> {
        let select =
            EventRow::select().and_where(Expr::col((EventLog::Table, EventLog::Id)).eq(query.id)).take();
        let found: Option<EventRow> = uow.fetch_optional(&select).await?;
        let mut found = [EventView::from(found.ok_or(Error::NotFound(query.id))?)];
        add_deliveries(&mut found, uow).await?;
        let [event] = found;
        Ok(event)
    }
}

/// By one statement, however many events there are.
async fn add_deliveries(events: &mut [EventView], uow: &mut ReadUow) -> Result<(), DatabaseError> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    for row in uow.fetch_all::<DeliveryRow>(&DeliveryRow::select(&ids)).await? {
        if let Some(event) = events.iter_mut().find(|event| event.id == row.event_id) {
            event.deliveries.push(row.into());
        }
    }
    Ok(())
}
