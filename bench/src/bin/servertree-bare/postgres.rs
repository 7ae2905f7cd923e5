//! PostgreSQL: as many connections as ServerTree's, with the same settings (`kernel/src/database/postgres.rs`).

use sqlx::postgres::PgConnectOptions;

use crate::pools::{READERS, WRITERS, options, with_session};

#[path = "find.rs"]
mod find;
#[path = "list.rs"]
mod list;
#[path = "register.rs"]
mod register;
#[path = "routes.rs"]
mod routes;

pub use routes::routes;

type Db = sqlx::Postgres;
type Pools = crate::pools::Pools<Db>;

const BEGIN: &str = "BEGIN";

const SESSION: &str = "SET default_transaction_isolation = 'read committed'; SET lock_timeout = 4000; \
    SET TimeZone = 'UTC'; SET client_min_messages = 'warning'; SET hash_mem_multiplier = 64";

const READ_ONLY: &str = "SET default_transaction_read_only = on";

/// Opens the database at `url`.
pub async fn open(url: &str) -> sqlx::Result<Pools> {
    let server: PgConnectOptions = url.parse()?;
    let writer = with_session!(options::<Db>(WRITERS), [SESSION]).connect_with(server.clone()).await?;
    let readers = with_session!(options::<Db>(READERS), [SESSION, READ_ONLY]).connect_with(server).await?;
    Ok(Pools { writer, readers })
}

/// Placeholders with numbers. No text in a statement of ours has a question mark in it.
fn dialect(sql: &str) -> String {
    let mut parts = sql.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.enumerate().fold(first, |numbered, (nth, part)| format!("{numbered}${}{part}", nth + 1))
}
