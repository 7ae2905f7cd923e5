//! Units of work: what a command writes becomes lasting together with the events that tell of it, or not at all.

use std::sync::Arc;

use metrics::Counter;
use sea_query::SelectStatement;
use sea_query_sqlx::SqlxBinder;
use shaku::{Component, Interface};
use tokio_util::task::TaskTracker;

use crate::attempts::Attempts;
use crate::cache::{Cache, Tag};
use crate::clock::IdGenerator;
use crate::database::{self, Database, DatabaseError, Row, Transaction, Use};
use crate::domain::Aggregate;
use crate::event::{self, Envelope, Wake};
use crate::message::{Caller, Message};
use crate::problem::{Failure, Internal};
use crate::secrets::{Key, Purpose};

/// Hands out units of work. Only the buses and the relay have it.
#[derive(Clone)]
pub(crate) struct UnitsOfWork {
    database: Database,
    ids: Arc<dyn IdGenerator>,
    cache: Arc<dyn Cache>,
    wake: Wake,
    due: Wake,
    commits: TaskTracker,
}

impl UnitsOfWork {
    pub(crate) fn new(database: Database, ids: Arc<dyn IdGenerator>, cache: Arc<dyn Cache>) -> Self {
        let commits = TaskTracker::new();
        // What is begun is counted all the same; it only can be waited for.
        commits.close();
        Self { database, ids, cache, wake: Wake::new(), due: Wake::new(), commits }
    }

    pub(crate) fn write(&self, message: Message) -> WriteUow {
        WriteUow {
            units: self.clone(),
            message,
            transaction: None,
            state: State::Sound,
            events: Vec::new(),
            stale: Vec::new(),
            active_keys: Vec::new(),
            after_commit: Vec::new(),
        }
    }

    /// For work that nobody waits for: its statements take as long as they take. It has begun.
    pub(crate) async fn write_for_long(&self, message: Message) -> Result<WriteUow, DatabaseError> {
        let transaction = self.database.begin_maintenance().await?;
        Ok(WriteUow { transaction: Some(transaction), ..self.write(message) })
    }

    /// For queries: what was written last may still be missing, if a replica is set.
    pub(crate) fn read(&self) -> ReadUow {
        ReadUow { database: self.database.clone(), from: Use::ReadReplica, snapshot: Snapshot::None }
    }

    /// For what decides: reads what was written last.
    pub(crate) fn read_latest(&self) -> ReadUow {
        ReadUow { from: Use::Read, ..self.read() }
    }

    /// What to keep to when somebody else gets in the way. `retries` counts the attempts beyond the first.
    pub(crate) fn attempts(&self, retries: Counter) -> Attempts {
        // The other half is for those who wait behind this one.
        Attempts::within(self.database.acquire_timeout() / 2, retries)
    }

    /// Waits until no commit is under way. One that others see already is, until the cache has forgotten what it made stale.
    #[cfg(feature = "testkit")]
    pub(crate) async fn finish_commits(&self) {
        self.commits.wait().await;
    }

    /// Woken by every commit that recorded events.
    pub(crate) fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Woken when there are deliveries to be made.
    pub(crate) fn due(&self) -> &Wake {
        &self.due
    }
}

/// One transaction, with the events recorded in it.
///
/// It begins at its first statement, so what needs no transaction (hashing, calls to others) comes before. It is
/// committed by the bus, which consumes it; dropped before that, it is rolled back.
pub struct WriteUow {
    units: UnitsOfWork,
    message: Message,
    transaction: Option<Transaction>,
    state: State,
    events: Vec<Envelope>,
    /// The keys that are active in this transaction, once they were looked up: one of a purpose.
    active_keys: Vec<Key>,
    /// Tags of what the commit makes stale.
    stale: Vec<Tag>,
    after_commit: Vec<Box<dyn FnOnce(bool) + Send>>,
}

/// What the statements of a unit of work came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// All went well so far.
    Sound,
    /// One failed. PostgreSQL carries out nothing more in its transaction; so that nobody relies on the others, nothing is on
    /// any engine.
    Broken,
    /// One failed since somebody else was at the same rows.
    Contended,
}

/// A unit of work that came to nothing.
pub(crate) struct BrokenOff {
    failure: Failure,
    /// Whether somebody else got in the way: then it can be tried again, from the start.
    pub(crate) contended: bool,
}

impl BrokenOff {
    /// Whether what is missing may be on its way.
    pub(crate) fn may_be_early(&self) -> bool {
        self.failure.may_be_early()
    }
}

impl From<BrokenOff> for Failure {
    fn from(broken_off: BrokenOff) -> Self {
        broken_off.failure
    }
}

impl WriteUow {
    /// Carries out a statement; answers how many rows it changed. After one that failed there is nothing left to do but to
    /// roll back.
    pub async fn execute(&mut self, statement: &(impl SqlxBinder + Sync)) -> Result<u64, DatabaseError> {
        let done = self.transaction().await?.execute(statement).await;
        self.seen(done)
    }

