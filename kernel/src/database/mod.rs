//! SQL: the engines behind one type. sea-query statements go in, `FromRow` structs come out.
//!
//! This module is the only place with a branch per engine; a context never knows which one it is on. Adding one means an
//! engine beside `sqlite`, `mysql` and `postgres`, a bound in [`Row`], and folders of migrations.

mod collation;
mod connection;
mod copy;
mod engine;
mod error;
mod metrics;
mod migrate;
mod mysql;
mod pool;
mod postgres;
mod schema;
mod settings;
mod sqlite;
#[cfg(test)]
mod tests;
mod transaction;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_query::SelectStatement;
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, MySqlConnection, PgConnection};

pub use copy::{Copied, CopyError, DatabaseCopy, Fingerprint, Progress, Step};
pub use engine::Engine;
pub(crate) use engine::Use;
pub use error::{ConnectError, DatabaseError};
pub use migrate::{Applied, MigrationError, Migrations};
pub use schema::{Column, Index, Kind, Reference, Table};
pub use settings::Settings;
pub(crate) use transaction::{Snapshot, Transaction};

use connection::Connection;
use engine::Pools;

/// A row of a result, read into a struct. `#[derive(sqlx::FromRow)]` gives it for every engine.
pub trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, MySqlRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Row for T where
    T: for<'r> FromRow<'r, SqliteRow>
        + for<'r> FromRow<'r, MySqlRow>
        + for<'r> FromRow<'r, PgRow>
        + Send
        + Unpin
{
}

/// The database: cheap to clone, all clones share its pools.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    backend: Backend,
    /// How long a statement may take. A server that stands still is noticed by nothing else; a file has its own limit.
    limit: Option<Duration>,
    /// How long anybody waits for a connection or a lock.
    acquire_timeout: Duration,
    /// Statements sent so far: tests count them, so that no list makes a query per row.
    statements: AtomicU64,
}

enum Backend {
    Sqlite(sqlite::File),
    MySql(Pools<MySqlConnection>),
    Postgres(Pools<PgConnection>),
}

impl Database {
    /// Opens the pools. Where `settings` name no database it is SQLite in `default_file`, which is created.
    pub async fn connect(settings: &Settings, default_file: &Path) -> Result<Self, ConnectError> {
        let backend = match settings.engine() {
            Some(Engine::Sqlite) => {
                let file = settings.sqlite_file().map_or(default_file, Path::new);
                Backend::Sqlite(sqlite::File::open(file, settings).await?)
            }
            Some(Engine::MySql) => Backend::MySql(mysql::open(settings).await?),
            Some(Engine::Postgres) => Backend::Postgres(postgres::open(settings).await?),
            None => return Err(ConnectError::Url),
        };
        let acquire_timeout = settings.acquire_timeout();
        let limit = (!matches!(backend, Backend::Sqlite(_))).then_some(acquire_timeout);
        Ok(Self(Arc::new(Inner { backend, limit, acquire_timeout, statements: AtomicU64::new(0) })))
    }

    /// Opens the pools of a database that is there; makes none.
    pub async fn connect_existing(settings: &Settings, default_file: &Path) -> Result<Self, ConnectError> {
        if settings.engine() == Some(Engine::Sqlite) {
            let file = settings.sqlite_file().map_or(default_file, Path::new);
            if !file.exists() {
                return Err(ConnectError::Missing { path: file.display().to_string() });
            }
        }
        Self::connect(settings, default_file).await
    }

