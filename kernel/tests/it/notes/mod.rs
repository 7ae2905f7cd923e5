//! A context just big enough to try the kernel on: notes that are written, and a listener that takes their events.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use include_dir::include_dir;
use sea_query::{Alias, Order, Query as Sql};
use serde::{Deserialize, Serialize};
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::database::Migrations;
use servertree_kernel::domain::{Aggregate, Recorder, Timestamp};
use servertree_kernel::event::{Envelope, EventHandler, PublicEvent, Publication, Start, Subscription};
use servertree_kernel::message::Message;
use servertree_kernel::permission::{Audience, ObjectType, Permission};
use servertree_kernel::plugin::Context;
use servertree_kernel::problem::{Failure, Internal, NOT_FOUND, Problem, ProblemType};
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::{ReadUow, WriteUow};
use utoipa::ToSchema;
use uuid::Uuid;

const fn context(
    name: &'static str,
    register: fn(Arc<dyn servertree_kernel::plugin::Kernel>, &mut servertree_kernel::plugin::Registry),
) -> Context {
    static FOLDER: include_dir::Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/tests/it/notes/migrations");
    Context {
        name,
        summary: "Notes",
        migrations: Migrations { owner: "notes", folder: &FOLDER },
        routes: |_| {},
        events: &[],
        subscriptions: &[],
        upcasters: &[],
        problems: &[],
        open: &[],
        objects: &[OBJECT],
        sections: &[],
        secrets: &[],
        register,
    }
}

const OBJECT: ObjectType =
    ObjectType { name: "note", actions: &["read", "create"], fields: &[], audience: Audience::Inventory };

/// Notes, and nobody who listens.
pub static NOTES: Context = context("notes", |_, registry| {
    registry.command::<WriteNotes>(Arc::new(Notes));
    registry.command::<WriteAmidOthers>(Arc::new(Notes));
    registry.query::<NotesWritten>(Arc::new(Notes));
    registry.query::<NeverAnswered>(Arc::new(Notes));
});

/// Notes, and a listener from the beginning.
pub static HEARD: Context = context("notes", |kernel, registry| {
    (NOTES.register)(kernel, registry);
    registry.query::<NotesTaken>(Arc::new(Notes));
    registry.subscriber::<FromBeginning>(Arc::new(Listener));
});

/// Notes, and the listener from the beginning in a version that takes other events.
pub static HEARD_OTHERWISE: Context = context("notes", |kernel, registry| {
    (NOTES.register)(kernel, registry);
    registry.query::<NotesTaken>(Arc::new(Notes));
    registry.subscriber::<OthersFromBeginning>(Arc::new(Listener));
});

/// Notes, and a listener from now on.
pub static HEARD_FROM_NOW: Context = context("notes", |kernel, registry| {
    (NOTES.register)(kernel, registry);
    registry.query::<NotesTaken>(Arc::new(Notes));
    registry.subscriber::<FromNow>(Arc::new(Listener));
});

/// Writes a note, with so many events, on the subject; then does as it is told.
#[derive(Clone, Copy)]
pub struct WriteNotes {
    pub subject: Uuid,
    pub revision: u64,
    pub events: usize,
    pub end: End,
}

/// How a command ends.
#[derive(Clone, Copy)]
pub enum End {
    Well,
    /// Well, but the log also has an event of the next revision that cannot be read back.
    WithASpoiltEvent,
    /// Well, but the event of it has an id lower than all others, as from a process whose clock is behind.
    UnderALowId,
    InError,
    InPanic,
    /// Well, as it thinks: it takes no notice of a statement that failed.
    DespiteAnError,
}

/// Writes a note, while others are at the same rows so many times; or, if it is `early`, what it needs is not there yet.
#[derive(Clone)]
pub struct WriteAmidOthers {
    pub note: WriteNotes,
    pub contended: usize,
    pub early: bool,
    /// Counts the attempts.
    pub attempts: Arc<AtomicUsize>,
    /// What each attempt that got to its commit was told of it.
    pub lasts: Arc<Mutex<Vec<bool>>>,
}

impl WriteAmidOthers {
    pub fn times(contended: usize, note: WriteNotes) -> Self {
        Self { note, contended, early: false, attempts: Arc::default(), lasts: Arc::default() }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("what this is about is on its way")]
pub struct Early;

impl Problem for Early {
    fn problem(&self) -> &'static ProblemType {
        &NOT_FOUND
    }

    fn may_be_early(&self) -> bool {
        true
    }
}

