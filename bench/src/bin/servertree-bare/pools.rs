//! The connections: as many as ServerTree's by default (`kernel/src/database/settings.rs`), in pools of sqlx.

use std::time::Duration;

use sqlx::pool::{Pool, PoolOptions};

/// `database.read_connections`.
pub const READERS: u32 = 4;

/// `database.write_connections`.
pub const WRITERS: u32 = 8;

/// `database.acquire_timeout`.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that write, and others that read.
pub struct Pools<Db: sqlx::Database> {
    pub writer: Pool<Db>,
    pub readers: Pool<Db>,
}

/// Of a pool with so many connections.
pub fn options<Db: sqlx::Database>(connections: u32) -> PoolOptions<Db> {
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
}

/// Has each new connection carry out these statements first. (A function would need more bounds than it has lines.)
macro_rules! with_session {
    ($options:expr, $statements:expr) => {
        $options.after_connect(|connection, _| {
            Box::pin(async move {
                for statement in $statements {
                    sqlx::raw_sql(statement).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
    };
}
pub(crate) use with_session;
