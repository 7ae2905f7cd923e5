//! What every engine must keep to, of connections, transactions and snapshots.

use futures_util::FutureExt;
use sea_query::{Expr, Query, SelectStatement};
use sqlx::FromRow;
use tempfile::TempDir;
use uuid::Uuid;

use super::{Database, DatabaseError, Migrations, Settings, Use};

static FOLDER: include_dir::Dir<'static> =
    include_dir::include_dir!("$CARGO_MANIFEST_DIR/tests/it/migrations/first");

#[derive(FromRow)]
struct Count {
    count: i64,
}

/// A database whose pools have one connection each: whatever is wrong with it, the next one who uses it sees it.
async fn database(folder: &TempDir) -> Database {
    let settings = Settings { read_connections: 1, write_connections: 1, ..Settings::default() };
    let database = Database::connect(&settings, &folder.path().join("test.db")).await.unwrap();
    database.migrate(&[Migrations { owner: "rack", folder: &FOLDER }]).await.unwrap();
    database
}

fn count() -> SelectStatement {
    Query::select().expr_as(Expr::cust("COUNT(*)"), "count").from("racks").take()
}

fn insert(id: u128) -> sea_query::InsertStatement {
    let id = Uuid::from_u128(id);
    Query::insert().into_table("racks").columns(["id"]).values_panic([id.into()]).take()
}

async fn write(database: &Database, id: u128) {
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(&insert(id)).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn counted(database: &Database) -> i64 {
    database.fetch_all::<Count>(&count()).await.unwrap()[0].count
}

#[tokio::test]
async fn a_snapshot_stands_still_until_it_ends() {
    let folder = TempDir::new().unwrap();
    let database = database(&folder).await;
    let mut snapshot = database.begin_snapshot(Use::Read).await.unwrap();
    for id in 0..2 {
        assert_eq!(snapshot.fetch_optional::<Count>(&count()).await.unwrap().unwrap().count, 0);
        write(&database, id).await;
    }
    snapshot.end().await.unwrap();
    assert_eq!(counted(&database).await, 2);
    // One that never read anything has nothing to end.
    database.begin_snapshot(Use::Read).await.unwrap().end().await.unwrap();
}

/// Whoever goes away in the middle leaves neither a snapshot nor a gap: there is one connection, and all get it.
#[tokio::test]
async fn what_is_given_up_half_way_holds_up_nobody() {
    let folder = TempDir::new().unwrap();
    let database = database(&folder).await;
    for _ in 0..20 {
        // Polled once: it is on its way to the engine, and is dropped.
        drop(database.fetch_all::<Count>(&count()).now_or_never());
        let mut snapshot = database.begin_snapshot(Use::Read).await.unwrap();
        snapshot.fetch_all::<Count>(&count()).await.unwrap();
        drop(snapshot);
    }
    write(&database, 1).await;
    assert_eq!(counted(&database).await, 1);
    database.close().await;
    assert!(database.fetch_all::<Count>(&count()).await.is_err());
}

/// A beginning that was given up half way must not swallow what the next one writes.
#[tokio::test]
async fn what_is_written_after_a_transaction_that_was_given_up_lasts() {
    let folder = TempDir::new().unwrap();
    let database = database(&folder).await;
    for id in 0..20 {
        drop(database.begin().now_or_never());
        let mut given_up = database.begin().await.unwrap();
        drop(given_up.execute(&insert(1_000 + id)).now_or_never());
        drop(given_up);
        write(&database, id).await;
        assert_eq!(counted(&database).await, i64::try_from(id).unwrap() + 1);
    }
    database.close().await;
}

/// A statement that is refused leaves the transaction to be rolled back, and the connection as good as it was.
#[tokio::test]
async fn a_refusal_rolls_back_and_says_what_refused() {
    let folder = TempDir::new().unwrap();
    let database = database(&folder).await;
    write(&database, 1).await;
    let mut transaction = database.begin().await.unwrap();
    transaction.execute(&insert(2)).await.unwrap();
    let refused = transaction.execute(&insert(1)).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Unique { .. }), "{refused}");
    drop(transaction);
    write(&database, 3).await;
    assert_eq!(counted(&database).await, 2, "a transaction that was dropped was not rolled back");
    database.close().await;
}

/// The engine itself refuses to write where only reading is meant.
#[tokio::test]
async fn readers_cannot_write() {
    let folder = TempDir::new().unwrap();
    let database = database(&folder).await;
    let mut connection = database.acquire(Use::Read).await.unwrap();
    assert!(connection.execute(&insert(1), None).await.is_err());
    drop(connection);
    assert_eq!(counted(&database).await, 0);
    database.close().await;
}
