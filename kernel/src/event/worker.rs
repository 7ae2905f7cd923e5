//! The worker of one subscriber: hands over what is due, in the order of each aggregate.
//!
//! It claims a batch in a short transaction: takes the lease of its subscriber and counts an attempt at each event. Then it hands
//! the events over in one transaction, together with the record that they were taken; when one of them fails, it rolls back, and
//! goes on with one at a time. What was never tried, and what was, take turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::due::{self, Due};
use super::handover::Handover;
use super::lease::{Fence, Lease};
use super::not_taken::NotTaken;
use super::pump::Step;
use super::settle::Deliveries;
use super::subscriber::{Subscriber, Taker};
use super::{backoff, metrics};
use crate::clock::Clock;
use crate::database::{Database, Transaction};
use crate::problem::{Failure, Kind};
use crate::uow::UnitsOfWork;

/// What a worker works with.
pub(super) struct Worker {
    pub(super) subscriber: Subscriber,
    pub(super) lease: Lease,
    /// An event that fails as often is dead.
    pub(super) max_attempts: i64,
    pub(super) database: Database,
    pub(super) units: UnitsOfWork,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) prefer_retries: AtomicBool,
}

/// A batch that is this worker's to hand over.
pub(super) struct Claim {
    fence: Fence,
    batch: Vec<Due>,
}

impl Step for Worker {
    fn name(&self) -> &str {
        self.subscriber.name
    }

    /// Hands over a batch, if anything is due and nobody else works for this subscriber.
    async fn step(&self, stop: &CancellationToken) -> Result<usize, Failure> {
        // Looked up outside of a transaction first: with nothing to do, no write lock is taken.
        if !due::is_any(self.subscriber.name, &self.database, self.clock.now()).await? {
            return Ok(0);
        }
        if let Taker::Publisher(publisher) = &self.subscriber.taker {
            tokio::select! {
                () = publisher.ready() => {}
                () = stop.cancelled() => return Ok(0),
            }
        }
        match self.claim().await? {
            Some(claim) => self.hand_over(&claim, stop).await,
            None => Ok(0),
        }
    }
}

impl Worker {
    /// Hands over what was claimed; answers how much work that was.
    pub(super) async fn hand_over(&self, claim: &Claim, stop: &CancellationToken) -> Result<usize, Failure> {
        if claim.batch.is_empty() {
            return Ok(1);
        }
        let release = claim.batch.len() < self.subscriber.batch || stop.is_cancelled();
        let handing_over = async {
            match claim.batch.len() {
                1 => self.hand_over_one(claim, release).await,
                _ => self.hand_over_all(claim, release).await,
            }
        };
        let was_ours = tokio::select! {
            handed_over = handing_over => handed_over?,
            () = self.lease.keep(claim.fence, &self.database, self.clock.as_ref()) => false,
        };
        if !was_ours {
            tracing::warn!(subscriber = self.subscriber.name, "somebody else has taken over");
            self.take_back(claim).await;
        }
        Ok(claim.batch.len())
    }

    /// Claims what is to be done next; none: another process is at it.
    pub(super) async fn claim(&self) -> Result<Option<Claim>, Failure> {
        let now = self.clock.now();
        let mut transaction = self.database.begin().await?;
        let Some(fence) = self.lease.claim(&mut transaction, now).await? else { return Ok(None) };
        let prefer_retries = self.prefer_retries.fetch_not(Ordering::Relaxed);
        let (name, most) = (self.subscriber.name, self.subscriber.batch);
        let mut work = due::work(name, &mut transaction, now, most, prefer_retries).await?;
        if !work.held_back.is_empty() {
            transaction.execute(&due::hold_back(name, &work.held_back)).await?;
        }
        // An attempt that ended the process ended without a word.
        let exhausted = |due: &Due| due.attempts >= self.max_attempts;
        if work.batch.iter().any(exhausted) {
            let ids: Vec<Uuid> =
                work.batch.extract_if(.., |due| exhausted(due)).map(|due| due.id()).collect();
            self.bury(&mut transaction, &ids, "the process ended during each attempt").await?;
        }
        if !work.batch.is_empty() {
            let ids: Vec<Uuid> = work.batch.iter().map(Due::id).collect();
            transaction.execute(&self.deliveries(&ids).count_attempt()).await?;
        }
        transaction.commit().await?;
        Ok(Some(Claim { fence, batch: work.batch }))
    }

    /// All that were never tried, in one transaction. Should one of them fail, they go one by one from the next step on.
    /// Answers whether that was for this worker to do.
    async fn hand_over_all(&self, claim: &Claim, release: bool) -> Result<bool, Failure> {
        match self.take_all(claim, release).await {
            Ok(was_ours) => Ok(was_ours),
            Err(NotTaken::Failed(failure)) if failure.kind() == Kind::Unavailable => {
                Err(self.pause(claim, failure).await)
            }
            Err(fault) => {
                let error = fault.to_string();
                tracing::debug!(subscriber = self.subscriber.name, error, "a batch goes one by one");
                Ok(true)
            }
        }
    }

