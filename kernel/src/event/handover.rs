//! Events handed over to a subscriber in one transaction: what its handler writes, the record that it has taken them, and the
//! state of their deliveries become lasting together.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use sea_query::{Expr, ExprTrait, Query, UpdateStatement};
use tokio::time::Instant;
use uuid::Uuid;

use super::due::{self, Due};
use super::lease::{Fence, Lease};
use super::not_taken::NotTaken;
use super::publisher::Publisher;
use super::settle::Deliveries;
use super::subscriber::{Subscriber, Taker};
use super::tables::EventInbox;
use super::{Envelope, metrics};
use crate::clock::Clock;
use crate::database::DatabaseError;
use crate::domain::Timestamp;
use crate::message::{Caller, Message, RequestId, TraceParent};
use crate::problem::{Failure, Internal};
use crate::uow::{UnitsOfWork, WriteUow};

/// How long a handler may take before it counts as failed.
const HANDLE_WITHIN: Duration = Duration::from_secs(60);

/// How long events go on to share a transaction: so long others wait to write.
const TOGETHER_WITHIN: Duration = Duration::from_millis(50);

/// What a subscriber has taken.
const UNIQUE_TAKEN: &str = "ux_event_inbox_subscriber_event_id";

/// A transaction in which events are handed over.
pub(super) struct Handover<'h> {
    subscriber: &'h Subscriber,
    clock: &'h dyn Clock,
    units: &'h UnitsOfWork,
    /// None: nothing was done in it yet.
    uow: Option<WriteUow>,
    taken: Vec<Uuid>,
    /// When what was taken happened.
    happened: Vec<Timestamp>,
    /// Aggregates with events that may be held back.
    waiting: Vec<Uuid>,
    /// Whether the one that there is was taken before.
    was_taken: bool,
}

impl<'h> Handover<'h> {
    pub(super) fn new(subscriber: &'h Subscriber, units: &'h UnitsOfWork, clock: &'h dyn Clock) -> Self {
        let (taken, happened, waiting) = (vec![], vec![], vec![]);
        Self { subscriber, clock, units, uow: None, taken, happened, waiting, was_taken: false }
    }

    /// Hands over one after the other, for as long as others can wait; answers those that there was no time for.
    pub(super) async fn take_all(&mut self, batch: &[Due]) -> Result<Vec<Uuid>, NotTaken> {
        if let Taker::Publisher(publisher) = &self.subscriber.taker {
            return self.publish(publisher.as_ref(), batch).await;
        }
        let since = Instant::now();
        for (position, due) in batch.iter().enumerate() {
            if position > 0 && since.elapsed() > TOGETHER_WITHIN {
                return Ok(batch[position..].iter().map(Due::id).collect());
            }
            self.take_one(due).await?;
        }
        Ok(Vec::new())
    }

    /// Hands over one. The unit of work begins at the first statement of its handler: one that calls somebody else before holds no
    /// lock.
    pub(super) async fn take_one(&mut self, due: &Due) -> Result<(), NotTaken> {
        let handler = match &self.subscriber.taker {
            Taker::Handler(handler) => handler,
            Taker::Publisher(publisher) => {
                return self.publish(publisher.as_ref(), std::slice::from_ref(due)).await.map(drop);
            }
        };
        let event = readable(due)?;
        let message = message_of(&event, self.clock.now());
        let uow = match &mut self.uow {
            Some(uow) => uow,
            none => none.insert(self.units.write(message.clone())),
        };
        uow.go_on_for(message.clone());
        let handling = AssertUnwindSafe(handler.deliver(event, uow, &message)).catch_unwind();
        let name = self.subscriber.name;
        tokio::time::timeout(HANDLE_WITHIN, handling)
            .await
            .map_err(|_| Internal(format!("{name} took longer than {HANDLE_WITHIN:?}")))?
            .map_err(|_| Internal(format!("{name} panicked")))??;
        self.note(due);
        Ok(())
    }

    /// Hands over one that was tried before, unless it was taken then.
    pub(super) async fn take_again(&mut self, due: &Due) -> Result<(), NotTaken> {
        if !self.records_taken() {
            return self.take_one(due).await;
        }
        let select = Query::select()
            .column(EventInbox::TakenAt)
            .from(EventInbox::Table)
            .and_where(Expr::col(EventInbox::Subscriber).eq(self.subscriber.name))
            .and_where(Expr::col(EventInbox::EventId).eq(due.id()))
            .take();
        self.was_taken = self.units.read_latest().fetch_optional::<(i64,)>(&select).await?.is_some();
        if !self.was_taken {
            return self.take_one(due).await;
        }
        self.note(due);
        Ok(())
    }

