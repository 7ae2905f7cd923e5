//! The `cache` section of the configuration.

use serde::{Deserialize, Serialize};

/// How much the cache keeps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The memory, in MiB, that values may take. 0 keeps none.
    pub size: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { size: 64 }
    }
}

impl Settings {
    /// Whether the values make sense: the key at fault, and what is allowed.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        if self.size > 65_536 {
            return Err(("size", "must be 0 to 65536 MiB"));
        }
        Ok(())
    }

    /// [`Self::size`] in bytes.
    pub fn bytes(&self) -> u64 {
        self.size.saturating_mul(1024 * 1024)
    }
}
