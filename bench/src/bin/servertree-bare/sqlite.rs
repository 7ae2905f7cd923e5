//! SQLite: the connections are as many, and as durable, as ServerTree's (`kernel/src/database/sqlite.rs`).

use sqlx::Pool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::pools::{ACQUIRE_TIMEOUT, READERS, options};

#[path = "find.rs"]
mod find;
#[path = "list.rs"]
mod list;
#[path = "register.rs"]
mod register;
#[path = "routes.rs"]
mod routes;

pub use routes::routes;

type Db = sqlx::Sqlite;
type Pools = crate::pools::Pools<Db>;

/// One writer at a time: it takes the lock at once.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// Opens the database in `file`, which must be there.
pub async fn open(file: &str) -> sqlx::Result<Pools> {
    let file = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(ACQUIRE_TIMEOUT);
    let pool = |connections| options(connections).idle_timeout(None).max_lifetime(None);
    let writer: Pool<Db> = pool(1).connect_with(file.clone()).await?;
    let readers = pool(READERS).connect_with(file.pragma("query_only", "on")).await?;
    Ok(Pools { writer, readers })
}

/// The SQL as it stands.
fn dialect(sql: &str) -> String {
    sql.to_owned()
}