    /// Has others told of them, outside of any transaction; answers those that are not safe with them yet.
    async fn publish(&mut self, publisher: &dyn Publisher, batch: &[Due]) -> Result<Vec<Uuid>, NotTaken> {
        let events: Vec<Envelope> = batch.iter().map(readable).collect::<Result<_, _>>()?;
        let publishing = AssertUnwindSafe(publisher.publish(&events)).catch_unwind();
        let published: HashSet<Uuid> = publishing
            .await
            .map_err(|_| Internal("the publisher panicked".to_owned()))??
            .into_iter()
            .collect();
        let (safe, left): (Vec<&Due>, Vec<&Due>) =
            batch.iter().partition(|due| published.contains(&due.id()));
        if safe.is_empty() {
            return Err(Internal("the publisher told of nothing, and not why".to_owned()).into());
        }
        safe.into_iter().for_each(|due| self.note(due));
        Ok(left.into_iter().map(Due::id).collect())
    }

    /// Whether there is a record of what was taken: of what was done elsewhere it would say no more than the delivery does.
    fn records_taken(&self) -> bool {
        matches!(self.subscriber.taker, Taker::Handler(_))
    }

    fn note(&mut self, due: &Due) {
        self.taken.push(due.id());
        self.happened.push(due.event.time);
        if due.has_followers() {
            self.waiting.push(due.event.subject);
        }
    }

    /// Carries out a statement in the same transaction.
    pub(super) async fn execute(&mut self, update: &UpdateStatement) -> Result<u64, DatabaseError> {
        self.uow().execute(update).await
    }

    /// Makes it last, unless somebody else took over: they will do it, then. Answers whether it was for this one to do.
    pub(super) async fn commit(
        mut self,
        lease: &Lease,
        fence: Fence,
        release: bool,
    ) -> Result<bool, Failure> {
        let now = self.clock.now();
        let (taken, waiting) = (std::mem::take(&mut self.taken), std::mem::take(&mut self.waiting));
        let deliveries = Deliveries { subscriber: self.subscriber.name, events: &taken };
        let (is_recorded, projection) = (self.was_taken || !self.records_taken(), self.subscriber.projection);
        let uow = self.uow();
        if !is_recorded {
            match uow.execute(&deliveries.take(now)).await {
                // By another process, or by way of another delivery: which of them will be seen when they are tried again.
                Err(error) if error.violates(UNIQUE_TAKEN) => {
                    tracing::warn!(
                        subscriber = deliveries.subscriber,
                        "some events were taken before: they are looked at one by one"
                    );
                    return Ok(true);
                }
                recorded => recorded?,
            };
        }
        uow.execute(&deliveries.delivered(now)).await?;
        if let Some(table) = projection {
            uow.make_stale(table);
        }
        if !waiting.is_empty() {
            uow.execute(&due::let_go(deliveries.subscriber, waiting)).await?;
        }
        let fenced =
            if release { lease.release(fence) } else { lease.prolong(fence, now.after(lease.length)) };
        if uow.execute(&fenced).await? == 0 {
            return Ok(false);
        }
        let Some(uow) = self.uow.take() else { return Ok(true) };
        uow.commit().await?;
        metrics::delivered(self.subscriber.name, &self.happened, self.clock.now());
        Ok(true)
    }

    fn uow(&mut self) -> &mut WriteUow {
        let (units, now) = (self.units, self.clock.now());
        self.uow.get_or_insert_with(|| {
            let nobody = Message::new(Caller::service(), RequestId::of_job("relay"), None, now);
            units.write(nobody)
        })
    }
}

fn readable(due: &Due) -> Result<Envelope, NotTaken> {
    due.event.envelope().map_err(|fault| NotTaken::NotUnderstood(fault.0))
}

/// On behalf of whoever caused the event.
pub(super) fn message_of(event: &Envelope, now: Timestamp) -> Message {
    Message::new(
        Caller::named(&event.actor),
        RequestId::parse(&event.requestid).unwrap_or_else(|| event.id.into()),
        event.traceparent.as_deref().and_then(TraceParent::parse),
        now,
    )
}
