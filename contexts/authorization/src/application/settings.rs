//! The section `accounts` of the configuration.

use serde::{Deserialize, Serialize};
use servertree_kernel::settings::Section;

/// What is configured about accounts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountSettings {
    /// Whether people may give themselves an account.
    pub signup: bool,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self { signup: true }
    }
}

impl Section for AccountSettings {
    const NAME: &'static str = "accounts";

    fn validate(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }
}
