//! A connection of whichever engine: sea-query statements go in, rows come out.

use std::time::Duration;

use sea_query::{MysqlQueryBuilder, PostgresQueryBuilder, SelectStatement, SqliteQueryBuilder};
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::{AssertSqlSafe, MySqlConnection, PgConnection, SqliteConnection};

use super::pool::Lent;
use super::{DatabaseError, Row};

/// A connection, out of its pool for a while.
pub(super) enum Connection {
    Sqlite(Lent<SqliteConnection>),
    MySql(Lent<MySqlConnection>),
    Postgres(Lent<PgConnection>),
}

/// Does the same with the connection, whichever it is.
macro_rules! with {
    ($connection:expr, $lent:ident => $do:expr) => {
        match $connection {
            Connection::Sqlite($lent) => $do,
            Connection::MySql($lent) => $do,
            Connection::Postgres($lent) => $do,
        }
    };
}

pub(super) use with;

impl Connection {
    /// Carries out a statement; answers how many rows it changed.
    pub(super) async fn execute(
        &mut self,
        statement: &(impl SqlxBinder + Sync),
        limit: Option<Duration>,
    ) -> Result<u64, DatabaseError> {
        let (sql, values) = self.build(statement);
        let done = with!(self, lent => {
            lent.run(limit, async |connection| {
                let query = sqlx::query_with(AssertSqlSafe(sql), values);
                query.execute(connection).await.map(|done| done.rows_affected())
            })
            .await
        });
        done.map_err(Into::into)
    }

    /// All rows. `before` stands before the statement, on the same way to the engine; only SQLite takes that.
    pub(super) async fn fetch_all<R: Row>(
        &mut self,
        select: &SelectStatement,
        before: &str,
        limit: Option<Duration>,
    ) -> Result<Vec<R>, DatabaseError> {
        let (sql, values) = self.build(select);
        let sql = before.to_owned() + &sql;
        let rows = with!(self, lent => {
            lent.run(limit, async |connection| {
                sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_all(connection).await
            })
            .await
        });
        rows.map_err(Into::into)
    }

    /// The row, if there is one. `before` as above.
    pub(super) async fn fetch_optional<R: Row>(
        &mut self,
        select: &SelectStatement,
        before: &str,
        limit: Option<Duration>,
    ) -> Result<Option<R>, DatabaseError> {
        let (sql, values) = self.build(select);
        let sql = before.to_owned() + &sql;
        let row = with!(self, lent => {
            lent.run(limit, async |connection| {
                sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_optional(connection).await
            })
            .await
        });
        row.map_err(Into::into)
    }

    /// What a statement of our own, without values, gives.
    pub(super) async fn ask<R: Row>(&mut self, sql: &'static str) -> Result<Vec<R>, DatabaseError> {
        let rows = with!(self, lent => {
            lent.run(None, async |connection| sqlx::query_as(sql).fetch_all(connection).await).await
        });
        rows.map_err(Into::into)
    }

    /// Carries out statements of our own, without values.
    pub(super) async fn run(
        &mut self,
        sql: &'static str,
        limit: Option<Duration>,
    ) -> Result<(), DatabaseError> {
        let done = with!(self, lent => {
            lent.run(limit, async |connection| sqlx::raw_sql(sql).execute(connection).await.map(drop)).await
        });
        done.map_err(Into::into)
    }

    /// Puts it back into its pool.
    pub(super) fn put_back(self) {
        with!(self, lent => lent.put_back());
    }

    /// What came of a read outside of any transaction, once the connection is put back; none: it is to be read again, by another
    /// connection.
    pub(super) fn end<T>(self, outcome: Result<T, DatabaseError>) -> Option<Result<T, DatabaseError>> {
        match outcome {
            Err(error) if self.was_stale(&error) => None,
            outcome => {
                self.put_back();
                Some(outcome)
            }
        }
    }

    /// Whether it was left from before, and with this turned out to be dead: another one may live. Those beside it do not.
    pub(super) fn was_stale(&self, error: &DatabaseError) -> bool {
        with!(self, lent => {
            let stale = lent.is_reused() && lent.is_gone() && error.is_lost_connection();
            if stale {
                lent.forget_idle();
            }
            stale
        })
    }

    /// A statement, in the words of the engine.
    pub(super) fn build(&self, statement: &impl SqlxBinder) -> (String, SqlxValues) {
        match self {
            Self::Sqlite(_) => statement.build_sqlx(SqliteQueryBuilder),
            Self::MySql(_) => statement.build_sqlx(MysqlQueryBuilder),
            Self::Postgres(_) => statement.build_sqlx(PostgresQueryBuilder),
        }
    }
}
