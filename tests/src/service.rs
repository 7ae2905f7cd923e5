//! A running service.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{Answer, DEADLINE, Delivered, Program, eventually};

/// How a service is to be started.
pub struct Builder {
    program: Program,
    settings: Vec<(String, String)>,
    folder: Option<TempDir>,
}

/// A running service, with a folder of its own. It is killed when dropped.
pub struct Service {
    child: Child,
    base: String,
    http: reqwest::Client,
    builder: Builder,
}

impl Builder {
    /// Sets a setting: `("http.port", "8080")`.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        let variable = format!("SERVERTREE_{}", key.to_uppercase().replace('.', "__"));
        self.settings.push((variable, value.to_owned()));
        self
    }

    /// Starts it, and waits until it says where it listens.
    pub async fn start(mut self) -> Service {
        let folder = self.folder.get_or_insert_with(|| TempDir::new().expect("a temporary folder"));
        let log = std::fs::File::options().create(true).append(true).open(folder.path().join("log"));
        let mut child = Command::new(self.program.path())
            .current_dir(folder.path())
            // Whatever is set where the tests run is not for the service.
            .env_clear()
            .env("SERVERTREE_HTTP__PORT", "0")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(log.expect("a log file"))
            .kill_on_drop(true)
            .spawn()
            .expect("the program under test");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let listening = async {
            while let Some(line) = lines.next_line().await.expect("its output") {
                if let Some(url) = line.trim().strip_prefix("API ") {
                    return url.trim().trim_end_matches("/api/v1/").to_owned();
                }
            }
            String::new()
        };
        let base = tokio::time::timeout(DEADLINE, listening).await.unwrap_or_default();
        let service = Service { child, base, http: reqwest::Client::new(), builder: self };
        assert!(!service.base.is_empty(), "the service does not start:\n{}", service.log());
        service
    }
}

impl Service {
    /// The program that is delivered, with settings to come.
    pub fn builder() -> Builder {
        Builder { program: Program::Servertree, settings: Vec::new(), folder: None }
    }

    /// The program with the probe, with settings to come.
    pub fn probed() -> Builder {
        Builder { program: Program::Probe, ..Self::builder() }
    }

    /// The program in which callers have to say who they are, with settings to come.
    pub fn guarded() -> Builder {
        Builder { program: Program::Guarded, ..Self::builder() }
    }

    /// The program that is delivered, with nothing configured.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Where it listens: `http://127.0.0.1:…`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its host and port.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// The folder it works in.
    pub fn folder(&self) -> &Path {
        self.builder.folder.as_ref().expect("a started service has a folder").path()
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.folder().join("data/servertree.db")
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).expect("its log")
    }

    /// A request to be sent with [`Self::send`] or [`Self::try_send`].
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method: Method = method.parse().expect("a method");
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Self::try_send(request).await.unwrap_or_else(|error| panic!("no answer: {error}\n{}", self.log()))
    }

    /// Sends a request that may find nobody there.
    pub async fn try_send(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        Answer::read(request.timeout(DEADLINE).send().await?).await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    /// POST with a body of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("POST", path).json(body)).await
    }

    /// PUT with a body of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("PUT", path).json(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path)).await
    }

    /// All servers, page by page, sorted by name.
    pub async fn all_servers(&self) -> Vec<Value> {
        let mut servers = Vec::new();
        let mut offset = Some(0);
        while let Some(from) = offset {
            let page = self.get(&format!("/api/v1/servers?limit=100&offset={from}")).await.json();
            servers.extend(page["items"].as_array().expect("items").iter().cloned());
            offset = page["next_offset"].as_u64();
        }
        servers
    }

    /// What the probe was delivered, once nothing is left undelivered.
    pub async fn delivered(&self) -> Vec<Delivered> {
        eventually("all events are delivered", async || {
            let open = self.get("/api/v1/probe/undelivered").await.json();
            (open == 0).then_some(())
        })
        .await;
        serde_json::from_str(&self.get("/api/v1/probe/delivered").await.body).expect("deliveries")
    }

    /// Ends it at once, as a power cut would; what it left can be started again.
    pub async fn kill(mut self) -> Builder {
        self.child.kill().await.expect("a process to kill");
        self.builder
    }

    /// Asks it to end with a signal: `TERM` or `INT`.
    pub fn signal(&self, name: &str) {
        let process = self.child.id().expect("a running process");
        let kill = std::process::Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
        assert!(kill.expect("a shell").success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it does not end:\n{}", self.log())).expect("an exit status")
    }

    /// Stops it as an operator would; it must end well, and have logged no error.
    pub async fn stop(mut self) -> Builder {
        self.signal("TERM");
        let status = self.ended().await;
        let log = self.log();
        assert!(status.success(), "{status}:\n{log}");
        assert!(!log.contains("\"level\":\"ERROR\""), "it logged errors:\n{log}");
        self.builder
    }
}