impl Command for WriteAmidOthers {
    /// How many attempts it took.
    type Output = usize;
    const NAME: &'static str = "notes.write_amid_others";
    const NEEDS: Permission = WriteNotes::NEEDS;
}

impl WriteNotes {
    /// Revision `revision` of the note on `subject`, with one event.
    pub fn on(subject: u128, revision: u64) -> Self {
        Self { subject: Uuid::from_u128(subject), revision, events: 1, end: End::Well }
    }
}

impl Command for WriteNotes {
    type Output = ();
    const NAME: &'static str = "notes.write_notes";
    const NEEDS: Permission = Permission::new("create", "note");
}

/// The subjects and revisions of the notes that were written.
pub struct NotesWritten;

impl Query for NotesWritten {
    type Output = Vec<(Uuid, i64)>;
    const NAME: &'static str = "notes.notes_written";
    const NEEDS: Permission = Permission::new("read", "note");
}

/// A query whose answer never comes.
pub struct NeverAnswered;

impl Query for NeverAnswered {
    type Output = ();
    const NAME: &'static str = "notes.never_answered";
    const NEEDS: Permission = Permission::new("read", "note");
}

/// The subjects, revisions and sequences of the events that the listener took.
pub struct NotesTaken;

impl Query for NotesTaken {
    type Output = Vec<(u128, i64, i64)>;
    const NAME: &'static str = "notes.notes_taken";
    const NEEDS: Permission = Permission::new("read", "note");
}

struct Notes;

#[derive(Serialize, Deserialize, ToSchema)]
struct NoteWritten {}

impl PublicEvent for NoteWritten {
    const TYPE: &'static str = "note.written";
}

impl From<NoteWritten> for Publication {
    fn from(event: NoteWritten) -> Self {
        Self::of(&event)
    }
}

struct Note {
    subject: Uuid,
    recorder: Recorder<NoteWritten>,
}

impl Aggregate for Note {
    type Event = NoteWritten;
    const CONTEXT: &'static str = "notes";

    fn identity(&self) -> Uuid {
        self.subject
    }

    fn recorder(&mut self) -> &mut Recorder<NoteWritten> {
        &mut self.recorder
    }
}

#[async_trait]
impl CommandHandler<WriteNotes> for Notes {
    async fn handle(&self, command: WriteNotes, uow: &mut WriteUow, _: &Message) -> Result<(), Failure> {
        let mut note = Note { subject: command.subject, recorder: Recorder::stored_at(command.revision - 1) };
        for _ in 0..command.events {
            note.recorder.record(NoteWritten {});
        }
        let columns = [Alias::new("subject"), Alias::new("revision")];
        let values = [command.subject.into(), command.revision.cast_signed().into()];
        let insert =
            Sql::insert().into_table(Alias::new("notes")).columns(columns).values_panic(values).take();
        uow.execute(&insert).await?;
        if let End::UnderALowId = command.end {
            uow.execute(&logged_event(Uuid::from_u128(1), command.subject, command.revision, 1)).await?;
            return Ok(());
        }
        uow.record(&mut note)?;
        match command.end {
            End::Well | End::UnderALowId => Ok(()),
            End::WithASpoiltEvent => {
                let id = Uuid::from_u128(command.subject.as_u128() + 0xffff);
                // A later version might have written it: its schema version is larger than this one takes.
                uow.execute(&logged_event(id, command.subject, command.revision + 1, 70_000)).await?;
                Ok(())
            }
            End::InError => Err(Internal("as it was told".to_owned()).into()),
            End::InPanic => panic!("as it was told"),
            End::DespiteAnError => {
                let nowhere = Sql::delete().from_table(Alias::new("nowhere")).take();
                assert!(uow.execute(&nowhere).await.is_err());
                assert!(uow.execute(&insert).await.is_err(), "not on PostgreSQL, so not anywhere");
                Ok(())
            }
        }
    }
}

