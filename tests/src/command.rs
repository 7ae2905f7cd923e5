//! The program in a folder of a test: the service, and whoever runs a command beside it.

use std::path::Path;
use std::process::Command;

use crate::Program;

/// The file that names the database of those that run in a folder; where it is not, they use what is embedded.
const DATABASE: &str = "database.url";

/// The program, to be run in this folder, on the database of the service in it if there is one.
pub fn command(program: Program, folder: &Path) -> Command {
    let mut command = Command::new(program.path());
    // Whatever is set where the tests run is not for the program.
    command.current_dir(folder).env_clear().env("SERVERTREE_HTTP__PORT", "0");
    if let Ok(url) = std::fs::read_to_string(folder.join(DATABASE)) {
        command.env("SERVERTREE_DATABASE__URL", url);
    }
    command
}

/// Whatever is run in this folder from now on uses this database.
pub(crate) fn use_database(folder: &Path, url: &str) {
    std::fs::write(folder.join(DATABASE), url).expect("a note of the database");
}
