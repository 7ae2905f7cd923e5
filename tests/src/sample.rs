//! Servers to register.

use serde_json::{Value, json};

use crate::workspace_root;

/// A server named `name`, as POST takes it.
pub fn server(name: &str) -> Value {
    json!({
        "name": name, "cpu_cores": 4, "ram_mib": 8192, "hdd_mib": 102_400, "environment": "production",
        "operating_system": {"name": "Debian", "version": "12", "architecture": "x86_64"},
    })
}

/// The real inventory in `tests/data/fedora-2019`, as far as POST takes it by now.
pub fn fedora_servers() -> Vec<Value> {
    let file = workspace_root().join("tests/data/fedora-2019/servers.ndjson");
    let text = std::fs::read_to_string(file).expect("the inventory");
    text.lines()
        .map(|line| {
            let mut server: Value = serde_json::from_str(line).expect("a server");
            let fields = server.as_object_mut().expect("an object");
            fields.remove("applications");
            server
        })
        .collect()
}
