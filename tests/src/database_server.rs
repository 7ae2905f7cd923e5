//! A database server of a test's own, to be stopped, killed and started again.

use std::net::TcpListener;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{DEADLINE, Engine, workspace_root};

/// A server of the engine under test. It is killed when dropped.
pub struct DatabaseServer {
    engine: &'static str,
    folder: TempDir,
    port: u16,
    url: String,
    process: Option<Child>,
}

impl DatabaseServer {
    /// Starts a new one, of MariaDB or PostgreSQL.
    pub async fn start() -> Self {
        let engine = match Engine::under_test() {
            Engine::MySql => "mariadb",
            Engine::Postgres => "postgres",
            Engine::Sqlite => panic!("SQLite has no server"),
        };
        let folder = TempDir::new().expect("a temporary folder");
        // The server runs as a user of its own.
        open_to_all(folder.path());
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port();
        let mut server = Self { engine, folder, port, url: String::new(), process: None };
        server.start_again().await;
        server
    }

    /// Its URL, for an administrator.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts it again, on what it had, and waits until it answers.
    pub async fn start_again(&mut self) {
        let mut process = Command::new(workspace_root().join("scripts/servers"))
            .args(["run", self.engine, "--port", &self.port.to_string(), "--folder"])
            .arg(self.folder.path().join("server"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("scripts/servers");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let url =
            tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("a server that answers in time");
        self.url = url.expect("its output").expect("the URL of a server that runs");
        self.process = Some(process);
    }

    /// Asks it to end, and waits for that.
    pub async fn stop(&mut self) {
        self.end("TERM").await;
    }

    /// Ends it at once, as a crash would.
    pub async fn kill(&mut self) {
        self.end("KILL").await;
    }

    async fn end(&mut self, signal: &str) {
        let mut process = self.process.take().expect("a server that runs");
        let id = process.id().expect("a running process").to_string();
        let kill = Command::new("kill").args([&format!("-{signal}"), &id]).status().await;
        assert!(kill.expect("kill").success());
        tokio::time::timeout(DEADLINE, process.wait())
            .await
            .expect("a server that ends in time")
            .expect("its end");
    }
}

fn open_to_all(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}
