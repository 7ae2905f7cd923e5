//! SQLite: one writer connection and a pool of readers on a file in WAL mode.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sea_query::{SelectStatement, SqliteQueryBuilder};
use sea_query_sqlx::SqlxBinder;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Executor, Sqlite, SqlitePool};

use super::readers::Readers;
use super::{ConnectError, DatabaseError, Row, Settings};

/// From here on a corruption of WAL databases is mended (<https://sqlite.org/releaselog/3_51_3.html>).
const NEEDED: (u32, u32, u32) = (3, 51, 3);

/// How long a process waits before it tries again to open a file that is busy.
const RETRY_OPENING: Duration = Duration::from_millis(20);

pub(super) struct Pools {
    /// One connection: SQLite has one writer at a time, and a queue in the pool is fairer than its lock.
    writer: SqlitePool,
    pub(super) readers: Readers,
    pub(super) description: String,
    file: PathBuf,
    identity: FileIdentity,
}

impl Pools {
    pub(super) async fn open(file: &Path, settings: &Settings) -> Result<Self, ConnectError> {
        let open_error = |source| ConnectError::Open { path: file.display().to_string(), source };
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // NORMAL can lose a commit when the power fails; an acknowledged write must last.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(settings.acquire_timeout());
        let writer = PoolOptions::<Sqlite>::new()
            .max_connections(1)
            .acquire_timeout(settings.acquire_timeout())
            // A file does not go away: the connection is kept, and not tried out before each use.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None);
        // Where several processes make the same file, the switch to WAL is refused to all but one, without any wait.
        let writer = patiently(settings.acquire_timeout(), || writer.clone().connect_with(options.clone()))
            .await
            .map_err(open_error)?;
        let version: String =
            sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&writer).await.map_err(open_error)?;
        if parse_version(&version) < NEEDED {
            return Err(ConnectError::TooOld { found: version, needed: "3.51.3" });
        }
        // The engine itself keeps readers from writing.
        // Were the file moved away, a reader must not make a new one in its place.
        let read_only = options.pragma("query_only", "on").create_if_missing(false);
        let timeout = settings.acquire_timeout();
        let readers =
            patiently(timeout, || Readers::open(read_only.clone(), settings.read_connections, timeout))
                .await
                .map_err(open_error)?;
        Ok(Self {
            writer,
            readers,
            description: format!("SQLite {version} at {}", file.display()),
            identity: identity(file).map_err(|error| open_error(error.into()))?,
            file: file.to_owned(),
        })
    }

    /// Takes the write lock at once: a transaction that reads first and then turns into a writer fails
    /// immediately when another one wrote meanwhile, whatever the busy timeout.
    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, Sqlite>, DatabaseError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(classify)
    }

    /// Reads a page of the file, and looks whether the file still is where it was: one that was moved away goes on to
    /// take writes, which nobody would find again.
    pub(super) async fn ping(&self) -> Result<(), DatabaseError> {
        if identity(&self.file).ok() != Some(self.identity) {
            let gone = std::io::Error::other(format!("{} is gone, or another file", self.file.display()));
            return Err(DatabaseError::Unavailable(gone.into()));
        }
        let mut reader = self.readers.acquire().await?;
        reader.execute("SELECT name FROM sqlite_master LIMIT 1").await?;
        reader.put_back();
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

pub(super) async fn execute<'e>(
    executor: impl Executor<'e, Database = Sqlite>,
    statement: &impl SqlxBinder,
) -> Result<u64, DatabaseError> {
    let (sql, values) = statement.build_sqlx(SqliteQueryBuilder);
    Ok(sqlx::query_with(AssertSqlSafe(sql), values)
        .execute(executor)
        .await
        .map_err(classify)?
        .rows_affected())
}

pub(super) async fn fetch_all<'e, R: Row>(
    executor: impl Executor<'e, Database = Sqlite>,
    select: &SelectStatement,
) -> Result<Vec<R>, DatabaseError> {
    let (sql, values) = select.build_sqlx(SqliteQueryBuilder);
    sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_all(executor).await.map_err(classify)
}

pub(super) async fn fetch_optional<'e, R: Row>(
    executor: impl Executor<'e, Database = Sqlite>,
    select: &SelectStatement,
) -> Result<Option<R>, DatabaseError> {
    let (sql, values) = select.build_sqlx(SqliteQueryBuilder);
    sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_optional(executor).await.map_err(classify)
}

/// What tells a file from another one in its place: device and inode.
type FileIdentity = (u64, u64);

#[cfg(unix)]
fn identity(file: &Path) -> std::io::Result<FileIdentity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(file).map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(file: &Path) -> std::io::Result<FileIdentity> {
    std::fs::metadata(file).map(|_| (0, 0))
}

/// Tries again while the file is busy, for as long as `timeout`.
async fn patiently<T, F>(timeout: Duration, attempt: impl Fn() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let since = tokio::time::Instant::now();
    loop {
        match attempt().await {
            Err(sqlx::Error::Database(refusal))
                if is_busy(refusal.code().as_deref()) && since.elapsed() < timeout =>
            {
                tokio::time::sleep(RETRY_OPENING).await;
            }
            outcome => return outcome,
        }
    }
}

/// What can be done about an error.
pub(super) fn classify(error: sqlx::Error) -> DatabaseError {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, WorkerCrashed};
    match &error {
        PoolTimedOut | PoolClosed | Io(_) | WorkerCrashed => DatabaseError::Unavailable(error),
        sqlx::Error::Database(refusal) if refusal.is_unique_violation() => {
            DatabaseError::Unique { index: unique_index(refusal.message()) }
        }
        sqlx::Error::Database(refusal) if is_transient(refusal.code().as_deref()) => {
            DatabaseError::Unavailable(error)
        }
        _ => DatabaseError::Other(error),
    }
}

/// The index by our convention, out of `UNIQUE constraint failed: servers.live_name`: SQLite names the columns.
fn unique_index(message: &str) -> String {
    let columns = message.rsplit_once(": ").map_or(message, |(_, columns)| columns);
    let mut columns = columns.split(", ").map(|column| column.split_once('.').unwrap_or(("", column)));
    let Some((table, first)) = columns.next() else {
        return String::new();
    };
    columns.fold(format!("ux_{table}_{first}"), |name, (_, column)| name + "_" + column)
}

/// Whether an extended result code (<https://sqlite.org/rescode.html>) is of a kind that can pass: BUSY, LOCKED,
/// IOERR, FULL, CANTOPEN.
fn is_transient(code: Option<&str>) -> bool {
    is_busy(code) || matches!(primary(code), Some(10 | 13 | 14))
}

/// BUSY or LOCKED: somebody else is at it.
fn is_busy(code: Option<&str>) -> bool {
    matches!(primary(code), Some(5 | 6))
}

fn primary(code: Option<&str>) -> Option<i32> {
    code.and_then(|code| i32::from_str(code).ok()).map(|code| code & 0xff)
}

fn parse_version(version: &str) -> (u32, u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_violations_are_named_by_convention() {
        assert_eq!(unique_index("UNIQUE constraint failed: servers.live_name"), "ux_servers_live_name");
        assert_eq!(unique_index("UNIQUE constraint failed: t.a, t.b"), "ux_t_a_b");
    }

    #[test]
    fn busy_and_full_can_pass_and_constraints_cannot() {
        assert!(is_transient(Some("5")) && is_transient(Some("517")) && is_transient(Some("13")));
        assert!(!is_transient(Some("2067")) && !is_transient(None));
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parse_version("3.51.10") > NEEDED);
        assert!(parse_version("3.9.0") < NEEDED);
    }
}
