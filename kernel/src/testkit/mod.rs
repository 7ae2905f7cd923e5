//! The test kit: one context, or a few, started alone on a database of their own, with a clock and ids that are set.
//!
//! ```text
//! let test = Testbed::of(&[&CONTEXT]).start().await;
//! let server = test.dispatch(RegisterServer { … }).await.unwrap();
//! assert_eq!(test.event_types().await, ["server.registered"]);
//! test.finish().await;
//! ```
//!
//! It panics when something is not as a test needs it: that is how a test fails.
#![expect(clippy::expect_used, clippy::panic, reason = "a test kit fails a test by panicking")]

pub mod cache_contract;
mod clock;
pub mod contract;
mod criteria;
pub mod enforcement;
mod engine;
mod events;
mod permissions;
mod test_connection;
mod test_database;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sea_query::UpdateStatement;
use serde_json::value::to_raw_value;
use shaku::module;
use tempfile::TempDir;
use uuid::Uuid;

pub use clock::{SequentialIds, SettableClock};
pub use criteria::criteria;
pub use engine::{
    broker, broker_of_services, not_on, on_a_server, only_on, redis, redis_of_services, tls_authority,
};
pub use events::assert_documented;
pub use permissions::{AllowAll, DenyAll, Objects, Permit};
pub use test_connection::TestConnection;
pub use test_database::TestDatabase;

use crate::cache::MemoryCache;
use crate::clock::{Clock, IdGenerator};
use crate::command::Command;
use crate::database::Database;
use crate::domain::Revision;
use crate::event::{Envelope, EventLogView, Relay, RelaySettings};
use crate::files::{LocalFiles, LocalFilesParameters};
use crate::message::{Caller, Message, RequestId};
use crate::permission::{PermissionChecker, PermissionSlot};
use crate::plugin::{Application, Context, Kernel, Parts, migrations};
use crate::problem::Failure;
use crate::query::Query;
use crate::secrets::{KeySource, Keyring, Secrets};
use crate::settings::{ReadSections, Section, Sections};
use crate::uow::{DatabaseReads, DatabaseReadsParameters};

/// How long anything is waited for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

module! {
    TestModule: Kernel {
        components = [
            SettableClock,
            SequentialIds,
            PermissionSlot,
            Keyring,
            MemoryCache,
            LocalFiles,
            DatabaseReads,
            ReadSections
        ],
        providers = []
    }
}

/// What the container of a test is made of.
struct Container {
    clock: SettableClock,
    ids: SequentialIds,
    permissions: PermissionSlot,
    keyring: Keyring,
    files: PathBuf,
    database: Database,
    sections: ReadSections,
}

/// A container with a clock and ids of its own. It has no folder for files: a [`Testbed`] has.
pub fn kernel(permissions: PermissionSlot, database: Database) -> Arc<dyn Kernel> {
    container(Container {
        clock: SettableClock::default(),
        ids: SequentialIds::default(),
        permissions,
        keyring: Keyring::default(),
        files: "/dev/null".into(),
        database,
        sections: ReadSections::default(),
    })
}

fn container(of: Container) -> Arc<dyn Kernel> {
    Arc::new(
        TestModule::builder()
            .with_component_override::<dyn Clock>(Box::new(of.clock))
            .with_component_override::<dyn IdGenerator>(Box::new(of.ids))
            .with_component_override::<dyn PermissionChecker>(Box::new(of.permissions))
            .with_component_override::<dyn Secrets>(Box::new(of.keyring))
            .with_component_override::<dyn Sections>(Box::new(of.sections))
            .with_component_parameters::<LocalFiles>(LocalFilesParameters { root: of.files })
            .with_component_parameters::<DatabaseReads>(DatabaseReadsParameters { database: of.database })
            .build(),
    )
}

/// Builds a [`Testbed`].
pub struct Builder {
    contexts: Vec<&'static Context>,
    permissions: Arc<dyn PermissionChecker>,
    sections: ReadSections,
    stopped: Option<Stopped>,
}

/// What a testbed leaves when it is stopped.
pub struct Stopped {
    folder: TempDir,
    place: TestDatabase,
    clock: SettableClock,
    ids: SequentialIds,
}