    /// Locks the rows of a select that says how, until the end: what is read after that stays so. It is read by a statement of
    /// its own: one that had to wait for a lock shows of what it does not lock how that was before. Where there is one writer,
    /// nothing is sent.
    pub async fn lock(&mut self, select: &SelectStatement) -> Result<(), DatabaseError> {
        let locked = self.transaction().await?.lock(select).await;
        self.seen(locked)
    }

    /// All rows, as this transaction sees them.
    pub async fn fetch_all<R: Row>(&mut self, select: &SelectStatement) -> Result<Vec<R>, DatabaseError> {
        let rows = self.transaction().await?.fetch_all(select).await;
        self.seen(rows)
    }

    /// The row, if there is one, as this transaction sees it.
    pub async fn fetch_optional<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        let row = self.transaction().await?.fetch_optional(select).await;
        self.seen(row)
    }

    /// The key that is active for a purpose in this transaction, once it was looked up. It stays the same until the commit:
    /// whoever makes another one active waits for that.
    pub(crate) fn active_key(&self, purpose: Purpose) -> Option<&Key> {
        self.active_keys.iter().find(|key| key.purpose() == purpose)
    }

    /// Remembers the active key of its purpose.
    pub(crate) fn keep_active_key(&mut self, key: Key) {
        self.active_keys.push(key);
    }

    /// From now on it is this one who acts, as events tell: somebody who has just shown who they are.
    pub fn act_as(&mut self, caller: Caller) {
        self.message.caller = caller;
    }

    /// What comes next is done for another message.
    pub(crate) fn go_on_for(&mut self, message: Message) {
        self.message = message;
    }

    /// Takes over what an aggregate recorded, as public events. A repository calls it when it saves the aggregate.
    pub fn record<A: Aggregate>(&mut self, aggregate: &mut A) -> Result<(), Internal> {
        let subject = aggregate.identity();
        let events = aggregate.recorder().take();
        let revision = aggregate.recorder().revision();
        for event in events {
            let publication: event::Publication = event.into();
            let data = publication
                .data
                .map_err(|error| Internal(format!("{} has no JSON: {error}", publication.event_type)))?;
            self.events.push(Envelope {
                specversion: Envelope::SPEC_VERSION.to_owned(),
                id: self.units.ids.next(),
                source: Envelope::source_of(A::CONTEXT),
                event_type: publication.event_type.to_owned(),
                subject,
                time: self.message.now,
                datacontenttype: Envelope::DATA_CONTENT_TYPE.to_owned(),
                revision,
                sequence: u32::try_from(self.events.len()).unwrap_or(u32::MAX),
                schemaversion: publication.schema_version,
                actor: self.message.caller.subject().to_owned(),
                requestid: self.message.request_id.as_str().to_owned(),
                traceparent: self.message.traceparent.as_ref().map(|trace| trace.as_str().to_owned()),
                data,
            });
        }
        Ok(())
    }

    /// Does `what` right after the commit, before the caller is answered: to forget what the commit made stale. It is done, too,
    /// when the commit failed, or nobody knows what became of it: it is told whether it surely lasts.
    pub fn after_commit(&mut self, what: impl FnOnce(bool) + Send + 'static) {
        self.after_commit.push(Box::new(what));
    }

    /// Has the cache forget what has this tag once it is committed. What has the id of an aggregate as its tag is forgotten by
    /// itself, with each event of it.
    pub(crate) fn make_stale(&mut self, tag: impl Into<Tag>) {
        self.stale.push(tag.into());
    }

    /// Has those who hand events over look for what is due, right after the commit.
    pub(crate) fn wake_subscribers(&mut self) {
        let due = self.units.due.clone();
        self.after_commit(move |_| due.wake());
    }

    /// Has the relay look for events that were written to the log, right after the commit.
    pub(crate) fn wake_relay(&mut self) {
        let wake = self.units.wake.clone();
        self.after_commit(move |_| wake.wake());
    }

    /// Commits what went well; else rolls it back.
    pub(crate) async fn end<T>(self, outcome: Result<T, Failure>) -> Result<T, BrokenOff> {
        let contended = self.state == State::Contended;
        match outcome {
            Ok(output) => match self.commit().await {
                Ok(()) => Ok(output),
                Err(error) => {
                    let contended = contended || matches!(error, DatabaseError::Contended(_));
                    Err(BrokenOff { failure: error.into(), contended })
                }
            },
            Err(failure) => Err(BrokenOff { failure, contended }),
        }
    }

    /// Writes the events, commits, wakes the relay.
    pub(crate) async fn commit(mut self) -> Result<(), DatabaseError> {
        let _under_way = self.units.commits.token();
        self.stale.extend(self.events.iter().map(|event| Tag::from(event.subject.to_string())));
        let committed = self.write_events_and_commit().await;
        let lasts = committed.is_ok();
        self.after_commit.drain(..).for_each(|what| what(lasts));
        self.forget_stale().await;
        if committed? {
            self.units.wake.wake();
        }
        Ok(())
    }

    /// Also when nobody knows what became of the commit. Whoever asks after it does not get what was true before.
    async fn forget_stale(&mut self) {
        if self.stale.is_empty() {
            return;
        }
        self.stale.dedup();
        if let Err(failure) = self.units.cache.invalidate(&self.stale).await {
            tracing::warn!(
                error = failure.chain(),
                "what became stale stays in the cache until its time is over"
            );
        }
    }

    /// Answers whether there were any events.
    async fn write_events_and_commit(&mut self) -> Result<bool, DatabaseError> {
        self.require_sound()?;
        let events = std::mem::take(&mut self.events);
        if !events.is_empty() {
            event::append(self.transaction().await?, &events).await?;
        }
        if let Some(transaction) = self.transaction.take() {
            transaction.commit().await?;
        }
        event::recorded(events.len());
        Ok(!events.is_empty())
    }

    async fn transaction(&mut self) -> Result<&mut Transaction, DatabaseError> {
        self.require_sound()?;
        let transaction = match self.transaction.take() {
            Some(transaction) => transaction,
            None => {
                let begun = self.units.database.begin().await;
                self.seen(begun)?
            }
        };
        Ok(self.transaction.insert(transaction))
    }

    fn require_sound(&self) -> Result<(), DatabaseError> {
        match self.state {
            State::Sound => Ok(()),
            State::Broken | State::Contended => Err(DatabaseError::Other(sqlx::Error::Protocol(
                "the transaction went on after a statement that failed".to_owned(),
            ))),
        }
    }

    fn seen<T>(&mut self, outcome: Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        match &outcome {
            Ok(_) => {}
            Err(DatabaseError::Contended(_)) => self.state = State::Contended,
            Err(_) => self.state = State::Broken,
        }
        outcome
    }

    /// Takes over an event that no aggregate recorded.
    #[cfg(feature = "testkit")]
    pub(crate) fn publish(&mut self, event: Envelope) {
        self.events.push(event);
    }

    /// Fails as a statement does when somebody else is at the same rows.
    #[cfg(feature = "testkit")]
    pub fn contend(&mut self) -> DatabaseError {
        self.state = State::Contended;
        DatabaseError::Contended(sqlx::Error::Protocol("as it was told".to_owned()))
    }
}

