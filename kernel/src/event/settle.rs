//! The statements that write down what became of a delivery.

use sea_query::{DeleteStatement, Expr, ExprTrait, InsertStatement, Query, UpdateStatement};
use uuid::Uuid;

use super::due::{HELD_BACK, are_open};
use super::tables::{DeliveryState, EventDeliveries, EventInbox};
use crate::domain::Timestamp;

/// The deliveries of these events to a subscriber.
pub(super) struct Deliveries<'d> {
    pub(super) subscriber: &'d str,
    pub(super) events: &'d [Uuid],
}

impl Deliveries<'_> {
    /// An attempt is about to be made: an event that brings the process down is seen to have been tried.
    pub(super) fn count_attempt(&self) -> UpdateStatement {
        self.open().value(EventDeliveries::Attempts, Expr::col(EventDeliveries::Attempts).add(1)).take()
    }

    /// It was none: as often as before they were tried. Where something else came of one meanwhile, it stays as it is.
    pub(super) fn take_back_attempt(&self, before: i64, state: &str) -> UpdateStatement {
        self.open()
            .value(EventDeliveries::Attempts, before)
            .and_where(Expr::col(EventDeliveries::Attempts).eq(before + 1))
            .and_where(Expr::col(EventDeliveries::State).eq(state))
            .take()
    }

    /// The subscriber has taken them: the record that refuses to let it take them twice.
    pub(super) fn take(&self, now: Timestamp) -> InsertStatement {
        let mut take = Query::insert()
            .into_table(EventInbox::Table)
            .columns([EventInbox::Subscriber, EventInbox::EventId, EventInbox::TakenAt])
            .take();
        for event in self.events {
            take.values_panic([self.subscriber.into(), (*event).into(), now.into()]);
        }
        take
    }

    /// They are delivered.
    pub(super) fn delivered(&self, now: Timestamp) -> UpdateStatement {
        self.open()
            .value(EventDeliveries::State, DeliveryState::Delivered)
            .value(EventDeliveries::SettledAt, now)
            .take()
    }

    /// They are to be tried again.
    pub(super) fn put_off(&self, until: Timestamp, error: &str) -> UpdateStatement {
        self.failed(DeliveryState::Failed, until, error)
    }

    /// They are not tried any more, and hold back what comes after them, until somebody looks at them.
    pub(super) fn dead(&self, error: &str) -> UpdateStatement {
        self.failed(DeliveryState::Dead, HELD_BACK, error)
    }

    /// They are gone, with the record that they were taken.
    pub(super) fn remove(&self) -> [DeleteStatement; 2] {
        let events = || self.events.iter().copied();
        let inbox = Query::delete()
            .from_table(EventInbox::Table)
            .and_where(Expr::col(EventInbox::Subscriber).eq(self.subscriber))
            .and_where(Expr::col(EventInbox::EventId).is_in(events()))
            .take();
        let deliveries = Query::delete()
            .from_table(EventDeliveries::Table)
            .and_where(Expr::col(EventDeliveries::Subscriber).eq(self.subscriber))
            .and_where(Expr::col(EventDeliveries::EventId).is_in(events()))
            .take();
        [inbox, deliveries]
    }

    fn failed(&self, state: DeliveryState, next_attempt_at: Timestamp, error: &str) -> UpdateStatement {
        self.open()
            .value(EventDeliveries::State, state)
            .value(EventDeliveries::NextAttemptAt, next_attempt_at)
            .value(EventDeliveries::LastError, error)
            .take()
    }

    /// What is settled stays as it is.
    fn open(&self) -> UpdateStatement {
        Query::update()
            .table(EventDeliveries::Table)
            .and_where(are_open(self.subscriber, self.events.iter().copied()))
            .take()
    }
}