    /// Which engine it is on: for what has to be said of it. No context asks.
    pub fn engine(&self) -> Engine {
        match &self.0.backend {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::MySql(_) => Engine::MySql,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// What is in use, for people: engine, version, place. Never a password.
    pub fn description(&self) -> &str {
        match &self.0.backend {
            Backend::Sqlite(file) => &file.pools.description,
            Backend::MySql(pools) => &pools.description,
            Backend::Postgres(pools) => &pools.description,
        }
    }

    /// How many statements were sent so far.
    pub fn statements(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// How long anybody waits for a connection or a lock.
    pub(crate) fn acquire_timeout(&self) -> Duration {
        self.0.acquire_timeout
    }

    /// Whether the database is there and answers.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        let look = match &self.0.backend {
            Backend::Sqlite(file) => {
                file.is_in_its_place()?;
                // A page of the file.
                "SELECT name FROM sqlite_master LIMIT 1"
            }
            Backend::MySql(_) | Backend::Postgres(_) => "SELECT 1",
        };
        self.connection_after(Use::Read, look).await?.put_back();
        Ok(())
    }

    /// Waits for what is in use to come back, then closes all connections.
    pub async fn close(&self) {
        match &self.0.backend {
            Backend::Sqlite(file) => file.pools.close().await,
            Backend::MySql(pools) => pools.close().await,
            Backend::Postgres(pools) => pools.close().await,
        }
    }

    /// Begins a transaction that may write.
    pub(crate) async fn begin(&self) -> Result<Transaction, DatabaseError> {
        let connection = self.connection_after(Use::Write, self.engine().begin()).await?;
        Ok(Transaction::new(connection, self.clone(), self.0.limit))
    }

    /// Begins one for work that nobody waits for: its statements take as long as they take.
    pub(crate) async fn begin_maintenance(&self) -> Result<Transaction, DatabaseError> {
        let connection = self.connection_after(Use::Write, self.engine().begin()).await?;
        Ok(Transaction::new(connection, self.clone(), None))
    }

    /// Begins to read a state of the database that stands still.
    pub(crate) async fn begin_snapshot(&self, which: Use) -> Result<Snapshot, DatabaseError> {
        let begin = self.engine().begin_snapshot();
        let connection = match begin {
            Some(begin) => self.connection_after(which, begin).await?,
            None => self.acquire(which).await?,
        };
        Ok(Snapshot::new(connection, self.clone(), self.0.limit, begin.is_some()))
    }

    /// All rows, outside of any transaction.
    pub(crate) async fn fetch_all<R: Row>(&self, select: &SelectStatement) -> Result<Vec<R>, DatabaseError> {
        self.fetch_all_from(Use::Read, select).await
    }

    /// All rows, outside of any transaction, by one of the pools.
    pub(crate) async fn fetch_all_from<R: Row>(
        &self,
        which: Use,
        select: &SelectStatement,
    ) -> Result<Vec<R>, DatabaseError> {
        self.count();
        loop {
            let mut connection = self.acquire(which).await?;
            let rows = connection.fetch_all(select, "", self.0.limit).await;
            if let Some(rows) = connection.end(rows) {
                return rows;
            }
        }
    }

    /// The row, if there is one, outside of any transaction.
    pub(crate) async fn fetch_optional<R: Row>(
        &self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        self.fetch_optional_from(Use::Read, select).await
    }

    /// The row, if there is one, outside of any transaction, by one of the pools.
    pub(crate) async fn fetch_optional_from<R: Row>(
        &self,
        which: Use,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        self.count();
        loop {
            let mut connection = self.acquire(which).await?;
            let row = connection.fetch_optional(select, "", self.0.limit).await;
            if let Some(row) = connection.end(row) {
                return row;
            }
        }
    }

    /// A connection that has carried out `first`, which does no harm if it is done twice.
    async fn connection_after(&self, which: Use, first: &'static str) -> Result<Connection, DatabaseError> {
        loop {
            let mut connection = self.acquire(which).await?;
            match connection.run(first, self.0.limit).await {
                Ok(()) => return Ok(connection),
                Err(error) if connection.was_stale(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn acquire(&self, which: Use) -> Result<Connection, DatabaseError> {
        Ok(match &self.0.backend {
            Backend::Sqlite(file) => Connection::Sqlite(file.pools.of(which).acquire().await?),
            Backend::MySql(pools) => Connection::MySql(pools.of(which).acquire().await?),
            Backend::Postgres(pools) => Connection::Postgres(pools.of(which).acquire().await?),
        })
    }

    fn count(&self) {
        self.0.statements.fetch_add(1, Ordering::Relaxed);
    }
}
