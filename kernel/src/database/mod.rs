//! SQL: the engines behind one type. sea-query statements go in, `FromRow` structs come out.
//!
//! This module is the only place with a branch per engine; a context never knows which one it is on. Adding one
//! means an arm in `Backend` and in `Connection`, a bound in [`Row`], and a folder of migrations.

mod error;
mod migrate;
mod readers;
mod settings;
mod sqlite;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_query::SelectStatement;
use sea_query_sqlx::SqlxBinder;
use sqlx::FromRow;
use sqlx::sqlite::SqliteRow;

pub use error::{ConnectError, DatabaseError};
pub use migrate::{Applied, MigrationError, Migrations};
pub use settings::Settings;

/// A row of a result, read into a struct. `#[derive(sqlx::FromRow)]` gives it for every engine.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

impl<T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin> Row for T {}

/// The database: cheap to clone, all clones share its pools.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    backend: Backend,
    /// Statements sent so far: tests count them, so that no list makes a query per row.
    statements: AtomicU64,
}

enum Backend {
    Sqlite(sqlite::Pools),
}

/// An open transaction; dropping it rolls it back.
pub(crate) struct Transaction {
    connection: Connection,
    database: Database,
}

enum Connection {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
}

/// A state of the database that stands still, to read from.
pub(crate) struct Snapshot {
    connection: SnapshotConnection,
    database: Database,
}

enum SnapshotConnection {
    Sqlite(readers::Reader),
}

impl Database {
    /// Opens the pools. Where `settings` name no database it is SQLite in `default_file`, which is created.
    pub async fn connect(settings: &Settings, default_file: &Path) -> Result<Self, ConnectError> {
        let file = match settings.sqlite_file() {
            Some(file) => Path::new(file),
            None if settings.url.is_empty() => default_file,
            None => return Err(ConnectError::Url(settings.url.clone())),
        };
        let backend = Backend::Sqlite(sqlite::Pools::open(file, settings).await?);
        Ok(Self(Arc::new(Inner { backend, statements: AtomicU64::new(0) })))
    }

    /// Opens the pools of a database that is there; makes none.
    pub async fn connect_existing(settings: &Settings, default_file: &Path) -> Result<Self, ConnectError> {
        let file = settings.sqlite_file().map_or(default_file, Path::new);
        if !file.exists() {
            return Err(ConnectError::Missing { path: file.display().to_string() });
        }
        Self::connect(settings, default_file).await
    }

    /// What is in use, for people: engine, version, place. Never a password.
    pub fn description(&self) -> &str {
        match &self.0.backend {
            Backend::Sqlite(pools) => &pools.description,
        }
    }

    /// How many statements were sent so far.
    pub fn statements(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// Whether the database is there and answers.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        match &self.0.backend {
            Backend::Sqlite(pools) => pools.ping().await,
        }
    }

    /// Waits for what is in use to come back, then closes all connections.
    pub async fn close(&self) {
        match &self.0.backend {
            Backend::Sqlite(pools) => pools.close().await,
        }
    }

    /// Begins a transaction that may write.
    pub(crate) async fn begin(&self) -> Result<Transaction, DatabaseError> {
        let connection = match &self.0.backend {
            Backend::Sqlite(pools) => Connection::Sqlite(pools.begin().await?),
        };
        Ok(Transaction { connection, database: self.clone() })
    }

    /// Begins to read a state of the database that stands still.
    pub(crate) async fn begin_snapshot(&self) -> Result<Snapshot, DatabaseError> {
        let connection = match &self.0.backend {
            Backend::Sqlite(pools) => {
                let mut reader = pools.readers.acquire().await?;
                reader.begin();
                SnapshotConnection::Sqlite(reader)
            }
        };
        Ok(Snapshot { connection, database: self.clone() })
    }

    /// All rows, outside of any transaction.
    pub(crate) async fn fetch_all<R: Row>(&self, select: &SelectStatement) -> Result<Vec<R>, DatabaseError> {
        self.count();
        match &self.0.backend {
            Backend::Sqlite(pools) => {
                let mut reader = pools.readers.acquire().await?;
                let rows = reader.fetch_all(select).await?;
                reader.put_back();
                Ok(rows)
            }
        }
    }

    /// The row, if there is one, outside of any transaction.
    pub(crate) async fn fetch_optional<R: Row>(
        &self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        self.count();
        match &self.0.backend {
            Backend::Sqlite(pools) => {
                let mut reader = pools.readers.acquire().await?;
                let row = reader.fetch_optional(select).await?;
                reader.put_back();
                Ok(row)
            }
        }
    }

    fn count(&self) {
        self.0.statements.fetch_add(1, Ordering::Relaxed);
    }
}

impl Snapshot {
    /// All rows.
    pub(crate) async fn fetch_all<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Vec<R>, DatabaseError> {
        self.database.count();
        match &mut self.connection {
            SnapshotConnection::Sqlite(reader) => reader.fetch_all(select).await,
        }
    }

    /// The row, if there is one.
    pub(crate) async fn fetch_optional<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        self.database.count();
        match &mut self.connection {
            SnapshotConnection::Sqlite(reader) => reader.fetch_optional(select).await,
        }
    }

    /// Lets go of it. One that is dropped instead takes its connection with it.
    pub(crate) async fn end(self) -> Result<(), DatabaseError> {
        match self.connection {
            SnapshotConnection::Sqlite(mut reader) => {
                reader.end().await?;
                reader.put_back();
                Ok(())
            }
        }
    }
}

impl Transaction {
    /// Carries out a statement; answers how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        statement: &(impl SqlxBinder + Sync),
    ) -> Result<u64, DatabaseError> {
        self.database.count();
        match &mut self.connection {
            Connection::Sqlite(transaction) => sqlite::execute(&mut **transaction, statement).await,
        }
    }

    /// All rows, as this transaction sees them.
    pub(crate) async fn fetch_all<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Vec<R>, DatabaseError> {
        self.database.count();
        match &mut self.connection {
            Connection::Sqlite(transaction) => sqlite::fetch_all(&mut **transaction, select).await,
        }
    }

    /// The row, if there is one, as this transaction sees it.
    pub(crate) async fn fetch_optional<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        self.database.count();
        match &mut self.connection {
            Connection::Sqlite(transaction) => sqlite::fetch_optional(&mut **transaction, select).await,
        }
    }

    /// Makes all of it last.
    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        match self.connection {
            Connection::Sqlite(transaction) => transaction.commit().await.map_err(sqlite::classify),
        }
    }
}
