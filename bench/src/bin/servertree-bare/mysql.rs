//! MariaDB and MySQL: as many connections as ServerTree's, with the same settings (`kernel/src/database/mysql.rs`).

use sqlx::mysql::MySqlConnectOptions;

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

type Db = sqlx::MySql;
type Pools = crate::pools::Pools<Db>;

const BEGIN: &str = "BEGIN";

const SESSION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; SET SESSION innodb_lock_wait_timeout = 4, \
    sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE'";

const READ_ONLY: &str = "SET SESSION TRANSACTION READ ONLY";

/// Opens the database at `url`.
pub async fn open(url: &str) -> sqlx::Result<Pools> {
    let server: MySqlConnectOptions = url.parse()?;
    let server = server.timezone(None::<String>).pipes_as_concat(false).no_engine_substitution(false);
    let writer = with_session!(options::<Db>(WRITERS), [SESSION]).connect_with(server.clone()).await?;
    let readers = with_session!(options::<Db>(READERS), [SESSION, READ_ONLY]).connect_with(server).await?;
    Ok(Pools { writer, readers })
}

/// Names in backticks.
fn dialect(sql: &str) -> String {
    sql.replace('"', "`")
}