/// Hands out reads outside of any bus: to what finds out who asks, and what they may.
pub trait Reads: Interface {
    /// Begins to read.
    fn begin(&self) -> ReadUow;
}

/// Reads from the database.
#[derive(Component)]
#[shaku(interface = Reads)]
pub struct DatabaseReads {
    /// Given by whoever puts the application together.
    database: Database,
}

impl Reads for DatabaseReads {
    fn begin(&self) -> ReadUow {
        // Of what they may, nothing old will do.
        ReadUow { database: self.database.clone(), from: Use::Read, snapshot: Snapshot::None }
    }
}

/// Reads, each statement by itself unless told otherwise. There is no way to write through it.
pub struct ReadUow {
    database: Database,
    from: Use,
    snapshot: Snapshot,
}

enum Snapshot {
    None,
    /// From the next statement on.
    Wanted,
    Open(database::Snapshot),
}

impl ReadUow {
    /// From now on reads what was written last: for what is kept, and would stay as old as it was when it was read.
    pub fn latest(&mut self) {
        self.from = Use::Read;
    }

    /// From the next statement on, all see the same state of the database. For what needs several statements that agree:
    /// one by itself always does, and is cheaper without.
    pub fn snapshot(&mut self) {
        if matches!(self.snapshot, Snapshot::None) {
            self.snapshot = Snapshot::Wanted;
        }
    }

    /// All rows.
    pub async fn fetch_all<R: Row>(&mut self, select: &SelectStatement) -> Result<Vec<R>, DatabaseError> {
        match self.opened().await? {
            Some(snapshot) => snapshot.fetch_all(select).await,
            None => self.database.fetch_all_from(self.from, select).await,
        }
    }

    /// The row, if there is one.
    pub async fn fetch_optional<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        match self.opened().await? {
            Some(snapshot) => snapshot.fetch_optional(select).await,
            None => self.database.fetch_optional_from(self.from, select).await,
        }
    }

    /// Lets go of what it holds.
    pub(crate) async fn end(self) -> Result<(), DatabaseError> {
        match self.snapshot {
            Snapshot::Open(snapshot) => snapshot.end().await,
            _ => Ok(()),
        }
    }

    async fn opened(&mut self) -> Result<Option<&mut database::Snapshot>, DatabaseError> {
        if matches!(self.snapshot, Snapshot::Wanted) {
            self.snapshot = Snapshot::Open(self.database.begin_snapshot(self.from).await?);
        }
        match &mut self.snapshot {
            Snapshot::Open(snapshot) => Ok(Some(snapshot)),
            _ => Ok(None),
        }
    }
}
