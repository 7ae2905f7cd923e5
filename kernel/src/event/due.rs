//! What of a subscriber's deliveries is due, in the order of each aggregate.
//!
//! A delivery that is held back by an earlier one of its aggregate is put at the end of time, once it is found to be: what is due
//! is found without looking at what is not, however much of it there is.

use std::collections::HashSet;

use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement, UpdateStatement};
use sqlx::FromRow;
use uuid::Uuid;

use super::backoff::LONGEST;
use super::log::EventRow;
use super::tables::{DeliveryState, EventDeliveries, EventLog, not_indexed};
use crate::database::{Database, DatabaseError, Engine, Transaction};
use crate::domain::Timestamp;

/// When what is held back is due.
pub(super) const HELD_BACK: Timestamp = Timestamp::from_micros(i64::MAX);

/// When what was never put off is due, whatever the clock says.
pub(super) const AT_ONCE: Timestamp = Timestamp::from_micros(0);

/// A delivery that was found to be due.
#[derive(FromRow)]
struct Found {
    event_id: Uuid,
    subject: Uuid,
}

/// A delivery, with its event.
#[derive(FromRow)]
pub(super) struct Due {
    pub(super) attempts: i64,
    pub(super) state: String,
    next_attempt_at: Timestamp,
    #[sqlx(flatten)]
    pub(super) event: EventRow,
}

/// What there is to do.
#[derive(Default)]
pub(super) struct Work {
    /// To be handed over, in this order.
    pub(super) batch: Vec<Due>,
    /// Held back by earlier ones.
    pub(super) held_back: Vec<Uuid>,
}

impl Due {
    pub(super) fn id(&self) -> Uuid {
        self.event.id
    }

    /// Whether others may be waiting for it.
    pub(super) fn has_followers(&self) -> bool {
        let failed = self.state == DeliveryState::Failed.as_str();
        failed || self.attempts > 0 || self.next_attempt_at == HELD_BACK
    }

    /// Whether it is what the aggregate waits for, but not to be tried now.
    fn blocks(&self, now: Timestamp) -> bool {
        let is_dead = self.state == DeliveryState::Dead.as_str();
        is_dead || (self.next_attempt_at != HELD_BACK && !is_due(self.next_attempt_at, now))
    }
}

