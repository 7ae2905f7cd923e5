//! SQLite: one writer connection and a pool of readers on a file in WAL mode.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteError, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use super::engine::Pools;
use super::error::Refusal;
use super::pool::{Keeping, Pool};
use super::{ConnectError, DatabaseError, Settings};

/// From here on a corruption of WAL databases is mended (<https://sqlite.org/releaselog/3_51_3.html>).
const NEEDED: (u32, u32, u32) = (3, 51, 3);

/// How long a process waits before it tries again to open a file that is busy.
const RETRY_OPENING: Duration = Duration::from_millis(20);

/// An open file.
pub(super) struct File {
    pub(super) pools: Pools<SqliteConnection>,
    path: PathBuf,
    identity: FileIdentity,
}

impl File {
    pub(super) async fn open(path: &Path, settings: &Settings) -> Result<Self, ConnectError> {
        let open_error = |source| ConnectError::Open { path: path.display().to_string(), source };
        let patience = settings.acquire_timeout();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // NORMAL can lose a commit when the power fails; an acknowledged write must last.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(patience);
        // One writer at a time, whoever else waits: a queue in the pool is fairer than the lock of the file.
        let write = pool(options.clone(), 1, patience);
        let write = write.await.map_err(open_error)?;
        let version = version(&write).await.map_err(open_error)?;
        if parse_version(&version) < NEEDED {
            return Err(ConnectError::TooOld { found: format!("SQLite {version}"), needed: "3.51.3" });
        }
        // The engine itself keeps readers from writing. Were the file moved away, a reader must not make a new one in its place.
        let read_only = options.pragma("query_only", "on").create_if_missing(false);
        let read = pool(read_only, settings.read_connections, patience).await.map_err(open_error)?;
        let description = format!("SQLite {version} at {}", path.display());
        Ok(Self {
            pools: Pools { write, read, replica: None, description },
            identity: identity(path).map_err(|error| open_error(error.into()))?,
            path: path.to_owned(),
        })
    }

    /// Whether the file still is where it was: one that was moved away goes on to take writes, which nobody would find again.
    pub(super) fn is_in_its_place(&self) -> Result<(), DatabaseError> {
        if identity(&self.path).ok() == Some(self.identity) {
            return Ok(());
        }
        let gone = std::io::Error::other(format!("{} is gone, or another file", self.path.display()));
        Err(DatabaseError::Unavailable(gone.into()))
    }
}

/// A database in memory, on one connection, to compare with.
pub(super) async fn in_memory() -> Result<Pool<SqliteConnection>, sqlx::Error> {
    let connect = || Box::pin(async { SqliteConnectOptions::new().in_memory(true).connect().await }) as _;
    let keeping = Keeping { size: 1, patience: Duration::from_secs(5), lifetime: None };
    Pool::open(keeping, Box::new(connect)).await
}

/// A file does not go away: its connections are kept for ever.
async fn pool(
    options: SqliteConnectOptions,
    size: u32,
    patience: Duration,
) -> Result<Pool<SqliteConnection>, sqlx::Error> {
    let connect = move || {
        let options = options.clone();
        // Where several processes make the same file, the switch to WAL is refused to all but one, without any wait.
        Box::pin(async move { patiently(patience, || options.connect()).await }) as _
    };
    Pool::open(Keeping { size, patience, lifetime: None }, Box::new(connect)).await
}

async fn version(pool: &Pool<SqliteConnection>) -> Result<String, sqlx::Error> {
    let mut lent = pool.acquire().await?;
    let version = lent
        .run(None, async |connection| {
            sqlx::query_scalar("SELECT sqlite_version()").fetch_one(connection).await
        })
        .await?;
    lent.put_back();
    Ok(version)
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

/// What a refusal of the engine means.
pub(super) fn refusal(error: &SqliteError) -> Refusal {
    use sqlx::error::DatabaseError;
    let code = error.code();
    let code = code.as_deref();
    if error.is_unique_violation() {
        Refusal::Unique(unique_index(error.message()))
    } else if is_busy(code) {
        Refusal::Contended
    } else if matches!(primary(code), Some(10 | 13 | 14)) {
        // IOERR, FULL, CANTOPEN (<https://sqlite.org/rescode.html>).
        Refusal::Unavailable
    } else {
        Refusal::Other
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
    fn whoever_is_busy_is_so_for_a_while() {
        assert!(is_busy(Some("5")) && is_busy(Some("517")));
        assert!(!is_busy(Some("13")) && !is_busy(Some("2067")) && !is_busy(None));
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parse_version("3.51.10") > NEEDED);
        assert!(parse_version("3.9.0") < NEEDED);
    }
}
