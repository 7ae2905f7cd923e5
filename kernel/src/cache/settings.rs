//! The `cache` section of the configuration.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the cache keeps, and where.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The memory, in MiB, that values may take. 0 keeps none.
    pub size: u64,
    /// The Redis where they are kept instead, for all processes on the same database. Empty: there is none.
    pub url: String,
    /// A file with the certificates, in PEM, of those who may vouch for it, instead of those that the machine trusts.
    pub ca: String,
}

/// The URL has a password in it.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("size", &self.size).field("ca", &self.ca).finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { size: 64, url: String::new(), ca: String::new() }
    }
}

impl Settings {
    /// Whether the values make sense: the key at fault, and what is allowed.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if self.size > 65_536 {
            return Err(("size", "must be 0 to 65536 MiB"));
        }
        let is_redis = ["redis://", "rediss://"].iter().any(|scheme| self.url.starts_with(scheme));
        if !self.url.is_empty() && !is_redis {
            return Err((
                "url",
                "must begin with redis:// or rediss://, such as redis://:PASSWORD@redis.example.org:6379/0",
            ));
        }
        if !self.ca.is_empty() && !self.url.starts_with("rediss://") {
            return Err((
                "ca",
                "needs cache.url to begin with rediss://: without TLS nobody has to be vouched for",
            ));
        }
        Ok(())
    }

    /// [`Self::size`] in bytes.
    pub fn bytes(&self) -> u64 {
        self.size.saturating_mul(1024 * 1024)
    }
}
