//! Servers to register.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::workspace_root;

/// A server named `name`, as POST takes it.
pub fn server(name: &str) -> Value {
    json!({
        "name": name, "cpu_cores": 4, "ram_mib": 8192, "hdd_mib": 102_400, "environment": "production",
        "operating_system": {"name": "Debian", "version": "12", "architecture": "x86_64"},
    })
}

/// An application of this name and version, as POST takes it.
pub fn application(name: &str, version: &str) -> Value {
    json!({"name": name, "version": version, "architect": "web team"})
}

/// The real inventory in `tests/data/fedora-2019`, as POST takes it. The file names the applications that are installed: `ids`
/// identifies them.
pub fn fedora_servers(ids: &HashMap<String, String>) -> Vec<Value> {
    let identify = |installation: &mut Value| {
        let fields = installation.as_object_mut().expect("an installation");
        let name = fields.remove("name").expect("its application");
        let id = name.as_str().and_then(|name| ids.get(name)).expect("an application of the catalogue");
        fields.insert("application_id".to_owned(), json!(id));
    };
    let file = workspace_root().join("tests/data/fedora-2019/servers.ndjson");
    let text = std::fs::read_to_string(file).expect("the inventory");
    text.lines()
        .map(|line| {
            let mut server: Value = serde_json::from_str(line).expect("a server");
            server["applications"].as_array_mut().expect("installations").iter_mut().for_each(identify);
            server
        })
        .collect()
}

/// The catalogue that belongs to it.
pub fn fedora_applications() -> Vec<Value> {
    let file = workspace_root().join("tests/data/fedora-2019/applications.ndjson");
    let text = std::fs::read_to_string(file).expect("the catalogue");
    text.lines().map(|line| serde_json::from_str(line).expect("an application")).collect()
}
