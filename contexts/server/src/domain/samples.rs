//! Servers for tests.
#![cfg(test)]

use servertree_kernel::domain::Uuid;
use servertree_kernel::testkit::Testbed;

use super::{
    Application, CredentialDraft, Directories, InstallationDraft, InstallationDrafts, ServerDraft,
    Specification,
};

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

/// An application, with an id that its name makes.
pub fn application(name: &str) -> Application {
    let last = name.bytes().fold(0, |number, byte| (number << 8) + u128::from(byte));
    let number = 0x019a_0000_0000_7000_8000_0000_0000_0000 + (last & 0xffff_ffff_ffff);
    Application {
        id: Uuid::from_u128(number).into(),
        name: name.to_owned(),
        version: "1.27".to_owned(),
        discarded: false,
    }
}

/// Where an application of this name usually is.
pub fn directories(name: &str) -> Directories {
    let json =
        serde_json::json!({"install_dir": format!("/opt/{name}"), "log_dir": format!("/var/log/{name}")});
    servertree_kernel::fields::parse(json).expect("valid directories")
}

/// These applications, where they usually are.
pub fn installations(names: &[&str]) -> InstallationDrafts {
    let one = |name: &&str| {
        let directories = serde_json::to_value(directories(name)).expect("directories in JSON");
        let mut json = serde_json::json!({"application_id": application(name).id});
        json.as_object_mut().expect("an object").extend(directories.as_object().expect("an object").clone());
        servertree_kernel::fields::parse::<InstallationDraft>(json).expect("a valid draft")
    };
    InstallationDrafts::Replace(names.iter().map(one).collect())
}

/// Has this context hear of these applications.
pub async fn register_applications(test: &Testbed, names: &[&str]) {
    for name in names {
        let Application { id, name, version, .. } = application(name);
        test.publish("application.registered", id, 1, serde_json::json!({"name": name, "version": version}))
            .await;
    }
    test.delivered().await;
}
