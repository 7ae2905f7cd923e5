//! A running service.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use servertree_kernel::testkit;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::command::{command, use_database};
use crate::{
    Answer, DEADLINE, Delivered, Engine, Program, TestConnection, TestDatabase, eventually,
    fedora_applications,
};

const DATABASE_URL: &str = "SERVERTREE_DATABASE__URL";
const CACHE_URL: &str = "SERVERTREE_CACHE__URL";
const BUS_URL: &str = "SERVERTREE_BUS__URL";

/// How a service is to be started.
pub struct Builder {
    program: Program,
    settings: Vec<(String, String)>,
    folder: Option<TempDir>,
    database: Option<Arc<TestDatabase>>,
    is_embedded: bool,
    has_bus: bool,
    logs_in: bool,
}

/// A running service, with a folder of its own. It is killed when dropped.
pub struct Service {
    child: Child,
    said: String,
    base: String,
    http: reqwest::Client,
    token: Option<String>,
    builder: Builder,
}

impl Builder {
    /// Sets a setting: `("http.port", "8080")`.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        let variable = format!("SERVERTREE_{}", key.to_uppercase().replace('.', "__"));
        self.settings.push((variable, value.to_owned()));
        self
    }

    /// It is another program.
    pub fn program(self, program: Program) -> Self {
        Self { program, ..self }
    }

    /// It uses this database, which may be that of others, too. Without it, it has one of its own.
    pub fn database(self, database: &Arc<TestDatabase>) -> Self {
        Self { database: Some(database.clone()), ..self }
    }

    /// It keeps the database that it has when none is configured, whichever engine the run is about.
    pub fn embedded(self) -> Self {
        Self { is_embedded: true, ..self }
    }

    /// It has no broker, though the run has one.
    pub fn without_bus(self) -> Self {
        Self { has_bus: false, ..self }
    }

    /// The broker of the run, where all services share a virtual host: nobody hears there of what is published. Services of some of the
    /// contexts would: they have none unless they are given one of their own.
    fn shared_broker(&self) -> Option<String> {
        let is_alone = self.setting("SERVERTREE_CONTEXTS__ENABLED").is_none();
        let wants_one = self.has_bus && is_alone && !self.is_embedded && self.setting(BUS_URL).is_none();
        wants_one.then(testkit::broker_of_services).flatten()
    }

    /// The Redis of the run, where each database has keys of its own.
    fn shared_cache(&self) -> Option<String> {
        let wants_one = !self.is_embedded && self.setting(CACHE_URL).is_none();
        wants_one.then(testkit::redis_of_services).flatten()
    }

    /// What was set, if it was.
    fn setting(&self, variable: &str) -> Option<&str> {
        self.settings.iter().rev().find(|(name, _)| name == variable).map(|(_, value)| value.as_str())
    }

    /// Nobody logs in once it is started: requests say who asks, or are anonymous.
    pub fn without_log_in(self) -> Self {
        Self { logs_in: false, ..self }
    }

    /// Starts it, waits until it says where it listens, and logs in as its first administrator.
    pub async fn start(mut self) -> Service {
        let has_none = self.database.is_none() && self.setting(DATABASE_URL).is_none();
        let folder = self.folder.get_or_insert_with(|| TempDir::new().expect("a temporary folder"));
        // On SQLite it keeps the database that it makes in its folder.
        if has_none && !self.is_embedded && Engine::under_test() != Engine::Sqlite {
            self.database = Some(Arc::new(TestDatabase::new(folder.path()).await));
        }
        if let Some(database) = &self.database {
            use_database(folder.path(), database.url());
        }
        let log = std::fs::File::options().create(true).append(true).open(folder.path().join("log"));
        let mut child = Command::from(command(self.program, folder.path()))
            .envs(self.shared_broker().map(|url| (BUS_URL, url)))
            .envs(self.shared_cache().map(|url| (CACHE_URL, url)))
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(log.expect("a log file"))
            .kill_on_drop(true)
            .spawn()
            .expect("the program under test");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut said = String::new();
        let all_is_said = async {
            while let Some(line) = lines.next_line().await.expect("its output") {
                said += &format!("{line}\n");
                if line.starts_with("Stop with") {
                    break;
                }
            }
        };
        // When it takes too long, what it said so far will not do.
        let _ = tokio::time::timeout(DEADLINE, all_is_said).await;
        let base = said.lines().find_map(|line| line.trim().strip_prefix("API "));
        let base = base.unwrap_or_default().trim().trim_end_matches("/api/v1/").to_owned();
        // A connection that the service is about to close, since nobody used it for a while, is not used any more.
        let http = reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(1)).build();
        let http = http.expect("a client");
        let mut service = Service { child, said, base, http, token: None, builder: self };
        assert!(!service.base.is_empty(), "the service does not start:\n{}", service.log());
        if service.builder.logs_in {
            service.token = Some(service.log_in("admin", &service.first_password()).await);
        }
        service
    }
}