    async fn take_all(&self, claim: &Claim, release: bool) -> Result<bool, NotTaken> {
        let mut handover = self.handover();
        let left = handover.take_all(&claim.batch).await?;
        if !left.is_empty() {
            let Some(due) = claim.batch.first() else { return Ok(true) };
            handover.execute(&self.deliveries(&left).take_back_attempt(due.attempts, &due.state)).await?;
        }
        Ok(handover.commit(&self.lease, claim.fence, release).await?)
    }

    /// One by itself.
    async fn hand_over_one(&self, claim: &Claim, release: bool) -> Result<bool, Failure> {
        let [due] = claim.batch.as_slice() else { return Ok(true) };
        match self.take_one(due, claim.fence, release).await {
            Ok(was_ours) => Ok(was_ours),
            Err(NotTaken::Failed(failure)) if failure.kind() == Kind::Unavailable => {
                Err(self.pause(claim, failure).await)
            }
            Err(fault) => self.fail(claim, due, &fault).await,
        }
    }

    async fn take_one(&self, due: &Due, fence: Fence, release: bool) -> Result<bool, NotTaken> {
        let mut handover = self.handover();
        match due.attempts {
            0 => handover.take_one(due).await?,
            _ => handover.take_again(due).await?,
        }
        Ok(handover.commit(&self.lease, fence, release).await?)
    }

    /// It did not work: later, if there is any hope.
    async fn fail(&self, claim: &Claim, due: &Due, fault: &NotTaken) -> Result<bool, Failure> {
        let (event, attempt, error) = (due.id(), due.attempts + 1, fault.to_string());
        let subscriber = self.subscriber.name;
        let is_hopeless = matches!(fault, NotTaken::NotUnderstood(_)) || attempt >= self.max_attempts;
        let mut transaction = self.database.begin().await?;
        if is_hopeless {
            self.bury(&mut transaction, &[event], &error).await?;
        } else {
            let wait = backoff::wait(event, attempt);
            let put_off = self.deliveries(&[event]).put_off(self.clock.now().after(wait), &error);
            transaction.execute(&put_off).await?;
            metrics::failed(subscriber);
            let retry_in_s = wait.as_secs();
            tracing::warn!(subscriber, %event, attempt, retry_in_s, error, "a subscriber did not take an event");
        }
        self.finish(transaction, claim.fence).await
    }

    async fn bury(&self, transaction: &mut Transaction, events: &[Uuid], error: &str) -> Result<(), Failure> {
        transaction.execute(&self.deliveries(events).dead(error)).await?;
        let subscriber = self.subscriber.name;
        metrics::given_up(subscriber, events.len());
        for event in events {
            tracing::error!(subscriber, %event, error, "an event is dead, and holds back those that come after it");
        }
        Ok(())
    }

    /// Something it needs cannot be reached: that was no attempt. The relay pauses, and tries again.
    async fn pause(&self, claim: &Claim, failure: Failure) -> Failure {
        self.take_back(claim).await;
        failure
    }

    /// Nothing came of what was claimed, for no fault of its own: that was no attempt. Whatever somebody else made of it meanwhile
    /// stays so.
    async fn take_back(&self, claim: &Claim) {
        let Some(due) = claim.batch.first() else { return };
        let ids: Vec<Uuid> = claim.batch.iter().map(Due::id).collect();
        let taken_back = async {
            let mut transaction = self.database.begin().await?;
            let take_back = self.deliveries(&ids).take_back_attempt(due.attempts, &due.state);
            transaction.execute(&take_back).await?;
            transaction.execute(&self.lease.release(claim.fence)).await?;
            transaction.commit().await
        };
        // Where it is the database that is away, attempts stay counted: one for each time that it goes away.
        if let Err(error) = taken_back.await {
            let error = crate::problem::chain(&error);
            tracing::debug!(subscriber = self.subscriber.name, error, "an attempt stays counted");
        }
    }

    /// Commits, unless somebody else took over; answers whether it did.
    async fn finish(&self, mut transaction: Transaction, fence: Fence) -> Result<bool, Failure> {
        let is_ours = transaction.execute(&self.lease.release(fence)).await? > 0;
        if is_ours {
            transaction.commit().await?;
        }
        Ok(is_ours)
    }

    fn deliveries<'d>(&'d self, events: &'d [Uuid]) -> Deliveries<'d> {
        Deliveries { subscriber: self.subscriber.name, events }
    }

    fn handover(&self) -> Handover<'_> {
        Handover::new(&self.subscriber, &self.units, self.clock.as_ref())
    }
}
