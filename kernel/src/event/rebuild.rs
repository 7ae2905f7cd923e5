//! Rebuilds a projection: empties its table, and hands every past event of its subscriber over again.
//!
//! All in one transaction: until it ends, readers see the table as it was. It takes the lease of the subscriber away first, and so
//! keeps others from it; what is dispatched meanwhile is handed over as ever, afterwards.

use std::time::Duration;

use metrics::Counter;
use sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement, UpdateStatement};
use sqlx::FromRow;
use uuid::Uuid;

use super::due::{HELD_BACK, is_open};
use super::former;
use super::handover::message_of;
use super::lease::Lease;
use super::log::{EventRow, last_dispatch};
use super::subscriber::{Start, Subscriber, Taker};
use super::tables::{DeliveryState, EventDeliveries, EventDiscards, EventLog, EventSubscribers};
use crate::attempts::Attempts;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::message::{Caller, Message, RequestId};
use crate::problem::{Failure, Internal};
use crate::uow::{UnitsOfWork, WriteUow};

/// Events looked up at a time.
const PAGE: u64 = 500;

/// How far a rebuild is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RebuildProgress {
    /// Events handed over.
    pub done: u64,
    /// Events in all.
    pub of: u64,
}

/// The projection of a subscriber, about to be rebuilt.
pub(crate) struct Rebuild<'r> {
    pub(crate) subscriber: &'r Subscriber,
    pub(crate) units: &'r UnitsOfWork,
    pub(crate) clock: &'r dyn Clock,
}

/// An event at its place in the order of dispatch.
#[derive(FromRow)]
struct Past {
    dispatched_at: Timestamp,
    #[sqlx(flatten)]
    event: EventRow,
}

