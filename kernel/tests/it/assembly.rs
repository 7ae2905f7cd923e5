//! How contexts are put together: what does not fit is refused at the start.

use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::authentication::TokenVerifier;
use servertree_kernel::domain::Timestamp;
use servertree_kernel::message::{Caller, Message, RequestId};
use servertree_kernel::permission::PermissionSlot;
use servertree_kernel::plugin::{Application, AssemblyError, Context, Parts, migrations};
use servertree_kernel::problem::{Failure, Kind};
use servertree_kernel::testkit::{AllowAll, DenyAll, TestDatabase, kernel};

use crate::notes::{NOTES, NotesWritten};

/// Provides who decides about permissions: nobody may do anything.
static STRICT: Context = Context {
    name: "strict",
    register: |_, registry| registry.permission_checker(Arc::new(DenyAll)),
    ..NOTES_WITHOUT_USE_CASES
};

const NOTES_WITHOUT_USE_CASES: Context = Context {
    name: "empty",
    summary: "Nothing",
    migrations: NOTES.migrations,
    routes: |_| {},
    events: &[],
    subscriptions: &[],
    upcasters: &[],
    problems: &[],
    open: &[],
    objects: &[],
    sections: &[],
    secrets: &[],
    register: |_, _| {},
};

/// An application, and what goes with it.
struct Assembled {
    application: Application,
    _place: (TestDatabase, tempfile::TempDir),
}

impl Deref for Assembled {
    type Target = Application;

    fn deref(&self) -> &Application {
        &self.application
    }
}

async fn assemble(contexts: &[&'static Context]) -> Result<Assembled, AssemblyError> {
    assemble_with(contexts, None).await
}

async fn assemble_with(
    contexts: &[&'static Context],
    fallback_verifier: Option<Arc<dyn TokenVerifier>>,
) -> Result<Assembled, AssemblyError> {
    let folder = tempfile::TempDir::new().unwrap();
    let place = TestDatabase::new(&folder.path().join("test.db")).await;
    let database = place.open().await;
    database.migrate(&migrations(&[&NOTES])).await.unwrap();
    let permissions = PermissionSlot::empty();
    let application = Application::assemble(Parts {
        contexts: contexts.to_vec(),
        kernel: kernel(permissions.clone(), database.clone()),
        permissions,
        fallback_permissions: Arc::new(AllowAll),
        fallback_verifier,
        database,
        runtime: tokio::runtime::Handle::current(),
    })?;
    Ok(Assembled { application, _place: (place, folder) })
}

async fn ask(application: &Application) -> Option<Kind> {
    let request_id = RequestId::parse("test").unwrap();
    let message = Message::new(Caller::named("tester"), request_id, None, Timestamp::from_micros(0));
    application.queries.ask(NotesWritten, message).await.err().map(|failure| failure.kind())
}

#[tokio::test]
async fn a_context_that_provides_the_permission_checker_decides() {
    let alone = assemble(&[&NOTES]).await.unwrap();
    assert!(!alone.has_permission_checker);
    assert_eq!(ask(&alone).await, None);
    let guarded = assemble(&[&NOTES, &STRICT]).await.unwrap();
    assert!(guarded.has_permission_checker);
    assert_eq!(ask(&guarded).await, Some(Kind::Forbidden));
}

/// Knows one token.
struct Elsewhere;

#[async_trait]
impl TokenVerifier for Elsewhere {
    async fn verify(&self, token: &str) -> Result<Option<Caller>, Failure> {
        Ok((token == "elsewhere").then(|| Caller::named("tester")))
    }
}

#[tokio::test]
async fn another_process_takes_the_places_that_are_left() {
    let alone = assemble(&[&NOTES]).await.unwrap();
    assert!(!alone.asks_elsewhere && alone.token_verifier.is_none());
    let asking = assemble_with(&[&NOTES], Some(Arc::new(Elsewhere))).await.unwrap();
    assert!(asking.asks_elsewhere && asking.has_permission_checker);
    assert!(asking.token_verifier.as_ref().unwrap().verify("elsewhere").await.unwrap().is_some());
    assert!(asking.decisions.is_none(), "it does not answer for others");

    static KNOWING: Context = Context {
        name: "knowing",
        register: |_, registry| {
            registry.permission_checker(Arc::new(DenyAll));
            registry.token_verifier(Arc::new(Here));
        },
        ..NOTES_WITHOUT_USE_CASES
    };
    let knowing = assemble_with(&[&NOTES, &KNOWING], Some(Arc::new(Elsewhere))).await.unwrap();
    assert!(!knowing.asks_elsewhere);
    assert!(knowing.token_verifier.as_ref().unwrap().verify("elsewhere").await.unwrap().is_none());
}

/// Knows no token.
struct Here;

#[async_trait]
impl TokenVerifier for Here {
    async fn verify(&self, _: &str) -> Result<Option<Caller>, Failure> {
        Ok(None)
    }
}

#[tokio::test]
async fn two_providers_stop_the_start() {
    static OTHER: Context = Context { name: "other", register: STRICT.register, ..NOTES_WITHOUT_USE_CASES };
    let refused = assemble(&[&STRICT, &OTHER]).await.err().unwrap();
    assert_eq!(refused, AssemblyError::TwoProviders("strict", "other", "permission checker"));
}

#[tokio::test]
async fn what_nobody_could_be_granted_stops_the_start() {
    static SPEECHLESS: Context = Context { objects: &[], ..NOTES_AS_THEY_ARE };
    const NOTES_AS_THEY_ARE: Context =
        Context { name: "notes", register: NOTES.register, ..NOTES_WITHOUT_USE_CASES };
    let refused = assemble(&[&SPEECHLESS]).await.err().unwrap();
    assert!(matches!(refused, AssemblyError::UndeclaredPermission { object_type: "note", .. }), "{refused}");
}

#[tokio::test]
async fn what_is_the_services_own_is_no_contexts() {
    static TAKING: Context =
        Context { objects: &[servertree_kernel::metrics::OBJECT], ..NOTES_WITHOUT_USE_CASES };
    let refused = assemble(&[&TAKING]).await.err().unwrap();
    let duplicate = AssemblyError::Duplicate { kind: "object type", name: "metrics".to_owned() };
    assert_eq!(refused, duplicate);
}

#[tokio::test]
async fn two_of_a_name_stop_the_start() {
    let refused = assemble(&[&NOTES, &NOTES]).await.err().unwrap();
    assert!(matches!(refused, AssemblyError::Duplicate { kind: "use case", .. }), "{refused}");
}
