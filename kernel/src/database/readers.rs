//! The connections that read a SQLite file.
//!
//! sqlx's own pool asks each connection that comes back whether it is still alive: one more hop to its thread for each read,
//! which is a third of what it costs to look up a row. A file does not go away, so here a connection that did what it was
//! asked is simply put back, and any other one is thrown away.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_query::{SelectStatement, SqliteQueryBuilder};
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::sqlite::classify;
use super::{DatabaseError, Row};

/// Connections that only read; clones share them.
#[derive(Clone)]
pub(super) struct Readers(Arc<Inner>);

struct Inner {
    options: SqliteConnectOptions,
    /// One for each connection there may be.
    permits: Arc<Semaphore>,
    connections: u32,
    acquire_timeout: Duration,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection, out of the pool for a while.
pub(super) struct Reader {
    readers: Readers,
    connection: Option<SqliteConnection>,
    /// A snapshot begins with the next statement, on the same way to the connection's thread.
    begins: bool,
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    /// Opens the first of `connections`: the others when they are needed.
    pub(super) async fn open(
        options: SqliteConnectOptions,
        connections: u32,
        acquire_timeout: Duration,
    ) -> Result<Self, sqlx::Error> {
        let first = options.connect().await?;
        let permits = Arc::new(Semaphore::new(connections as usize));
        Ok(Self(Arc::new(Inner {
            options,
            permits,
            connections,
            acquire_timeout,
            idle: Mutex::new(vec![first]),
        })))
    }

    /// A connection, when there is one. The wait is limited.
    pub(super) async fn acquire(&self) -> Result<Reader, DatabaseError> {
        let permit = Arc::clone(&self.0.permits).acquire_owned();
        let permit = tokio::time::timeout(self.0.acquire_timeout, permit)
            .await
            .map_err(|_| classify(sqlx::Error::PoolTimedOut))?
            .map_err(|_| classify(sqlx::Error::PoolClosed))?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.0.options.connect().await.map_err(classify)?,
        };
        Ok(Reader { readers: self.clone(), connection: Some(connection), begins: false, _permit: permit })
    }

    /// Waits until nobody has one any more, gives out no more, and closes all.
    pub(super) async fn close(&self) {
        let all = self.0.permits.acquire_many(self.0.connections).await;
        self.0.permits.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "a connection did not close well");
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// From the next statement on, all see what that one saw: in WAL mode the first read of a transaction decides.
    pub(super) fn begin(&mut self) {
        self.begins = true;
    }

    /// All rows.
    pub(super) async fn fetch_all<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Vec<R>, DatabaseError> {
        let (sql, values) = self.built(select);
        self.run(async |connection| {
            sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_all(connection).await
        })
        .await
    }

    /// The row, if there is one.
    pub(super) async fn fetch_optional<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        let (sql, values) = self.built(select);
        self.run(async |connection| {
            sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_optional(connection).await
        })
        .await
    }

    fn built(&mut self, select: &SelectStatement) -> (String, SqlxValues) {
        let (sql, values) = select.build_sqlx(SqliteQueryBuilder);
        if std::mem::take(&mut self.begins) { (format!("BEGIN; {sql}"), values) } else { (sql, values) }
    }

    /// Carries out a statement of our own without values.
    pub(super) async fn execute(&mut self, sql: &'static str) -> Result<(), DatabaseError> {
        self.run(async |connection| sqlx::query(sql).execute(connection).await.map(drop)).await
    }

    /// Ends the snapshot, if it began.
    pub(super) async fn end(&mut self) -> Result<(), DatabaseError> {
        if std::mem::take(&mut self.begins) { Ok(()) } else { self.execute("COMMIT").await }
    }

    /// Puts it back. Not done when it is dropped: whoever drops it may be in the middle of a transaction.
    pub(super) fn put_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers.idle().push(connection);
        }
    }

    /// The connection is away while it works: if the caller goes away meanwhile, or anything fails, it is closed.
    async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, DatabaseError> {
        let mut connection = self.connection.take().ok_or_else(|| classify(sqlx::Error::WorkerCrashed))?;
        let outcome = work(&mut connection).await.map_err(classify)?;
        self.connection = Some(connection);
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use sea_query::{Expr, Query};
    use sqlx::FromRow;
    use tempfile::TempDir;
    use uuid::Uuid;

    use crate::database::{Database, Migrations, Settings};

    static FOLDER: include_dir::Dir<'static> =
        include_dir::include_dir!("$CARGO_MANIFEST_DIR/tests/it/migrations/first");

    #[derive(FromRow)]
    struct Count {
        count: i64,
    }

    fn count() -> sea_query::SelectStatement {
        Query::select().expr_as(Expr::cust("COUNT(*)"), "count").from("racks").take()
    }

    async fn database(folder: &TempDir) -> Database {
        let settings = Settings { read_connections: 1, ..Settings::default() };
        let database = Database::connect(&settings, &folder.path().join("test.db")).await.unwrap();
        let owner = Migrations { owner: "rack", folder: &FOLDER };
        database.migrate(&[owner]).await.unwrap();
        database
    }

    async fn write(database: &Database, id: u128) {
        let mut transaction = database.begin().await.unwrap();
        let insert = Query::insert()
            .into_table("racks")
            .columns(["id"])
            .values_panic([Uuid::from_u128(id).into()])
            .take();
        transaction.execute(&insert).await.unwrap();
        transaction.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_snapshot_stands_still_until_it_ends() {
        let folder = TempDir::new().unwrap();
        let database = database(&folder).await;
        let mut snapshot = database.begin_snapshot().await.unwrap();
        for id in 0..2 {
            assert_eq!(snapshot.fetch_optional::<Count>(&count()).await.unwrap().unwrap().count, 0);
            write(&database, id).await;
        }
        snapshot.end().await.unwrap();
        assert_eq!(database.fetch_all::<Count>(&count()).await.unwrap()[0].count, 2);
        // One that never read anything has nothing to end.
        database.begin_snapshot().await.unwrap().end().await.unwrap();
    }

    /// Whoever goes away in the middle leaves neither a snapshot nor a gap: there is one connection, and all get it.
    #[tokio::test]
    async fn what_is_given_up_half_way_holds_up_nobody() {
        let folder = TempDir::new().unwrap();
        let database = database(&folder).await;
        for _ in 0..20 {
            // Polled once: it is on its way to the connection's thread, and is dropped.
            drop(database.fetch_all::<Count>(&count()).now_or_never());
            let mut snapshot = database.begin_snapshot().await.unwrap();
            snapshot.fetch_all::<Count>(&count()).await.unwrap();
            drop(snapshot);
        }
        write(&database, 1).await;
        assert_eq!(database.fetch_all::<Count>(&count()).await.unwrap()[0].count, 1);
        database.close().await;
        assert!(database.fetch_all::<Count>(&count()).await.is_err());
    }
}
