//! A rotation of the master key, as whoever runs ServerTree sees it: the command, from its start to its end.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::engine::Engine;
use crate::figure::{Size, median, smallest};
use crate::inventory::{Inventory, Programs};

/// Secrets wrapped in a second, each time those of another copy, while nothing else runs.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 secrets")]
pub async fn rotation(programs: &Programs, size: &Size) -> io::Result<()> {
    let (servers, each) = size.secrets;
    let inventory = Inventory::make(programs, Engine::Sqlite, servers, each).await?;
    let secrets = servers * each;
    let mut per_second = Vec::new();
    for rotation in 1..=size.rotations {
        eprintln!("Rotation {rotation} of {} …", size.rotations);
        let folder = inventory.copy()?;
        let (took, key) = rotate(&programs.servertree, folder.path(), secrets)?;
        assert_eq!(wrapped_with(&key, folder.path()).await, secrets, "not all secrets are on the new key");
        per_second.push(secrets as f64 / took.as_secs_f64());
    }
    let (median, smallest) = (median(&per_second), smallest(&per_second));
    println!(
        "| rotation of {secrets} secrets, secrets/s | {median:.0} (smallest {smallest:.0}) | | | ≥ 5000 |"
    );
    Ok(())
}

/// How long the command took, and the key that it says it wrapped as many secrets with.
fn rotate(servertree: &Path, folder: &Path, secrets: usize) -> io::Result<(Duration, String)> {
    let mut command = Command::new(servertree);
    command.args(["keys", "rotate"]).current_dir(folder).env("SERVERTREE_LOG__LEVEL", "warn");
    let since = Instant::now();
    let output = command.output()?;
    let took = since.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    let key = said.strip_prefix(&format!("{secrets} secrets were wrapped with "));
    let key = key.and_then(|rest| rest.split(',').next()).filter(|_| output.status.success());
    let key = key.ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        io::Error::other(format!("`servertree keys rotate` answered {}\n{said}{complaint}", output.status))
    })?;
    Ok((took, key.to_owned()))
}

/// What the command says is not taken on trust.
async fn wrapped_with(key: &str, folder: &Path) -> usize {
    let options = SqliteConnectOptions::new().filename(folder.join("data/servertree.db"));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("the database of ServerTree");
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM server_credentials WHERE password_key = ?");
    let count: i64 = count.bind(key).fetch_one(&mut connection).await.expect("its credentials");
    usize::try_from(count).unwrap_or_default()
}
