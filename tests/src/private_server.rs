//! A server of a test's own, to be stopped, killed and started again.

use std::net::TcpListener;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{DEADLINE, Engine, workspace_root};

/// A server: a database, a broker. It is killed when dropped.
pub struct PrivateServer {
    program: &'static str,
    folder: TempDir,
    port: u16,
    url: String,
    process: Option<Child>,
}

impl PrivateServer {
    /// Starts a database of the engine under test, MariaDB or PostgreSQL.
    pub async fn database() -> Self {
        match Engine::under_test() {
            Engine::MySql => Self::start("mariadb").await,
            Engine::Postgres => Self::start("postgres").await,
            Engine::Sqlite => panic!("SQLite has no server"),
        }
    }

    /// Starts a new one of those that `scripts/servers` knows: `rabbitmq`.
    pub async fn start(program: &'static str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        // The server runs as a user of its own.
        open_to_all(folder.path());
        let port = free_port();
        let mut server = Self { program, folder, port, url: String::new(), process: None };
        server.start_again().await;
        server
    }

    /// Its URL, for an administrator.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens: `127.0.0.1:…`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Runs the control program that is in its folder, as RabbitMQ has one.
    pub async fn control(&self, arguments: &[&str]) {
        let program = self.folder.path().join("server").join(format!("{}ctl", self.program));
        let control = Command::new(program).args(arguments).stdout(Stdio::null()).status();
        assert!(control.await.expect("its control program").success(), "{arguments:?}");
    }

    /// Starts it again, on what it had, and waits until it answers.
    pub async fn start_again(&mut self) {
        let mut process = Command::new(workspace_root().join("scripts/servers"))
            .args(["run", self.program, "--port", &self.port.to_string(), "--folder"])
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

/// A port that nobody listens at, as one 10,000 above it, where RabbitMQ has its HTTP API, and those next to it.
fn free_port() -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    // Each process of tests begins elsewhere, so that they do not meet.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % 1_000).unwrap_or(0) * 12;
    loop {
        let port = 10_000 + (begin + NEXT.fetch_add(7, Ordering::Relaxed)) % 12_000;
        if [port - 1, port, port + 1, port + 2, port + 10_000].into_iter().all(is_free) {
            return port;
        }
    }
}

fn open_to_all(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}
