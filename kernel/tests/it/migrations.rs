//! Migrations: once, all or nothing, each owner with a history of its own; and what does not fit is refused.

use include_dir::{Dir, include_dir};
use servertree_kernel::database::{Database, Engine, MigrationError, Migrations};
use servertree_kernel::testkit::{TestDatabase, not_on};
use tempfile::TempDir;

static FOLDERS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/tests/it/migrations");

fn migrations(owner: &'static str, folder: &str) -> Migrations {
    Migrations { owner, folder: FOLDERS.get_dir(folder).unwrap() }
}

/// A place for a database, in a folder.
struct Place(TestDatabase, #[expect(dead_code, reason = "it goes with the value")] TempDir);

async fn place() -> Place {
    let folder = TempDir::new().unwrap();
    Place(TestDatabase::new(&folder.path().join("test.db")).await, folder)
}

async fn open(place: &Place) -> Database {
    place.0.open().await
}

async fn versions(database: &Database, migrations: &[Migrations]) -> Result<Vec<i64>, MigrationError> {
    let applied = database.migrate(migrations).await?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}

#[tokio::test]
async fn what_was_done_is_not_done_again() {
    let place = place().await;
    let database = open(&place).await;
    assert_eq!(versions(&database, &[migrations("rack", "first")]).await.unwrap(), [1]);
    assert_eq!(versions(&database, &[migrations("rack", "second")]).await.unwrap(), [2]);
    assert!(versions(&database, &[migrations("rack", "second")]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused() {
    let place = place().await;
    let database = open(&place).await;
    database.migrate(&[migrations("rack", "second")]).await.unwrap();
    let refused = database.migrate(&[migrations("rack", "first")]).await.unwrap_err();
    assert!(matches!(refused, MigrationError::Newer { owner: "rack", version: 2 }), "{refused}");
}

#[tokio::test]
async fn an_edited_migration_is_refused() {
    let place = place().await;
    let database = open(&place).await;
    database.migrate(&[migrations("rack", "first")]).await.unwrap();
    let refused = database.migrate(&[migrations("rack", "edited")]).await.unwrap_err();
    assert!(matches!(refused, MigrationError::Edited { owner: "rack", version: 1 }), "{refused}");
    let refused = database.migrate(&[migrations("rack", "misnamed")]).await.unwrap_err();
    assert!(matches!(refused, MigrationError::FileName(_)), "{refused}");
}

#[tokio::test]
async fn an_owner_that_is_not_ready_for_the_engine_is_refused() {
    let place = place().await;
    let refused = open(&place).await.migrate(&[migrations("rack", "elsewhere")]).await.unwrap_err();
    let MigrationError::NotFor { owner: "rack", engine } = refused else { panic!("{refused}") };
    assert_eq!(engine, Engine::under_test().folder());
}

/// One that fails takes back all of this start, also what belongs to others; where the engine can take back what was done to tables.
#[tokio::test]
async fn a_failure_changes_nothing() {
    if !not_on(Engine::MySql) {
        return;
    }
    let place = place().await;
    let database = open(&place).await;
    let refused = database.migrate(&[migrations("rack", "broken")]).await.unwrap_err();
    assert!(matches!(refused, MigrationError::Refused { owner: "rack", .. }), "{refused}");
    assert_eq!(versions(&database, &[migrations("rack", "second")]).await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn each_owner_has_a_history_of_its_own() {
    let place = place().await;
    let database = open(&place).await;
    database.migrate(&[migrations("rack", "first")]).await.unwrap();
    // The number is the same; were the history, too, this would be taken for done, and edited at that.
    let mut other = migrations("notes", "first");
    other.folder = crate::notes::NOTES.migrations.folder;
    assert_eq!(versions(&database, &[other]).await.unwrap(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_start_together_migrate_once() {
    let place = place().await;
    let start = async || {
        let database = open(&place).await;
        versions(&database, &[migrations("rack", "second")]).await.unwrap().len()
    };
    let (a, b, c) = tokio::join!(start(), start(), start());
    assert_eq!(a + b + c, 2);
}
