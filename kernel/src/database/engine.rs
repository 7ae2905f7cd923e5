//! The engines, and the pools that each of them has.

use sqlx::Connection;

use super::pool::{Keeping, Pool, PoolState};
use super::{ConnectError, Settings};

/// An engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// MySQL, or MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::MySql, Self::Postgres];

    /// Its folder of migrations.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::MySql => "mysql",
            Self::Postgres => "postgres",
        }
    }

    /// Begins a transaction that writes. On SQLite it takes the write lock at once: a transaction that reads first and then turns
    /// into a writer fails immediately when another one wrote meanwhile, whatever the busy timeout.
    pub(super) const fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::MySql | Self::Postgres => "BEGIN",
        }
    }

    /// Begins a transaction whose reads all see the same, where that takes a statement of its own.
    pub(super) const fn begin_snapshot(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::MySql => Some(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            ),
            Self::Postgres => Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        }
    }
}

/// What a connection is wanted for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    /// To write.
    Write,
    /// To read what was written last.
    Read,
    /// To read, by a replica if there is one: what was written last may be missing.
    ReadReplica,
}

/// The pools of an engine.
pub(super) struct Pools<C> {
    pub(super) write: Pool<C>,
    pub(super) read: Pool<C>,
    /// On another server, with copies of what the first one has.
    pub(super) replica: Option<Pool<C>>,
    /// Engine, version and place, for people.
    pub(super) description: String,
}

/// A pool that is to be opened to a server.
pub(super) struct Target<'s> {
    /// The setting with the URL.
    pub(super) key: &'static str,
    pub(super) url: &'s str,
    pub(super) read_only: bool,
    pub(super) keeping: Keeping,
}

impl<C: Connection + 'static> Pools<C> {
    /// Those to a server, and to its replica if there is one. A description is still to come.
    pub(super) async fn open(
        settings: &Settings,
        open: impl AsyncFn(Target<'_>) -> Result<Pool<C>, ConnectError>,
    ) -> Result<Self, ConnectError> {
        let target = |key, url, read_only| {
            let size = if read_only { settings.read_connections } else { settings.write_connections };
            Target { key, url, read_only, keeping: settings.keeping(size) }
        };
        let write = open(target("database.url", &settings.url, false)).await?;
        let read = open(target("database.url", &settings.url, true)).await?;
        let replica = match settings.read_url.as_str() {
            "" => None,
            url => Some(open(target("database.read_url", url, true)).await?),
        };
        Ok(Self { write, read, replica, description: String::new() })
    }

    pub(super) fn of(&self, which: Use) -> &Pool<C> {
        match which {
            Use::Write => &self.write,
            Use::Read => &self.read,
            Use::ReadReplica => self.replica.as_ref().unwrap_or(&self.read),
        }
    }

    /// How each of them is doing, by what it is called in metrics.
    pub(super) fn states(&self) -> Vec<(&'static str, PoolState)> {
        let replica = self.replica.as_ref().map(|pool| ("replica", pool.state()));
        [("write", self.write.state()), ("read", self.read.state())].into_iter().chain(replica).collect()
    }

    pub(super) async fn close(&self) {
        for pool in self.replica.iter().chain([&self.read, &self.write]) {
            pool.close().await;
        }
    }
}

/// Whether the parameters in a URL are `known`. The error names the first that is not.
pub(super) fn check_parameters(url: &str, known: &[&str]) -> Result<(), String> {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let names = parameters.split('&').filter_map(|pair| pair.split('=').next());
    let unknown = names.filter(|name| !name.is_empty()).find(|name| !known.contains(name));
    unknown.map_or(Ok(()), |name| {
        let name = crate::fields::shortened(name);
        Err(format!("it has the parameter '{name}', which is unknown; known are {}", known.join(", ")))
    })
}
