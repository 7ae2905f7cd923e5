//! The programs under test, built as they are in the working tree.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A program under test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// The one that is delivered.
    Servertree,
    /// The same, with a context that tells what was delivered to it.
    Probe,
    /// The one with the probe, and with a context that knows a few callers by their tokens.
    Guarded,
}

impl Program {
    /// Where it is.
    pub fn path(self) -> PathBuf {
        folder().join(match self {
            Self::Servertree => "servertree",
            Self::Probe => "servertree-probe",
            Self::Guarded => "servertree-guarded",
        })
    }
}

/// The root of the workspace.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in the workspace")
}

/// Builds them once per run, so that no test runs an old one; nothing is done when they are up to date.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--workspace", "--bins", "--locked"]).current_dir(workspace_root());
        // What cargo tells this test about its package would have build scripts of others, such as ring's, run again, and all that is
        // built on them be compiled once more: each time that somebody else builds, and here.
        for (variable, _) in std::env::vars_os() {
            let name = variable.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|beginning| name.starts_with(beginning)) {
                build.env_remove(&variable);
            }
        }
        let build = build.status().expect("cargo");
        assert!(build.success(), "the programs under test do not build");
        // target/debug/deps/<this test>
        let own = std::env::current_exe().expect("a path of this test");
        own.parent().and_then(Path::parent).expect("target/debug").to_owned()
    })
}