/// Contexts that run, with all that a test wants to do to them.
pub struct Testbed {
    /// The application.
    pub application: Application,
    /// Its database, which goes with the testbed.
    pub database: Database,
    /// Where that is.
    pub place: TestDatabase,
    /// Its keys, in a folder that goes with the testbed.
    pub keyring: Keyring,
    /// Its clock.
    pub clock: SettableClock,
    ids: SequentialIds,
    relay: Relay,
    folder: TempDir,
}

impl Builder {
    /// Has `checker` decide about permissions; without it, everything is permitted.
    pub fn permissions(mut self, checker: impl PermissionChecker) -> Self {
        self.permissions = Arc::new(checker);
        self
    }

    /// Has the contexts find this section of the configuration.
    pub fn section<S: Section>(mut self, section: S) -> Self {
        self.sections.by_name.insert(S::NAME, Arc::new(section));
        self
    }

    /// Goes on with what an earlier testbed left when it was stopped.
    pub fn after(mut self, stopped: Stopped) -> Self {
        self.stopped = Some(stopped);
        self
    }

    /// Migrates the database and starts the relay.
    pub async fn start(self) -> Testbed {
        let Stopped { folder, place, clock, ids } = match self.stopped {
            Some(stopped) => stopped,
            None => Stopped::nothing().await,
        };
        let database = place.open().await;
        database.migrate(&migrations(&self.contexts)).await.expect("migrations that run");
        let keyring = Keyring::new(KeySource::Folder(folder.path().join("keys")));
        keyring.open(&database, clock.now()).await.expect("keys");
        let permissions = PermissionSlot::empty();
        let files = folder.path().join("files");
        let kernel = container(Container {
            clock: clock.clone(),
            ids: ids.clone(),
            permissions: permissions.clone(),
            keyring: keyring.clone(),
            files,
            database: database.clone(),
            sections: self.sections,
        });
        let application = Application::assemble(Parts {
            contexts: self.contexts,
            kernel,
            permissions,
            fallback_permissions: self.permissions,
            fallback_verifier: None,
            database: database.clone(),
            runtime: tokio::runtime::Handle::current(),
        })
        .expect("contexts that fit together");
        let relay = application.start_relay(&RelaySettings::default(), None).await.expect("a relay");
        Testbed { application, database, place, keyring, clock, ids, relay, folder }
    }
}

impl Stopped {
    /// What a first testbed goes on with.
    async fn nothing() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let place = TestDatabase::new(&folder.path().join("test.db")).await;
        Self { folder, place, clock: SettableClock::default(), ids: SequentialIds::default() }
    }
}

