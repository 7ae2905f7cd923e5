//! Servers for tests.
#![cfg(test)]

use super::Specification;

/// A server named `name`, and all else as it usually is.
pub fn specification(name: &str) -> Specification {
    servertree_kernel::fields::parse(serde_json::json!({
        "name": name, "cpu_cores": 4, "ram_mib": 8192, "hdd_mib": 102_400, "environment": "production",
        "operating_system": {"name": "Debian", "version": "12", "architecture": "x86_64"},
    }))
    .expect("a valid specification")
}
