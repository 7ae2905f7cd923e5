//! `servertree database copy`: an inventory is the same on each engine that it is copied to.

mod interrupted;
mod refused;

use std::fs;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::{Value, json};
use servertree_tests::{
    Builder, Delivered, Engine, Program, Service, TestConnection, TestDatabase, command, fedora_servers,
    only_on, server, workspace_root,
};

use crate::documentation::matches;

/// The undelivered work of a database: events that nobody looked at, and deliveries that are open.
const UNDELIVERED: &str = "SELECT (SELECT COUNT(*) FROM event_log WHERE dispatched_at IS NULL) + \
    (SELECT COUNT(*) FROM event_deliveries WHERE settled_at IS NULL)";

/// Copies; answers its status, its output and its errors.
fn copy(folder: &Path, from: Option<&str>, to: &str, more: &[&str]) -> (i32, String, String) {
    let mut command = command(Program::Probe, folder);
    command.args(["database", "copy"]).args(more).env("SERVERTREE_COPY_TO", to);
    if let Some(from) = from {
        command.args(["--from", from]);
    }
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_is_the_same_on_each_engine() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    // The subscriber of the probe is known from then on, and not there when the inventory is filled.
    let service =
        Service::probed().embedded().start().await.stop().await.program(Program::Servertree).start().await;
    let revealed = fill(&service).await;
    let (folder, file) = (service.folder().to_owned(), service.database_file());
    let mut builder = service.stop().await.program(Program::Probe);

    let mut places = TestDatabase::on_each(&folder.join("copy.db")).await;
    // SQLite, MariaDB, PostgreSQL, and SQLite again.
    places.rotate_left(1);
    let mut urls = vec![format!("sqlite://{}", file.display())];
    let mut tables = Vec::new();
    for place in &places {
        // The first one is what is configured.
        let from = (urls.len() > 1).then(|| urls[urls.len() - 1].clone());
        let (status, summary, error) = copy(&folder, from.as_deref(), place.url(), &[]);
        assert_eq!(status, 0, "{error}");
        assert!(
            error.contains("copying servers: 500 of 55") || error.contains("copying servers: 55"),
            "{error}"
        );
        tables.push(summary.split_once("Copied from").unwrap().0.to_owned());
        if place.url().starts_with("mysql") {
            as_documented(&summary);
        }
        urls.push(place.url().to_owned());
    }
    assert!(tables.iter().all(|table| table == &tables[0]), "{tables:#?}");

    let mut expected: Option<Found> = None;
    for url in &urls {
        let mut database = TestConnection::open(url).await;
        let undelivered = database.count(UNDELIVERED).await;
        let data = database.texts("SELECT data FROM event_log WHERE type LIKE 'server.%' ORDER BY id").await;
        database.close().await;
        let service = builder.set("database.url", url).start().await;
        let found = Found { undelivered, data, ..look(&service, &revealed).await };
        builder = stopped(service).await;
        assert!(found.undelivered >= 557 && found.servers.len() == 558, "{}", found.undelivered);
        let expected = expected.get_or_insert_with(|| found.clone());
        assert!(
            *expected == found,
            "what is found on {} is not what was copied",
            url.split(':').next().unwrap()
        );
    }
}

/// What there is.
#[derive(Clone, PartialEq)]
struct Found {
    undelivered: i64,
    data: Vec<String>,
    servers: Vec<Value>,
    each: Vec<(String, String)>,
    delivered: Vec<Delivered>,
    revealed: Value,
    repeated: String,
}

async fn fill(service: &Service) -> String {
    let servers = fedora_servers(&service.register_fedora_applications().await);
    for some in servers.chunks(32) {
        let posts = some.iter().map(|server| service.post("/api/v1/servers", server));
        assert!(join_all(posts).await.iter().all(|answer| answer.status == 201));
    }
    let first = repeated(service).await;
    assert_eq!(first.status, 201, "{first:?}");
    let credential = json!({"connection_type": "ssh", "username": "Zoë 🐑", "password": "correct-horse"});
    let added = service.post(&format!("{}/credentials", first.header("location")), &credential).await;
    assert_eq!(added.status, 201, "{added:?}");
    format!("{}/reveal", added.header("location"))
}

/// The same request, whenever it is sent.
async fn repeated(service: &Service) -> servertree_tests::Answer {
    let post =
        service.request("POST", "/api/v1/servers").header("Idempotency-Key", "once").json(&server("zebra"));
    service.send(post).await
}

async fn look(service: &Service, revealed: &str) -> Found {
    let mut delivered = service.delivered_of("server.").await;
    delivered.sort_by_key(|event| (event.subject, event.revision, event.sequence));
    let servers = service.all_servers().await;
    let mut each = Vec::new();
    for some in servers.chunks(32) {
        let paths: Vec<String> =
            some.iter().map(|server| format!("/api/v1/servers/{}", server["id"].as_str().unwrap())).collect();
        for answer in join_all(paths.iter().map(|path| service.get(path))).await {
            each.push((answer.header("etag").to_owned(), answer.body));
        }
    }
    let repeated = repeated(service).await;
    assert_eq!(repeated.status, 201, "{repeated:?}");
    let revealed = service.post(revealed, &json!({"reason": "to see"})).await.json();
    assert_eq!(revealed["password"], "correct-horse");
    Found { undelivered: 0, data: vec![], servers, each, delivered, revealed, repeated: repeated.body }
}

async fn stopped(service: Service) -> Builder {
    service.delivered().await;
    service.stop().await
}

/// The page for operators has what is printed.
fn as_documented(summary: &str) {
    let page = fs::read_to_string(workspace_root().join("docs/operations.md")).unwrap();
    let (_, section) = page.split_once("### Moving to a server").expect("a section");
    let block = section.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    // In a list: each line is indented.
    let lines = block.lines().map(|line| line.strip_prefix("   ").unwrap_or(line));
    let block = lines.collect::<Vec<_>>().join("\n");
    assert!(matches(block.trim(), summary.trim()), "{summary}\nand not\n{block}");
}
