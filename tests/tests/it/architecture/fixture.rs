//! A workspace of the least that the rules speak of, in a folder of its own, to be broken.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

pub struct Fixture(TempDir);

impl Fixture {
    /// One that keeps all rules.
    pub fn sound() -> Self {
        let members = "[workspace]\nresolver = \"3\"\nmembers = [\"kernel\", \"contexts/*\", \"host\"]\n";
        Self(TempDir::new().expect("a temporary folder"))
            .file("Cargo.toml", members)
            .file("kernel/Cargo.toml", &manifest("servertree-kernel", ""))
            .file("kernel/src/lib.rs", "")
            .context("server")
            .file("contexts/server/src/domain/server.rs", "use servertree_kernel::domain::Timestamp;")
            .file("contexts/server/src/application/find.rs", "use crate::domain::Server;")
            .file(
                "contexts/server/src/infrastructure/store.rs",
                "use sqlx::FromRow;\nuse crate::domain::Server;",
            )
            .file("contexts/server/src/interface/http.rs", "use crate::application::find::Find;")
            .file("host/Cargo.toml", &host_manifest(&["server"]))
            .file("host/src/lib.rs", "mod contexts;")
            .file("host/src/contexts.rs", "#[cfg(feature = \"server\")]\nuse servertree_server as _;\n")
    }

    /// With one more context, which nobody registered.
    pub fn context(self, name: &str) -> Self {
        let kernel = "servertree-kernel = { path = \"../../kernel\" }\n";
        self.file(&format!("contexts/{name}/Cargo.toml"), &manifest(&format!("servertree-{name}"), kernel))
            .file(&format!("contexts/{name}/src/lib.rs"), "")
    }

    /// With `package` depending on one more.
    pub fn depends(self, package: &str, name: &str, path: &str) -> Self {
        let file = self.root().join(package).join("Cargo.toml");
        let text =
            fs::read_to_string(file).expect("a manifest") + &format!("{name} = {{ path = \"{path}\" }}\n");
        self.file(&format!("{package}/Cargo.toml"), &text)
    }

    /// With this file.
    pub fn file(self, path: &str, text: &str) -> Self {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
        fs::write(path, text).expect("a new file");
        self
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }
}

/// The host's manifest, with these features.
pub fn host_manifest(features: &[&str]) -> String {
    let lines: String = features.iter().map(|feature| format!("{feature} = []\n")).collect();
    format!("{}\n[features]\n{lines}", manifest("servertree-host", ""))
}

fn manifest(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}"
    )
}
