//! Applications for tests.
#![cfg(test)]

use super::Specification;

/// An application of this name and version, for which the web team answers.
pub fn specification(name: &str, version: &str) -> Specification {
    servertree_kernel::fields::parse(serde_json::json!({
        "name": name, "version": version, "architect": "web team",
    }))
    .expect("a valid specification")
}
