//! The `database` section of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Engine;
use super::pool::Keeping;

/// Where the database is, and how long anybody waits for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `sqlite://` and the path of the file, or the URL of a MariaDB, MySQL or PostgreSQL server. Empty: `servertree.db` in the
    /// data folder.
    pub url: String,
    /// A replica of that server: queries read from it. Empty: there is none.
    pub read_url: String,
    /// How many connections read at once.
    pub read_connections: u32,
    /// How many connections write at once; on SQLite it is one.
    pub write_connections: u32,
    /// How long, in seconds, a request waits for a connection, a lock or an answer before it is answered with 503.
    pub acquire_timeout: u64,
    /// How old, in seconds, a connection to a server gets before another one takes its place.
    pub connection_lifetime: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            read_url: String::new(),
            read_connections: 4,
            write_connections: 8,
            acquire_timeout: 5,
            connection_lifetime: 1_800,
        }
    }
}

impl Settings {
    /// Whether the values make sense: the key at fault, and what is allowed.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if !(1..=64).contains(&self.read_connections) {
            return Err(("read_connections", "must be 1 to 64"));
        }
        if !(1..=64).contains(&self.write_connections) {
            return Err(("write_connections", "must be 1 to 64"));
        }
        if !(1..=300).contains(&self.acquire_timeout) {
            return Err(("acquire_timeout", "must be 1 to 300 seconds"));
        }
        if !(10..=86_400).contains(&self.connection_lifetime) {
            return Err(("connection_lifetime", "must be 10 to 86400 seconds"));
        }
        let Some(engine) = self.engine() else {
            return Err((
                "url",
                "must begin with sqlite://, mysql://, mariadb://, postgres:// or postgresql://, such as \
                 sqlite://data/servertree.db or mysql://servertree:PASSWORD@db.example.org:3306/servertree",
            ));
        };
        match engine_of(&self.read_url) {
            _ if self.read_url.is_empty() => Ok(()),
            _ if engine == Engine::Sqlite => Err(("read_url", "must be empty: a SQLite file has no replica")),
            Some(other) if other == engine => Ok(()),
            _ => Err(("read_url", "must be a server of the same kind as database.url")),
        }
    }

    /// The engine that the URL names; none if it is none of ours.
    pub fn engine(&self) -> Option<Engine> {
        match engine_of(&self.url) {
            _ if self.url.is_empty() => Some(Engine::Sqlite),
            Some(Engine::Sqlite) => self.sqlite_file().map(|_| Engine::Sqlite),
            other => other,
        }
    }

    /// The path in a `sqlite://` URL. A database in memory is none: it would be gone with its connection.
    pub(crate) fn sqlite_file(&self) -> Option<&str> {
        let path = self.url.strip_prefix("sqlite://")?;
        (!path.is_empty() && !path.contains(":memory:") && !path.contains('?')).then_some(path)
    }

    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_secs(self.acquire_timeout)
    }

    /// How long a server has a statement wait for a lock: shorter than the statement itself may take, so that it is the server
    /// that ends it, and the connection stays good.
    pub(super) fn lock_wait(&self) -> Duration {
        Duration::from_secs(self.acquire_timeout.saturating_sub(1).max(1))
    }

    pub(super) fn keeping(&self, size: u32) -> Keeping {
        let lifetime = Some(Duration::from_secs(self.connection_lifetime));
        Keeping { size, patience: self.acquire_timeout(), lifetime }
    }
}

fn engine_of(url: &str) -> Option<Engine> {
    match url.split_once("://")?.0 {
        "sqlite" => Some(Engine::Sqlite),
        "mysql" | "mariadb" => Some(Engine::MySql),
        "postgres" | "postgresql" => Some(Engine::Postgres),
        _ => None,
    }
}