impl Testbed {
    /// A testbed of these contexts.
    pub fn of(contexts: &[&'static Context]) -> Builder {
        Builder {
            contexts: contexts.to_vec(),
            permissions: Arc::new(AllowAll),
            sections: ReadSections::default(),
            stopped: None,
        }
    }

    /// Carries out a command, as a caller named `tester`.
    pub async fn dispatch<C: Command>(&self, command: C) -> Result<C::Output, Failure> {
        self.dispatch_as(&Caller::named("tester"), command).await
    }

    /// Carries out a command, as this caller.
    pub async fn dispatch_as<C: Command>(&self, caller: &Caller, command: C) -> Result<C::Output, Failure> {
        self.application.commands.dispatch(command, self.message_of(caller.clone())).await
    }

    /// Answers a query, as a caller named `tester`.
    pub async fn ask<Q: Query>(&self, query: Q) -> Result<Q::Output, Failure> {
        self.ask_as(&Caller::named("tester"), query).await
    }

    /// Answers a query, as this caller.
    pub async fn ask_as<Q: Query>(&self, caller: &Caller, query: Q) -> Result<Q::Output, Failure> {
        self.application.queries.ask(query, self.message_of(caller.clone())).await
    }

    /// Has an event happen in another context: `publish("rack.moved", id, 2, json!({…}))`.
    pub async fn publish(
        &self,
        event_type: &str,
        subject: impl Into<Uuid>,
        revision: Revision,
        data: serde_json::Value,
    ) {
        let message = self.message();
        let context = event_type.split('.').next().unwrap_or_default();
        let event = Envelope {
            specversion: Envelope::SPEC_VERSION.to_owned(),
            id: self.ids.next(),
            source: Envelope::source_of(context),
            event_type: event_type.to_owned(),
            subject: subject.into(),
            time: message.now,
            datacontenttype: Envelope::DATA_CONTENT_TYPE.to_owned(),
            revision,
            sequence: 0,
            schemaversion: 1,
            actor: message.caller.subject().to_owned(),
            requestid: message.request_id.as_str().to_owned(),
            traceparent: None,
            data: to_raw_value(&data).expect("data in JSON"),
        };
        self.application.publish(event, message).await.expect("an event in the log");
    }

    /// What happened so far, in order.
    pub async fn events(&self) -> Vec<Envelope> {
        EventLogView::new(self.database.clone()).events(None).await.expect("the event log")
    }

    /// The names of the events that happened so far, in order.
    pub async fn event_types(&self) -> Vec<String> {
        self.events().await.into_iter().map(|event| event.event_type).collect()
    }

    /// Waits until every subscriber has taken all that it takes, and whoever asks sees what came of it.
    pub async fn delivered(&self) {
        let log = EventLogView::new(self.database.clone());
        self.wait_for_none("delivered", async || log.undelivered().await.expect("the event log")).await;
        // What is committed can be seen in the database a moment before the cache forgets what was true until then.
        self.application.finish_commits().await;
    }

    /// Waits until deliveries were made of all events, whether anybody takes them or not.
    pub async fn dispatched(&self) {
        let log = EventLogView::new(self.database.clone());
        self.wait_for_none("dispatched", async || log.undispatched().await.expect("the event log")).await;
    }

    /// Waits until `attempt` gives something: `eventually("it is counted", async || …)`. For what comes of an event after a while.
    pub async fn eventually<T>(&self, what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
        let trying = async {
            loop {
                if let Some(value) = attempt().await {
                    return value;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(DEADLINE, trying).await {
            Ok(value) => value,
            Err(_) => {
                panic!("not within {DEADLINE:?}: {what}; what happened: {:?}", self.event_types().await)
            }
        }
    }

    async fn wait_for_none(&self, what: &str, left: impl AsyncFn() -> i64) {
        let what = format!("all events are {what}");
        self.eventually(&what, async || (left().await == 0).then_some(())).await;
    }

    /// Empties the table that a subscriber fills, and has it filled again, as `servertree projections rebuild` does; answers of how
    /// many events.
    pub async fn rebuild(&self, subscriber: &str) -> u64 {
        let mut projections = self.application.projections().into_iter();
        let projection = projections.find(|projection| projection.name == subscriber).expect("a projection");
        self.application.rebuild(&projection, drop).await.expect("a projection that can be rebuilt")
    }

    /// The database, once nothing goes on in the background: what its counter of statements then shows is the test's.
    pub async fn quiet_database(&self) -> &Database {
        self.delivered().await;
        self.relay.stop().await;
        &self.database
    }

    /// Changes rows behind the application's back, as somebody with access to the database would.
    pub async fn tamper(&self, update: &UpdateStatement) {
        let mut transaction = self.database.begin().await.expect("a transaction");
        transaction.execute(update).await.expect("an update");
        transaction.commit().await.expect("a commit");
    }

    /// Starts the relay again after [`Self::quiet_database`].
    pub async fn resume(&mut self) {
        self.relay = self.application.start_relay(&RelaySettings::default(), None).await.expect("a relay");
    }

    /// Ends the test: everything must have been delivered.
    pub async fn finish(self) {
        self.delivered().await;
        self.stop().await;
    }

    /// Stops, whatever is left to do; [`Builder::after`] goes on with it.
    pub async fn stop(self) -> Stopped {
        self.application.finish_commands().await;
        self.relay.stop().await;
        self.database.close().await;
        Stopped { folder: self.folder, place: self.place, clock: self.clock, ids: self.ids }
    }

    /// What travels with the commands and queries of a test.
    pub fn message(&self) -> Message {
        self.message_of(Caller::named("tester"))
    }

    /// What travels with those of this caller.
    pub fn message_of(&self, caller: Caller) -> Message {
        let request_id = RequestId::parse("test").expect("a sane request id");
        Message::new(caller, request_id, None, self.clock.now())
    }
}
