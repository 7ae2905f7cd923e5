//! Units of work: what a command writes becomes lasting together with the events that tell of it, or not at all.

use std::sync::Arc;

use sea_query::SelectStatement;
use sea_query_sqlx::SqlxBinder;
use shaku::{Component, Interface};

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
    wake: Wake,
}

impl UnitsOfWork {
    pub(crate) fn new(database: Database, ids: Arc<dyn IdGenerator>) -> Self {
        Self { database, ids, wake: Wake::new() }
    }

    pub(crate) fn write(&self, message: Message) -> WriteUow {
        WriteUow {
            units: self.clone(),
            message,
            transaction: None,
            events: Vec::new(),
            active_keys: Vec::new(),
            after_commit: Vec::new(),
        }
    }

    /// For queries: what was written last may still be missing, if a replica is set.
    pub(crate) fn read(&self) -> ReadUow {
        ReadUow { database: self.database.clone(), from: Use::ReadReplica, snapshot: Snapshot::None }
    }

    /// For what decides: reads what was written last.
    pub(crate) fn read_latest(&self) -> ReadUow {
        ReadUow { from: Use::Read, ..self.read() }
    }

    /// Woken by every commit that recorded events.
    pub(crate) fn wake(&self) -> &Wake {
        &self.wake
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
    events: Vec<Envelope>,
    /// The keys that are active in this transaction, once they were looked up: one of a purpose.
    active_keys: Vec<Key>,
    after_commit: Vec<Box<dyn FnOnce(bool) + Send>>,
}

impl WriteUow {
    /// Carries out a statement; answers how many rows it changed.
    pub async fn execute(&mut self, statement: &(impl SqlxBinder + Sync)) -> Result<u64, DatabaseError> {
        self.transaction().await?.execute(statement).await
    }

    /// All rows, as this transaction sees them.
    pub async fn fetch_all<R: Row>(&mut self, select: &SelectStatement) -> Result<Vec<R>, DatabaseError> {
        self.transaction().await?.fetch_all(select).await
    }

    /// The row, if there is one, as this transaction sees it.
    pub async fn fetch_optional<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        self.transaction().await?.fetch_optional(select).await
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

    /// Writes the events, commits, wakes the relay.
    pub(crate) async fn commit(mut self) -> Result<(), Failure> {
        if !self.events.is_empty() {
            let events = std::mem::take(&mut self.events);
            event::append(self.transaction().await?, &events).await?;
            self.commit_transaction().await?;
            self.units.wake.wake();
            return Ok(());
        }
        self.commit_transaction().await
    }

    /// Does `what` right after the commit, before the caller is answered: to forget what the commit made stale. It is done, too,
    /// when the commit failed, or nobody knows what became of it: it is told whether it surely lasts.
    pub fn after_commit(&mut self, what: impl FnOnce(bool) + Send + 'static) {
        self.after_commit.push(Box::new(what));
    }

    async fn commit_transaction(&mut self) -> Result<(), Failure> {
        let committed = match self.transaction.take() {
            Some(transaction) => transaction.commit().await,
            None => Ok(()),
        };
        let lasts = committed.is_ok();
        self.after_commit.drain(..).for_each(|what| what(lasts));
        Ok(committed?)
    }

    async fn transaction(&mut self) -> Result<&mut Transaction, DatabaseError> {
        let transaction = match self.transaction.take() {
            Some(transaction) => transaction,
            None => self.units.database.begin().await?,
        };
        Ok(self.transaction.insert(transaction))
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
