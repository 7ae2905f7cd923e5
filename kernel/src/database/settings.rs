//! The `database` section of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where the database is, and how long anybody waits for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `sqlite://` and the path of the file. Empty: `servertree.db` in the data folder.
    pub url: String,
    /// How many connections read at once.
    pub read_connections: u32,
    /// How long, in seconds, a request waits for a connection or a lock before it is answered with 503.
    pub acquire_timeout: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { url: String::new(), read_connections: 4, acquire_timeout: 5 }
    }
}

impl Settings {
    /// Whether the values make sense: the key at fault, and what is allowed.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if !(1..=64).contains(&self.read_connections) {
            return Err(("read_connections", "must be 1 to 64"));
        }
        if !(1..=300).contains(&self.acquire_timeout) {
            return Err(("acquire_timeout", "must be 1 to 300 seconds"));
        }
        if !self.url.is_empty() && self.sqlite_file().is_none() {
            return Err((
                "url",
                "must be sqlite:// and the path of a file, such as sqlite://data/servertree.db",
            ));
        }
        Ok(())
    }

    /// The path in a `sqlite://` URL. A database in memory is none: it would be gone with its connection.
    pub(crate) fn sqlite_file(&self) -> Option<&str> {
        let path = self.url.strip_prefix("sqlite://")?;
        (!path.is_empty() && !path.contains(":memory:") && !path.contains('?')).then_some(path)
    }

    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_secs(self.acquire_timeout)
    }
}
