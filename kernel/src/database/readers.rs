//! The connections that read a SQLite file.
//!
//! sqlx's own pool asks each connection that comes back whether it is still alive: one more hop to its thread for each read,
//! which is a third of what it costs to look up a row. A file does not go away, so here a connection that did what it was
//! asked is simply put back, and any other one is thrown away.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_query::SelectStatement;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::sqlite::{self, classify};
use super::{DatabaseError, Row};

/// Connections that only read; clones share them.
#[derive(Clone)]
pub(super) struct Readers(Arc<Inner>);

struct Inner {
    options: SqliteConnectOptions,
    /// One for each connection there may be.
    permits: Arc<Semaphore>,
    acquire_timeout: Duration,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection, out of the pool for a while.
pub(super) struct Reader {
    readers: Readers,
    connection: Option<SqliteConnection>,
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
        Ok(Self(Arc::new(Inner { options, permits, acquire_timeout, idle: Mutex::new(vec![first]) })))
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
        Ok(Reader { readers: self.clone(), connection: Some(connection), _permit: permit })
    }

    /// Gives out no more, and closes those that nobody has.
    pub(super) async fn close(&self) {
        self.0.permits.close();
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
    /// All rows.
    pub(super) async fn fetch_all<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Vec<R>, DatabaseError> {
        self.run(async |connection| sqlite::fetch_all(connection, select).await).await
    }

    /// The row, if there is one.
    pub(super) async fn fetch_optional<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        self.run(async |connection| sqlite::fetch_optional(connection, select).await).await
    }

    /// Carries out a statement of our own without values.
    pub(super) async fn execute(&mut self, sql: &'static str) -> Result<(), DatabaseError> {
        self.run(async |connection| sqlx::query(sql).execute(connection).await.map(drop).map_err(classify))
            .await
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
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut connection = self.connection.take().ok_or_else(|| classify(sqlx::Error::WorkerCrashed))?;
        let outcome = work(&mut connection).await?;
        self.connection = Some(connection);
        Ok(outcome)
    }
}