impl Rebuild<'_> {
    /// Rebuilds `table`; answers how many events it was made of. Whoever is at work for the subscriber just then may get in the way:
    /// they lock its rows before its lease.
    pub(crate) async fn run(
        &self,
        table: &'static str,
        mut progress: impl FnMut(RebuildProgress),
    ) -> Result<u64, Failure> {
        let mut attempts = Attempts::within(Duration::MAX, Counter::noop());
        loop {
            let mut uow = self.units.write_for_long(self.message()).await?;
            let filled = self.fill(table, &mut progress, &mut uow).await;
            match uow.end(filled).await {
                Err(broken_off) if attempts.another_after(&broken_off).await => {}
                ended => return Ok(ended?),
            }
        }
    }

    async fn fill(
        &self,
        table: &'static str,
        progress: &mut impl FnMut(RebuildProgress),
        uow: &mut WriteUow,
    ) -> Result<u64, Failure> {
        uow.execute(&Lease::take_away(self.subscriber.name)).await?;
        let since = self.since(uow).await?;
        // The order of dispatch has no gaps that fill later: what comes now comes after this.
        let until = latest(uow).await?;
        uow.execute(&Query::delete().from_table(Alias::new(table)).take()).await?;
        let past = self.past(since, until);
        let mut so_far = RebuildProgress { done: 0, of: count(&past, uow).await? };
        let mut place = None;
        loop {
            let page: Vec<Past> = uow.fetch_all(&self.page(&past, place)).await?;
            let Some(last) = page.last() else { break };
            place = Some((last.dispatched_at, last.event.subject, last.event.revision, last.event.sequence));
            for past in &page {
                self.hand_over(&past.event, uow).await?;
            }
            so_far.done += page.len() as u64;
            progress(so_far);
        }
        uow.execute(&self.delivered(until)).await?;
        uow.execute(&self.let_go()).await?;
        former::forget(self.subscriber, uow).await?;
        uow.wake_subscribers();
        Ok(so_far.done)
    }

    /// Where in the log the subscriber began.
    async fn since(&self, uow: &mut WriteUow) -> Result<Timestamp, Failure> {
        let registered = Query::select()
            .column(EventSubscribers::RegisteredAt)
            .from(EventSubscribers::Table)
            .and_where(Expr::col(EventSubscribers::Name).eq(self.subscriber.name))
            .take();
        let registered: Option<(Timestamp,)> = uow.fetch_optional(&registered).await?;
        match (registered, self.subscriber.start) {
            (None, _) => {
                let name = self.subscriber.name;
                Err(Internal(format!(
                    "{name} never ran on this database: it begins when the service is started"
                ))
                .into())
            }
            (Some(_), Start::Beginning) => Ok(Timestamp::from_micros(0)),
            (Some((registered,)), Start::Now) => Ok(registered),
        }
    }

    /// What it takes of what was dispatched then, but for what somebody gave up.
    fn past(&self, since: Timestamp, until: Timestamp) -> SelectStatement {
        let place = |column| Expr::col((EventLog::Table, column));
        let discarded = Query::select()
            .column(EventDiscards::EventId)
            .from(EventDiscards::Table)
            .and_where(Expr::col(EventDiscards::Subscriber).eq(self.subscriber.name))
            .take();
        let mut past = EventRow::select()
            .and_where(place(EventLog::DispatchedAt).gte(since))
            .and_where(place(EventLog::DispatchedAt).lte(until))
            .and_where(place(EventLog::Id).not_in_subquery(discarded))
            .take();
        self.only_taken(&mut past);
        past
    }

    /// What another version of the program takes besides is left to it.
    fn only_taken(&self, events: &mut SelectStatement) {
        if !self.subscriber.events.is_empty() {
            let event_type = Expr::col((EventLog::Table, EventLog::Type));
            events.and_where(event_type.is_in(self.subscriber.events.iter().copied()));
        }
    }

    /// In the order of dispatch; what was dispatched together, in the order of each aggregate.
    fn page(&self, past: &SelectStatement, after: Option<(Timestamp, Uuid, i64, i64)>) -> SelectStatement {
        let column = |column| (EventLog::Table, column);
        let order = [EventLog::DispatchedAt, EventLog::Subject, EventLog::Revision, EventLog::Sequence];
        let mut page = past.clone().column(column(EventLog::DispatchedAt)).limit(PAGE).take();
        for by in order {
            page.order_by(column(by), Order::Asc);
        }
        if let Some((at, subject, revision, sequence)) = after {
            let [at_column, subject_column, revision_column, sequence_column] =
                order.map(|by| Expr::col(column(by)));
            let later_of_subject = revision_column
                .clone()
                .gt(revision)
                .or(revision_column.eq(revision).and(sequence_column.gt(sequence)));
            let later_of_batch =
                subject_column.clone().gt(subject).or(subject_column.eq(subject).and(later_of_subject));
            page.and_where(at_column.clone().gte(at));
            page.and_where(at_column.clone().gt(at).or(at_column.eq(at).and(later_of_batch)));
        }
        page
    }

    async fn hand_over(&self, row: &EventRow, uow: &mut WriteUow) -> Result<(), Failure> {
        let event = row.envelope()?;
        let (id, event_type) = (event.id, event.event_type.clone());
        let message = message_of(&event, self.clock.now());
        uow.go_on_for(message.clone());
        let Taker::Handler(handler) = &self.subscriber.taker else { return Ok(()) };
        handler.deliver(event, uow, &message).await.map_err(|fault| {
            Internal(format!("{event_type} {id} was not taken, and all is as it was before: {fault}")).into()
        })
    }

    /// What was handed over is not handed over once more.
    fn delivered(&self, until: Timestamp) -> UpdateStatement {
        let mut past = Query::select()
            .column(EventLog::Id)
            .from(EventLog::Table)
            .and_where(Expr::col(EventLog::DispatchedAt).lte(until))
            .take();
        self.only_taken(&mut past);
        Query::update()
            .table(EventDeliveries::Table)
            .value(EventDeliveries::State, DeliveryState::Delivered)
            .value(EventDeliveries::SettledAt, self.clock.now())
            .and_where(is_open(self.subscriber.name))
            .and_where(Expr::col(EventDeliveries::EventId).in_subquery(past))
            .take()
    }

    /// Nothing is left that holds anything back.
    fn let_go(&self) -> UpdateStatement {
        Query::update()
            .table(EventDeliveries::Table)
            .value(EventDeliveries::NextAttemptAt, 0)
            .and_where(is_open(self.subscriber.name))
            .and_where(Expr::col(EventDeliveries::NextAttemptAt).eq(HELD_BACK))
            .take()
    }

    fn message(&self) -> Message {
        Message::new(Caller::service(), RequestId::of_job("rebuild"), None, self.clock.now())
    }
}

/// What was dispatched last.
async fn latest(uow: &mut WriteUow) -> Result<Timestamp, Failure> {
    let latest: Option<(Option<Timestamp>,)> = uow.fetch_optional(&last_dispatch()).await?;
    Ok(latest.and_then(|(latest,)| latest).unwrap_or(Timestamp::from_micros(0)))
}

async fn count(past: &SelectStatement, uow: &mut WriteUow) -> Result<u64, Failure> {
    let count = past.clone().clear_selects().expr(Expr::cust("COUNT(*)")).take();
    let count: Option<(i64,)> = uow.fetch_optional(&count).await?;
    Ok(count.map_or(0, |(count,)| count.unsigned_abs()))
}