#[async_trait]
impl CommandHandler<WriteAmidOthers> for Notes {
    async fn handle(
        &self,
        command: WriteAmidOthers,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<usize, Failure> {
        let attempt = command.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        uow.after_commit(move |lasts| command.lasts.lock().unwrap().push(lasts));
        // After it has written: what it wrote must be undone.
        CommandHandler::handle(self, command.note, uow, message).await?;
        match attempt <= command.contended {
            true if command.early => Err(Early.into()),
            true => Err(uow.contend().into()),
            false => Ok(attempt),
        }
    }
}

/// An event, straight into the log.
fn logged_event(id: Uuid, subject: Uuid, revision: u64, schema_version: i64) -> sea_query::InsertStatement {
    let columns = [
        "id",
        "source",
        "type",
        "subject",
        "revision",
        "sequence",
        "schema_version",
        "time",
        "actor",
        "request_id",
        "data",
    ];
    Sql::insert()
        .into_table(Alias::new("event_log"))
        .columns(columns.map(Alias::new))
        .values_panic([
            id.into(),
            "/servertree/notes".into(),
            "note.written".into(),
            subject.into(),
            revision.cast_signed().into(),
            0.into(),
            schema_version.into(),
            0.into(),
            "tester".into(),
            "test".into(),
            "{}".into(),
        ])
        .take()
}

#[async_trait]
impl QueryHandler<NotesWritten> for Notes {
    async fn handle(
        &self,
        _: NotesWritten,
        uow: &mut ReadUow,
        _: &Message,
    ) -> Result<Vec<(Uuid, i64)>, Failure> {
        let columns = [Alias::new("subject"), Alias::new("revision")];
        Ok(uow.fetch_all(&Sql::select().columns(columns).from(Alias::new("notes")).take()).await?)
    }
}

#[async_trait]
impl QueryHandler<NeverAnswered> for Notes {
    async fn handle(&self, _: NeverAnswered, _: &mut ReadUow, _: &Message) -> Result<(), Failure> {
        std::future::pending().await
    }
}

#[async_trait]
impl QueryHandler<NotesTaken> for Notes {
    async fn handle(
        &self,
        _: NotesTaken,
        uow: &mut ReadUow,
        _: &Message,
    ) -> Result<Vec<(u128, i64, i64)>, Failure> {
        let columns = ["subject", "revision", "sequence"].map(Alias::new);
        let select = Sql::select()
            .columns(columns)
            .from(Alias::new("notes_taken"))
            .order_by(Alias::new("place"), Order::Asc)
            .take();
        let rows: Vec<(Uuid, i64, i64)> = uow.fetch_all(&select).await?;
        Ok(rows
            .into_iter()
            .map(|(subject, revision, sequence)| (subject.as_u128(), revision, sequence))
            .collect())
    }
}

/// The listener fails on the events of this subject until the clock shows [`LUCKY_FROM`].
pub const UNLUCKY: u128 = 13;
/// A minute after the clock of a test starts.
pub const LUCKY_FROM: Timestamp = Timestamp::from_micros(1_769_853_660_000_000);

struct Listener;

#[derive(Deserialize)]
struct FromBeginning {}

impl Subscription for FromBeginning {
    const NAME: &'static str = "notes.from_beginning";
    const EVENTS: &'static [&'static str] = &["note.written"];
    const START: Start = Start::Beginning;
}

#[derive(Deserialize)]
struct OthersFromBeginning {}

impl Subscription for OthersFromBeginning {
    const NAME: &'static str = "notes.from_beginning";
    const EVENTS: &'static [&'static str] = &["note.burnt"];
    const START: Start = Start::Beginning;
}

#[async_trait]
impl EventHandler<OthersFromBeginning> for Listener {
    async fn handle(
        &self,
        _: OthersFromBeginning,
        event: &Envelope,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        self.take(event, uow, message).await
    }
}

#[derive(Deserialize)]
struct FromNow {}

impl Subscription for FromNow {
    const NAME: &'static str = "notes.from_now";
    const EVENTS: &'static [&'static str] = &[];
    const START: Start = Start::Now;
}

impl Listener {
    async fn take(&self, event: &Envelope, uow: &mut WriteUow, message: &Message) -> Result<(), Failure> {
        let insert = Sql::insert()
            .into_table(Alias::new("notes_taken"))
            .columns(["subject", "revision", "sequence"].map(Alias::new))
            .values([event.subject.into(), event.revision.cast_signed().into(), event.sequence.into()])
            .unwrap()
            .take();
        uow.execute(&insert).await?;
        // After it has written: what it wrote must be undone.
        if event.subject.as_u128() == UNLUCKY && message.now < LUCKY_FROM {
            panic!("13 is unlucky");
        }
        Ok(())
    }
}

#[async_trait]
impl EventHandler<FromBeginning> for Listener {
    async fn handle(
        &self,
        _: FromBeginning,
        event: &Envelope,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        self.take(event, uow, message).await
    }
}

#[async_trait]
impl EventHandler<FromNow> for Listener {
    async fn handle(
        &self,
        _: FromNow,
        event: &Envelope,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        self.take(event, uow, message).await
    }
}