/// Whether anything is due.
pub(super) async fn is_any(
    subscriber: &str,
    database: &Database,
    now: Timestamp,
) -> Result<bool, DatabaseError> {
    let engine = database.engine();
    for select in [due(subscriber, now, engine), misdated(subscriber, now, engine)] {
        let found: Option<Found> = database.fetch_optional(&select.clone().limit(1).take()).await?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What to do now: some that were never tried, or one that was. Those that failed together are tried one by one.
pub(super) async fn work(
    subscriber: &str,
    transaction: &mut Transaction,
    now: Timestamp,
    most: usize,
    prefer_retries: bool,
) -> Result<Work, DatabaseError> {
    let engine = transaction.engine();
    let [put_off, due, misdated] =
        [put_off, due, misdated].map(|of: fn(&str, Timestamp, Engine) -> _| of(subscriber, now, engine));
    // Of all that is due, what was never tried comes first: however much of that there is, what was put off has its turn.
    let places = if prefer_retries { [put_off, misdated, due] } else { [due, misdated, put_off] };
    let mut found: Vec<Found> = Vec::new();
    for mut place in places {
        if found.is_empty() {
            found = transaction.fetch_all(&place.limit(most as u64).take()).await?;
        }
    }
    if found.is_empty() {
        return Ok(Work::default());
    }
    let subjects: HashSet<Uuid> = found.iter().map(|found| found.subject).collect();
    let open: Vec<Due> = transaction.fetch_all(&open(subscriber, &subjects, most)).await?;
    let (mut fresh, mut retry, mut blocked) = (Vec::new(), None, HashSet::new());
    for of_subject in chunks(open) {
        let mut of_subject = of_subject.into_iter().peekable();
        let Some(head) = of_subject.peek() else { continue };
        if head.blocks(now) {
            blocked.insert(head.event.subject);
        } else if head.attempts > 0 {
            retry = retry.or_else(|| of_subject.next());
        } else {
            fresh.extend(of_subject.take_while(|due| due.attempts == 0 && !due.blocks(now)));
        }
    }
    let held_back = found.iter().filter(|found| blocked.contains(&found.subject));
    let held_back = held_back.map(|found| found.event_id).collect();
    let batch = match retry {
        Some(retry) if prefer_retries || fresh.is_empty() => vec![retry],
        _ => fresh,
    };
    Ok(Work { batch, held_back })
}

/// Deliveries in the order of the log, cut where another aggregate begins.
fn chunks(open: Vec<Due>) -> Vec<Vec<Due>> {
    let mut chunks: Vec<Vec<Due>> = Vec::new();
    for due in open {
        match chunks.last_mut().filter(|chunk| chunk[0].event.subject == due.event.subject) {
            Some(chunk) => chunk.push(due),
            None => chunks.push(vec![due]),
        }
    }
    chunks
}

/// What is held back until something else is settled.
pub(super) fn hold_back(subscriber: &str, events: &[Uuid]) -> UpdateStatement {
    Query::update()
        .table(EventDeliveries::Table)
        .value(EventDeliveries::NextAttemptAt, HELD_BACK)
        .and_where(are_open(subscriber, events.iter().copied()))
        .take()
}

/// What of these aggregates was held back is not any more.
pub(super) fn let_go(subscriber: &str, subjects: impl IntoIterator<Item = Uuid>) -> UpdateStatement {
    Query::update()
        .table(EventDeliveries::Table)
        .value(EventDeliveries::NextAttemptAt, 0)
        .and_where(is_open(subscriber))
        .and_where(Expr::col(EventDeliveries::Subject).is_in(subjects))
        .and_where(not_indexed(EventDeliveries::NextAttemptAt).eq(HELD_BACK))
        .and_where(Expr::col(EventDeliveries::State).ne(DeliveryState::Dead))
        .take()
}

/// All that is open.
pub(super) fn is_open(subscriber: &str) -> Expr {
    let open = Expr::col((EventDeliveries::Table, EventDeliveries::SettledAt)).is_null();
    Expr::col((EventDeliveries::Table, EventDeliveries::Subscriber)).eq(subscriber).and(open)
}

/// What is open of the deliveries of these events.
pub(super) fn are_open(subscriber: &str, events: impl IntoIterator<Item = Uuid>) -> Expr {
    let to_subscriber = Expr::col(EventDeliveries::Subscriber).eq(subscriber);
    let open = not_indexed(EventDeliveries::SettledAt).is_null();
    Expr::col(EventDeliveries::EventId).is_in(events).and(to_subscriber).and(open)
}

/// A wait longer than any began when the clock was wrong.
fn is_due(next_attempt_at: Timestamp, now: Timestamp) -> bool {
    next_attempt_at <= now || next_attempt_at > now.after(LONGEST)
}

pub(super) fn due(subscriber: &str, now: Timestamp, engine: Engine) -> SelectStatement {
    found(subscriber, Expr::col(EventDeliveries::NextAttemptAt).lte(now), engine)
}

/// Of that, what is due since some time, and not since ever.
fn put_off(subscriber: &str, now: Timestamp, engine: Engine) -> SelectStatement {
    let at = Expr::col(EventDeliveries::NextAttemptAt);
    found(subscriber, at.clone().gt(AT_ONCE).and(at.lte(now)), engine)
}

fn misdated(subscriber: &str, now: Timestamp, engine: Engine) -> SelectStatement {
    let at = Expr::col(EventDeliveries::NextAttemptAt);
    found(subscriber, at.clone().gt(now.after(LONGEST)).and(at.lt(HELD_BACK)), engine)
}

/// Open deliveries of which this is so, those that are due first before the others.
pub(super) fn found(subscriber: &str, when: Expr, engine: Engine) -> SelectStatement {
    let mut found = Query::select()
        .columns([EventDeliveries::EventId, EventDeliveries::Subject])
        .from(EventDeliveries::Table)
        .and_where(is_open(subscriber))
        .and_where(when)
        .take();
    // Null in all of them. Without it PostgreSQL does not take the order of the index, and sorts all that there is; with it MariaDB does.
    if engine == Engine::Postgres {
        found.order_by(EventDeliveries::SettledAt, Order::Asc);
    }
    found
        .order_by(EventDeliveries::NextAttemptAt, Order::Asc)
        .order_by(EventDeliveries::EventId, Order::Asc)
        .take()
}

/// What is open of these aggregates: all that is in the way is there, too.
fn open(subscriber: &str, subjects: &HashSet<Uuid>, most: usize) -> SelectStatement {
    let of_delivery = |column: EventDeliveries| (EventDeliveries::Table, column);
    EventRow::select()
        .columns(
            [EventDeliveries::Attempts, EventDeliveries::State, EventDeliveries::NextAttemptAt]
                .map(of_delivery),
        )
        .inner_join(
            EventDeliveries::Table,
            Expr::col(of_delivery(EventDeliveries::EventId)).eq(Expr::col((EventLog::Table, EventLog::Id))),
        )
        .and_where(is_open(subscriber))
        .and_where(Expr::col(of_delivery(EventDeliveries::Subject)).is_in(subjects.iter().copied()))
        .order_by(of_delivery(EventDeliveries::Subject), Order::Asc)
        .order_by(of_delivery(EventDeliveries::Revision), Order::Asc)
        .order_by(of_delivery(EventDeliveries::Sequence), Order::Asc)
        .limit(most as u64)
        .take()
}
