//! Resubmit an event to those who did not take it.

use async_trait::async_trait;
use sea_query::{Query, UpdateStatement};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::tables::{DeliveryState, EventDeliveries};
use super::EventId;
use super::undelivered::{self, SubscriberName};
use crate::command::{Command, CommandHandler};
use crate::message::Message;
use crate::permission::Permission;
use crate::problem::Failure;
use crate::uow::WriteUow;

/// Hand an event over anew to whom it failed with, as if it never had been: to one subscriber, or to all of them.
#[derive(Clone)]
pub struct ResubmitEvent {
    /// The event.
    pub id: EventId,
    /// To this one alone.
    pub subscriber: Option<SubscriberName>,
}

/// What was resubmitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Resubmitted {
    /// How many deliveries are tried anew.
    #[schema(example = 1)]
    pub resubmitted: usize,
}

impl Command for ResubmitEvent {
    type Output = Resubmitted;
    const NAME: &'static str = "events.resubmit_event";
    const NEEDS: Permission = Permission::new("resubmit", "event");
}

/// Resubmits.
pub(in crate::event) struct Handler;

#[async_trait]
impl CommandHandler<ResubmitEvent> for Handler {
    async fn handle(
        &self,
        command: ResubmitEvent,
        uow: &mut WriteUow,
        _: &Message,
    ) -> Result<Resubmitted, Failure> {
        let states = [DeliveryState::Dead, DeliveryState::Failed];
        let found =
            undelivered::lock(&[command.id.into()], command.subscriber.as_ref(), &states, uow).await?;
        if found.is_empty() {
            return Err(undelivered::missing(command.id, uow).await?);
        }
        undelivered::change(&found, &anew(), uow).await?;
        Ok(Resubmitted { resubmitted: found.len() })
    }
}

/// As if it never had been tried. What went wrong last stays to be seen.
pub(super) fn anew() -> UpdateStatement {
    Query::update()
        .table(EventDeliveries::Table)
        .value(EventDeliveries::State, DeliveryState::Pending)
        .value(EventDeliveries::Attempts, 0)
        .value(EventDeliveries::NextAttemptAt, 0)
        .take()
}