impl Service {
    /// The program that is delivered, with settings to come.
    pub fn builder() -> Builder {
        Builder {
            program: Program::Servertree,
            settings: Vec::new(),
            folder: None,
            database: None,
            is_embedded: false,
            has_bus: true,
            logs_in: true,
        }
    }

    /// The program with the probe, with settings to come.
    pub fn probed() -> Builder {
        Builder { program: Program::Probe, ..Self::builder() }
    }

    /// The program in which callers have to say who they are, with settings to come.
    pub fn guarded() -> Builder {
        let guarded = Builder { program: Program::Guarded, ..Self::builder() };
        // Of two contexts that know callers none would be believed.
        guarded.set("contexts.enabled", r#"["guard","server"]"#).without_log_in()
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

    /// The folder with what it keeps.
    pub fn data(&self) -> PathBuf {
        self.folder().join(self.builder.setting("SERVERTREE_DATA__FOLDER").unwrap_or("data"))
    }

    /// The file of its database, where that is embedded.
    pub fn database_file(&self) -> PathBuf {
        self.data().join("servertree.db")
    }

    /// A connection to its database, behind its back.
    pub async fn database(&self) -> TestConnection {
        let given = self.builder.database.as_ref().map(|database| database.url());
        match given.or_else(|| self.builder.setting(DATABASE_URL)) {
            Some(url) => TestConnection::open(url).await,
            None => TestConnection::open(&format!("sqlite://{}", self.database_file().display())).await,
        }
    }

    /// The password that its first administrator was created with.
    pub fn first_password(&self) -> String {
        let file = self.data().join("initial-admin-password");
        std::fs::read_to_string(file).expect("the password of the first administrator").trim_end().to_owned()
    }

    /// What it said when it was started, to whoever started it.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).expect("its log")
    }

    /// Logs in; answers the access token.
    pub async fn log_in(&self, username: &str, password: &str) -> String {
        let body = json!({"username": username, "password": password});
        let answer = self.send(self.anonymous("POST", "/api/v1/account/login").json(&body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["access_token"].as_str().expect("an access token").to_owned()
    }

    /// The access token of the administrator who logged in at its start.
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("a service that was logged in to")
    }

    /// A request to be sent with [`Self::send`] or [`Self::try_send`]: of the administrator who logged in at its start.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        match &self.token {
            Some(token) => self.request_as(token, method, path),
            None => self.anonymous(method, path),
        }
    }

    /// A request of whoever has this token.
    pub fn request_as(&self, token: &str, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.anonymous(method, path).bearer_auth(token)
    }

    /// A request that does not say who asks.
    pub fn anonymous(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
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

    /// Registers the catalogue of the real inventory; answers the id of each application by its name.
    pub async fn register_fedora_applications(&self) -> HashMap<String, String> {
        let mut ids = HashMap::new();
        for application in fedora_applications() {
            let answer = self.post("/api/v1/applications", &application).await;
            assert_eq!(answer.status, 201, "{answer:?}");
            let text = |field: &Value| field.as_str().expect("a text").to_owned();
            ids.insert(text(&application["name"]), text(&answer.json()["id"]));
        }
        ids
    }

    /// All servers, page by page, sorted by name.
    pub async fn all_servers(&self) -> Vec<Value> {
        let mut servers = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("/api/v1/servers?limit=500&count=none{after}")).await.json();
            servers.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => after = format!("&cursor={cursor}"),
                None => return servers,
            }
        }
    }

    /// What the probe was delivered of events whose names begin so, once nothing is left undelivered.
    pub async fn delivered_of(&self, beginning: &str) -> Vec<Delivered> {
        let delivered = self.delivered().await.into_iter();
        delivered.filter(|event| event.event_type.starts_with(beginning)).collect()
    }

    /// All that the probe was delivered, once nothing is left undelivered.
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
