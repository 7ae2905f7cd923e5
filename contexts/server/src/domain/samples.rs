//! Servers for tests.
#![cfg(test)]

use super::{CredentialDraft, ServerDraft, Specification};

/// A server named `name`, and all else as it usually is.
pub fn draft(name: &str) -> ServerDraft {
    servertree_kernel::fields::parse(serde_json::json!({
        "name": name, "cpu_cores": 4, "ram_mib": 8192, "hdd_mib": 102_400, "environment": "production",
        "operating_system": {"name": "Debian", "version": "12", "architecture": "x86_64"},
    }))
    .expect("a valid draft")
}

/// What it says of the server itself.
pub fn specification(name: &str) -> Specification {
    draft(name).split().0
}

/// A credential that says this.
pub fn credential(json: serde_json::Value) -> CredentialDraft {
    servertree_kernel::fields::parse(json).expect("a valid draft")
}
