//! How the program starts, stops, and says why it does not start.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use futures_util::future::join_all;
use serde_json::Value;
use servertree_tests::{Engine, Program, Service, command, eventually, only_on, server};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Runs the program to its end; answers its status, its output and its errors.
pub fn run(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = command(Program::Servertree, folder);
    let output = command.args(arguments).envs(settings.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// The same, with something to read.
pub fn run_with_input(folder: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = command(Program::Servertree, folder);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn what_keeps_it_from_starting_is_said_in_one_message() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "this is no database, and no folder either, whatever is said about it").unwrap();
    let in_a_file = file.join("data").display().to_string();
    let no_database = format!("sqlite://{}", file.display());
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().port().to_string();
    let rows: [(&str, &str, &[&str]); 32] = [
        ("HTTP__PROT", "1", &["http.prot", "SERVERTREE_HTTP__PROT", "unknown", "port"]),
        ("COLOUR", "red", &["colour", "SERVERTREE_COLOUR", "unknown", "SERVERTREE_HTTP__PORT"]),
        ("HTTP__PORT", "http", &["http.port", "SERVERTREE_HTTP__PORT", "http"]),
        ("HTTP__PORT", "65536", &["http.port", "65536"]),
        ("HTTP__ADDRESS", "example", &["http.address", "example"]),
        ("HTTP__BODY_TIMEOUT", "0", &["http.body_timeout", "SERVERTREE_HTTP__BODY_TIMEOUT", "1 to 600"]),
        ("HTTP__PUBLIC_URL", "inventory.example.org", &["http.public_url", "https://inventory.example.org"]),
        (
            "HTTP__PUBLIC_URL",
            "https://inventory.example.org/",
            &["http.public_url", "https://inventory.example.org"],
        ),
        ("HTTP__PUBLIC_URL", "https://inventory.example.org:443", &["http.public_url"]),
        ("HTTP__PUBLIC_URL", "https://inventory.example.org:99999", &["http.public_url"]),
        ("HTTP__TRUSTED_PROXIES", "10.0.0.0/8", &["http.trusted_proxies", "list", "10.0.0.0/8"]),
        (
            "HTTP__TRUSTED_PROXIES",
            r#"["10.0.0.0/40"]"#,
            &["http.trusted_proxies ", "SERVERTREE_HTTP__TRUSTED_PROXIES)", "network", "'10.0.0.0/40'"],
        ),
        ("HTTP__TRUSTED_PROXIES", r#"["::1/64", "proxy"]"#, &["http.trusted_proxies ", "network", "'proxy'"]),
        (
            "ACCOUNTS__SIGNUP",
            "maybe",
            &["accounts.signup", "SERVERTREE_ACCOUNTS__SIGNUP", "boolean", "maybe"],
        ),
        ("ACCOUNTS__SIGNUPS", "true", &["accounts.signups", "unknown", "known here are signup"]),
        ("DATABASE__URL", "oracle://db", &["database.url", "sqlite://", "mysql://", "postgres://"]),
        ("DATABASE__URL", &no_database, &[&file.display().to_string(), "SQLite"]),
        ("DATABASE__ACQUIRE_TIMEOUT", "0", &["database.acquire_timeout", "1 to 300"]),
        ("AUTHORIZATION__GRPC_LISTEN", "0.0.0.0:9090", &["authorization.grpc_certificate", "other machines"]),
        ("AUTHORIZATION__GRPC_LISTEN", "nowhere", &["authorization.grpc_listen", "127.0.0.1:9090"]),
        ("AUTHORIZATION__PEER_SECRET", "short", &["authorization.peer_secret", "16"]),
        ("AUTHORIZATION__TIMEOUT", "1", &["authorization.timeout", "10 to 60000"]),
        ("AUTHORIZATION__URL", "http://example.org", &["authorization.url", "https://"]),
        ("LOG__FORMAT", "xml", &["log.format", "xml", "json"]),
        ("LOG__LEVEL", "inof", &["log.level", "inof", "debug"]),
        ("LOG__LEVEL", "", &["log.level", "info"]),
        ("HTTP", "5", &["http", "SERVERTREE_HTTP", "SERVERTREE_HTTP__PORT"]),
        ("CONTEXTS__ENABLED", "server", &["contexts.enabled", "[\"server\"]"]),
        ("HTTP__PORT", "x", &["http.port", "0 to 65535", "x"]),
        ("CONTEXTS__ENABLED", "[\"racks\"]", &["racks", "server"]),
        ("DATA__FOLDER", &in_a_file, &[&in_a_file, "data.folder"]),
        ("HTTP__PORT", &taken, &[&taken, "in use", "http.port"]),
    ];
    for (key, value, said) in rows {
        let (status, output, error) = run(folder.path(), &[], &[(&format!("SERVERTREE_{key}"), value)]);
        assert_eq!(status, 2, "{key}={value}: {output}{error}");
        assert_eq!(error.trim().lines().count(), 1, "{key}={value}: {error}");
        for word in said {
            assert!(error.contains(word), "{key}={value} does not say {word}: {error}");
        }
    }
    // What is secret is not shown, not even when it is wrong.
    for key in ["SERVERTREE_AUTHORIZATION__PEER_SECRET", "SERVERTREE_SECRETS__KEYS"] {
        let (status, output, error) = run(folder.path(), &[], &[(key, "12345678901234567890")]);
        assert!(status == 2 && error.contains(key), "{error}");
        assert!(!error.contains("1234567890") && !output.contains("1234567890"), "{error}");
    }
    // Where nobody knows who asks, nobody is let in.
    let nobody_knows = [("SERVERTREE_CONTEXTS__ENABLED", r#"["server"]"#)];
    let (status, _, error) = run(folder.path(), &[], &nobody_knows);
    assert_eq!((status, error.trim().lines().count()), (2, 1), "{error}");
    for word in ["contexts.enabled", "authorization.url", "SERVERTREE_AUTHORIZATION__URL"] {
        assert!(error.contains(word), "{word} is not in: {error}");
    }
    let (status, _, error) = run(folder.path(), &["--config", "none.toml"], &[]);
    assert!(status == 2 && error.contains("none.toml"), "{error}");
    std::fs::write(folder.path().join("own.toml"), "[http]\nprot = 1\n").unwrap();
    let (status, _, error) = run(folder.path(), &["--config", "own.toml"], &[]);
    assert!(status == 2 && error.contains("own.toml") && error.contains("http.prot"), "{error}");
    let rows: [(&[u8], &str); 5] = [
        (b"[http]\nport = \n", "line 2"),
        (b"[http]\nport = 1\nport = 2\n", "duplicate key"),
        (b"http = 5\n", "http"),
        (b"[racks]\nsize = 1\n", "racks"),
        (b"\xff\xfe", "own.toml"),
    ];
    for (text, said) in rows {
        std::fs::write(folder.path().join("own.toml"), text).unwrap();
        let (status, _, error) =
            run(folder.path(), &["--config", "own.toml"], &[("SERVERTREE_HTTP__PORT", "0")]);
        assert!(status == 2 && error.contains("own.toml") && error.contains(said), "{error}");
        assert_eq!(error.trim().lines().count(), 1, "{error}");
    }
    let (status, _, error) = run(folder.path(), &["--config", "."], &[]);
    assert!(status == 2 && error.contains("is not a file"), "{error}");
    let (status, _, error) = run(folder.path(), &["fly"], &[]);
    assert!(status == 2 && error.contains("fly"), "{error}");
}

#[test]
fn commands_do_what_their_help_says() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (status, help, _) = run(folder.path(), &["--help"], &[]);
    assert_eq!(status, 0);
    for command in ["serve", "migrate", "config", "contexts", "openapi", "admin", "keys", "--config"] {
        assert!(help.contains(command), "{help}");
    }
    let (status, contexts, _) = run(folder.path(), &["contexts"], &[]);
    assert!(status == 0 && contexts.contains("server") && contexts.contains("enabled"), "{contexts}");

    std::fs::write(folder.path().join("own.toml"), "[http]\nport = 1234\nbody_timeout = 7\n").unwrap();
    let (_, shown, _) =
        run(folder.path(), &["config", "--config", "own.toml"], &[("SERVERTREE_HTTP__PORT", "4321")]);
    assert!(shown.contains("port = 4321") && shown.contains("body_timeout = 7"), "{shown}");
    let secret = [("SERVERTREE_DATABASE__URL", "sqlite://user:hunter2@data/x.db")];
    let (_, shown, _) = run(folder.path(), &["config"], &secret);
    assert!(shown.contains("user:***@") && !shown.contains("hunter2"), "{shown}");

    let (status, openapi, _) = run(folder.path(), &["openapi"], &[]);
    let openapi: Value = serde_json::from_str(&openapi).unwrap();
    assert!(status == 0 && openapi["openapi"].as_str().unwrap().starts_with("3.1"), "{openapi}");

    let (status, first, error) = run(folder.path(), &["migrate"], &[]);
    assert!(status == 0 && first.contains("server 0001 servers"), "{first}{error}");
    let (status, second, _) = run(folder.path(), &["migrate"], &[]);
    assert!(status == 0 && second.contains("nothing to do"), "{second}");
}

/// What a start says of how to log in. The password itself is for a terminal alone.
#[tokio::test]
async fn it_says_how_to_log_in() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let service = Service::start().await;
    let password = service.first_password();
    assert!(password.len() >= 16, "{password}");
    let file = "data/initial-admin-password";
    let said = service.said().to_owned();
    assert!(said.contains(&format!("Log in    as admin, with the password in {file}; change it")), "{said}");
    let log = service.log();
    assert!(log.contains("the first administrator was created") && log.contains(file), "{log}");
    assert!(!said.contains(&password) && !log.contains(&password), "{said}{log}");

    let service = service.stop().await.start().await;
    let said = service.said();
    assert!(said.contains("Log in    POST /api/v1/account/login"), "{said}");
    assert!(said.contains("servertree admin reset-password NAME"), "{said}");
    assert_eq!(service.first_password(), password);
    service.stop().await;
}

/// Whoever gets there from elsewhere has to log in.
#[tokio::test]
async fn with_accounts_it_listens_wherever_it_is_told() {
    let service = Service::builder().set("http.address", "0.0.0.0").start().await;
    assert_eq!(service.get("/api/v1/servers").await.status, 200);
    let anonymous = service.anonymous("GET", "/api/v1/servers");
    service.send(anonymous).await.problem(401, "not_authenticated");
    service.stop().await;
}

/// The folder holds what nobody else on the machine should read.
#[cfg(unix)]
#[test]
fn the_data_folder_is_for_its_user_alone() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    run(folder.path(), &["migrate"], &[("SERVERTREE_DATA__FOLDER", "wh?at :memory: 100%")]);
    assert!(folder.path().join("wh?at :memory: 100%/servertree.db").is_file(), "a folder may have any name");
    run(folder.path(), &["migrate"], &[]);
    let mode = folder.path().join("data").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn it_is_all_there_after_a_restart() {
    let service = Service::start().await;
    let created = service.post("/api/v1/servers", &server("web-1")).await;
    let service = service.stop().await.start().await;
    assert_eq!(service.get(created.header("location")).await.json(), created.json());
    service.stop().await;
}

#[tokio::test]
async fn both_signals_end_it_well_with_connections_open() {
    for signal in ["TERM", "INT"] {
        let mut service = Service::start().await;
        // The client keeps its connection open for more.
        assert_eq!(service.get("/health/live").await.status, 200);
        service.signal(signal);
        let status = service.ended().await;
        assert_eq!(status.code(), Some(0), "{signal}:\n{}", service.log());
        assert!(service.log().contains("\"stopped\""), "{}", service.log());
        assert!(!service.log().contains("not everything ended in time"), "{}", service.log());
    }
}

/// A request that is under way when the service is told to stop is answered, and what it asked for is done.
#[tokio::test]
async fn what_is_under_way_is_finished() {
    let mut service = Service::start().await;
    let body = server("web-1").to_string();
    let head = "POST /api/v1/servers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let head = format!("{head}Authorization: Bearer {}\r\n", service.token());
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let (first, rest) = request.split_at(request.len() - 10);
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    // Answered on another connection: by then the first one has been taken, too.
    assert_eq!(service.get("/health/live").await.status, 200);
    service.signal("TERM");
    eventually("it is stopping", async || service.log().contains("\"stopping").then_some(())).await;
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}\n{}", service.log());
    assert_eq!(service.ended().await.code(), Some(0));
}

#[tokio::test]
async fn it_is_not_ready_without_its_database() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let service = Service::start().await;
    std::fs::rename(service.database_file(), service.folder().join("elsewhere.db")).unwrap();
    let answer = service.get("/health/ready").await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.fields_at_fault(), ["database"]);
    assert_eq!(service.get("/health/live").await.status, 200);
    // Connections that are made only now must not make a new file in its place, and another file is not the same.
    join_all((0..40).map(|_| service.get("/api/v1/servers"))).await;
    assert!(!service.database_file().exists());
    std::fs::copy(service.folder().join("elsewhere.db"), service.database_file()).unwrap();
    service.get("/health/ready").await.problem(503, "unavailable");
    service.signal("KILL");
}

#[tokio::test]
async fn it_says_how_it_is_doing() {
    let service = Service::start().await;
    assert_eq!(service.get("/health/live").await.json()["status"], "live");
    let ready = service.get("/health/ready").await;
    assert_eq!((ready.status, ready.json()["dependencies"]["database"].clone()), (200, "ready".into()));
    assert_eq!(service.get("/api/v1/").await.json()["name"], "ServerTree");
    let root = service.get("/").await;
    assert!(root.status == 200 && root.body.contains("swagger-ui"), "{root:?}");
    let head = service.send(service.request("HEAD", "/api/v1/servers")).await;
    assert_eq!((head.status, head.body.as_str(), head.header("content-type")), (200, "", "application/json"));
    service.stop().await;
}
