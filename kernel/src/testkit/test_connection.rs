//! A connection of a test, behind the back of the program: what it looks at and tampers with is the same on every engine.

use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection, SqliteConnection, raw_sql};

use crate::database::Engine;

/// A connection that belongs to a test.
#[derive(Debug)]
pub struct TestConnection(Connection);

#[derive(Debug)]
enum Connection {
    Sqlite(SqliteConnection),
    Mysql(MySqlConnection),
    Postgres(PgConnection),
}

/// The same with whichever connection it is.
macro_rules! on {
    ($self:expr, $connection:ident => $do:expr) => {
        match &mut $self.0 {
            Connection::Sqlite($connection) => $do,
            Connection::Mysql($connection) => $do,
            Connection::Postgres($connection) => $do,
        }
    };
}

impl TestConnection {
    /// Connects to a database that is there.
    pub async fn open(url: &str) -> Self {
        Self::try_open(url).await.unwrap_or_else(|error| panic!("no connection to {url}: {error}"))
    }

    /// The same, where there may be none.
    pub async fn try_open(url: &str) -> Result<Self, sqlx::Error> {
        Ok(Self(match Engine::of(url) {
            Engine::Sqlite => Connection::Sqlite(SqliteConnection::connect(url).await?),
            Engine::MySql => Connection::Mysql(MySqlConnection::connect(url).await?),
            Engine::Postgres => Connection::Postgres(PgConnection::connect(url).await?),
        }))
    }

    /// The engine that it is to.
    pub fn engine(&self) -> Engine {
        match self.0 {
            Connection::Sqlite(_) => Engine::Sqlite,
            Connection::Mysql(_) => Engine::MySql,
            Connection::Postgres(_) => Engine::Postgres,
        }
    }

    /// Carries out statements; answers how many rows they changed.
    pub async fn execute(&mut self, sql: &str) -> u64 {
        self.try_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same, where it may fail.
    pub async fn try_execute(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        Ok(on!(self, connection => raw_sql(AssertSqlSafe(sql)).execute(connection).await?.rows_affected()))
    }

    /// The one number that a statement gives.
    pub async fn count(&mut self, sql: &str) -> i64 {
        self.rows(sql).await.pop().unwrap_or_else(|| panic!("no row: {sql}"))
    }

    /// The texts of the one column that a statement gives.
    pub async fn texts(&mut self, sql: &str) -> Vec<String> {
        self.rows(sql).await
    }

    async fn rows<T>(&mut self, sql: &str) -> Vec<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
        T: for<'r> sqlx::Decode<'r, sqlx::MySql> + sqlx::Type<sqlx::MySql>,
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        use sqlx::Row;
        on!(self, connection => {
            let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await;
            let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
            rows.iter().map(|row| row.try_get(0).unwrap_or_else(|error| panic!("{sql}: {error}"))).collect()
        })
    }

    /// Keeps everybody else from writing to `table`, if no open transaction has anything to do with it; does not wait for one.
    /// On SQLite, which has one lock for all tables, it is from writing at all.
    pub async fn try_lock(&mut self, table: &str) -> bool {
        let lock = match self.engine() {
            Engine::Sqlite => "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE".to_owned(),
            // MySQL knows no shorter time, in seconds.
            Engine::MySql => format!("SET lock_wait_timeout = 1; LOCK TABLES {table} WRITE"),
            Engine::Postgres => format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE NOWAIT"),
        };
        let locked = self.try_execute(&lock).await.is_ok();
        if !locked && self.engine() == Engine::Postgres {
            self.execute("ROLLBACK").await;
        }
        locked
    }

    /// Gives back what [`Self::try_lock`] took.
    pub async fn unlock(&mut self) {
        let unlock = if self.engine() == Engine::MySql { "UNLOCK TABLES" } else { "ROLLBACK" };
        self.execute(unlock).await;
    }

    /// Ends it.
    pub async fn close(self) {
        // It may be gone already.
        let _ = match self.0 {
            Connection::Sqlite(connection) => connection.close().await,
            Connection::Mysql(connection) => connection.close().await,
            Connection::Postgres(connection) => connection.close().await,
        };
    }
}
