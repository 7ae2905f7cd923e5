//! Transactions, and snapshots to read from.

use std::time::Duration;

use sea_query::SelectStatement;
use sea_query_sqlx::SqlxBinder;

use super::connection::Connection;
use super::{Database, DatabaseError, Engine, Row};

/// An open transaction; dropping it rolls it back.
pub(crate) struct Transaction {
    /// None: it ended.
    connection: Option<Connection>,
    database: Database,
    limit: Option<Duration>,
}

/// A state of the database that stands still, to read from.
pub(crate) struct Snapshot {
    connection: Connection,
    database: Database,
    limit: Option<Duration>,
    begun: bool,
}

impl Transaction {
    pub(super) fn new(connection: Connection, database: Database, limit: Option<Duration>) -> Self {
        Self { connection: Some(connection), database, limit }
    }

    /// Which engine it is on: for a statement that has to be told apart.
    pub(crate) fn engine(&self) -> Engine {
        self.database.engine()
    }

    /// Carries out a statement; answers how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        statement: &(impl SqlxBinder + Sync),
    ) -> Result<u64, DatabaseError> {
        let limit = self.limit;
        self.connection()?.execute(statement, limit).await
    }

    /// Locks the rows of a select that says how, until the end of the transaction. Whoever has begun to write to a file has locked
    /// all there is.
    pub(crate) async fn lock(&mut self, select: &SelectStatement) -> Result<(), DatabaseError> {
        if self.database.engine() == Engine::Sqlite {
            return Ok(());
        }
        self.execute(select).await.map(drop)
    }

    /// All rows, as this transaction sees them.
    pub(crate) async fn fetch_all<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Vec<R>, DatabaseError> {
        let limit = self.limit;
        self.connection()?.fetch_all(select, "", limit).await
    }

    /// The row, if there is one, as this transaction sees it.
    pub(crate) async fn fetch_optional<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        let limit = self.limit;
        self.connection()?.fetch_optional(select, "", limit).await
    }

    /// Makes all of it last.
    pub(crate) async fn commit(mut self) -> Result<(), DatabaseError> {
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        connection.run("COMMIT", self.limit).await?;
        connection.put_back();
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut Connection, DatabaseError> {
        self.database.count();
        self.connection.as_mut().ok_or_else(|| sqlx::Error::WorkerCrashed.into())
    }
}

/// Rolled back in the background. Where that cannot be, the connection is closed, which rolls back as well.
impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let limit = self.limit;
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if connection.run("ROLLBACK", limit).await.is_ok() {
                    connection.put_back();
                }
            });
        }
    }
}

impl Snapshot {
    /// On a connection on which it `begun`, or is to begin with its first statement.
    pub(super) fn new(
        connection: Connection,
        database: Database,
        limit: Option<Duration>,
        begun: bool,
    ) -> Self {
        Self { connection, database, limit, begun }
    }

    /// All rows.
    pub(crate) async fn fetch_all<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Vec<R>, DatabaseError> {
        let before = self.before();
        self.connection.fetch_all(select, before, self.limit).await
    }

    /// The row, if there is one.
    pub(crate) async fn fetch_optional<R: Row>(
        &mut self,
        select: &SelectStatement,
    ) -> Result<Option<R>, DatabaseError> {
        let before = self.before();
        self.connection.fetch_optional(select, before, self.limit).await
    }

    /// Lets go of it. One that is dropped instead takes its connection with it.
    pub(crate) async fn end(mut self) -> Result<(), DatabaseError> {
        if self.begun {
            self.connection.run("COMMIT", self.limit).await?;
        }
        self.connection.put_back();
        Ok(())
    }

    /// What stands before the next statement: in WAL mode the first read of a transaction decides what it sees, and one hop to
    /// the connection's thread does for both. On the other engines it began when it was made.
    fn before(&mut self) -> &'static str {
        self.database.count();
        if std::mem::replace(&mut self.begun, true) { "" } else { "BEGIN; " }
    }
}
