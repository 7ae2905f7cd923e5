//! The connections: as many, and as durable, as ServerTree's (`kernel/src/database/sqlite.rs`).

use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool};

/// `database.read_connections`, as ServerTree has it by default.
const READERS: u32 = 4;

/// `database.acquire_timeout`, likewise.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection that writes, and some that read.
pub struct Pools {
    pub writer: SqlitePool,
    pub readers: SqlitePool,
}

impl Pools {
    /// Opens the database in `file`, which must be there.
    pub async fn open(file: &Path) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(ACQUIRE_TIMEOUT);
        let pool = |connections| {
            PoolOptions::<Sqlite>::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        let readers = pool(READERS).connect_with(options.pragma("query_only", "on")).await?;
        Ok(Self { writer, readers })
    }
}
