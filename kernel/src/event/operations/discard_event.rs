//! Discard an event for those who did not take it, and never will.

use async_trait::async_trait;
use sea_query::{InsertStatement, OnConflict, Query};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::tables::{DeliveryState, EventDeliveries, EventDiscards};
use super::EventId;
use super::undelivered::{self, SubscriberName, Undelivered};
use crate::command::{Command, CommandHandler};
use crate::message::Message;
use crate::permission::Permission;
use crate::problem::Failure;
use crate::uow::WriteUow;

crate::text! {
    /// Why an event was given up.
    pub struct DiscardReason {
        length: 1..=1000,
        allows: |text: &str| !text.trim().is_empty() && !text.chars().any(char::is_control),
        rule: "a text that is not blank and has no control characters",
        pattern: "^[^\\u0000-\\u001F\\u007F-\\u009F]*[^\\u0000-\\u001F\\u007F-\\u009F\\s][^\\u0000-\\u001F\\u007F-\\u009F]*$",
        example: "The server was removed by hand",
    }
}

/// Give up handing an event over to whom it failed with: to one subscriber, or to all of them. What it held back comes next.
#[derive(Clone)]
pub struct DiscardEvent {
    /// The event.
    pub id: EventId,
    /// For this one alone.
    pub subscriber: Option<SubscriberName>,
    /// Why.
    pub reason: DiscardReason,
}

/// What was discarded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Discarded {
    /// How many deliveries were given up.
    #[schema(example = 1)]
    pub discarded: usize,
}

impl Command for DiscardEvent {
    type Output = Discarded;
    const NAME: &'static str = "events.discard_event";
    const NEEDS: Permission = Permission::new("discard", "event");
}

/// Discards.
pub(in crate::event) struct Handler;

#[async_trait]
impl CommandHandler<DiscardEvent> for Handler {
    async fn handle(
        &self,
        command: DiscardEvent,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<Discarded, Failure> {
        let states = [DeliveryState::Dead, DeliveryState::Failed];
        let found =
            undelivered::lock(&[command.id.into()], command.subscriber.as_ref(), &states, uow).await?;
        if found.is_empty() {
            return Err(undelivered::missing(command.id, uow).await?);
        }
        let give_up = Query::update()
            .table(EventDeliveries::Table)
            .value(EventDeliveries::State, DeliveryState::Discarded)
            .value(EventDeliveries::SettledAt, message.now)
            .take();
        undelivered::change(&found, &give_up, uow).await?;
        uow.execute(&on_record(&found, &command.reason, message)).await?;
        Ok(Discarded { discarded: found.len() })
    }
}

/// Who gave them up, when and why. Of a delivery that was made once more since it was last given up, that was before.
fn on_record(deliveries: &[Undelivered], reason: &DiscardReason, message: &Message) -> InsertStatement {
    let latest = OnConflict::columns([EventDiscards::EventId, EventDiscards::Subscriber])
        .update_columns([EventDiscards::DiscardedAt, EventDiscards::Actor, EventDiscards::Reason])
        .to_owned();
    let mut insert = Query::insert()
        .into_table(EventDiscards::Table)
        .columns([
            EventDiscards::EventId,
            EventDiscards::Subscriber,
            EventDiscards::DiscardedAt,
            EventDiscards::Actor,
            EventDiscards::Reason,
        ])
        .on_conflict(latest)
        .take();
    for delivery in deliveries {
        insert.values_panic([
            delivery.event_id.into(),
            delivery.subscriber.as_str().into(),
            message.now.into(),
            message.caller.subject().into(),
            reason.as_str().into(),
        ]);
    }
    insert
}
