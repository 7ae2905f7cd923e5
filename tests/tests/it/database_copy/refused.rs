//! What is not copied, and what is said of it.

use servertree_tests::{Engine, Program, TestConnection, TestDatabase, command, only_on};
use tempfile::TempDir;

use super::copy;
use crate::starting::run;

#[tokio::test]
async fn what_cannot_be_copied_is_said_in_one_message() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let refused = |from: Option<&str>, to: &str, expected: &[&str]| {
        let (status, output, error) = copy(path, from, to, &[]);
        assert!(status == 2 && output.is_empty(), "{from:?} {to}: {status}\n{output}{error}");
        for part in expected {
            assert!(error.contains(part), "{part} is not in\n{error}");
        }
        assert!(!error.contains("hunter2"), "{error}");
    };
    refused(None, "sqlite://copy.db", &["--from", "there is no database at data/servertree.db"]);
    assert!(command(Program::Probe, path).arg("migrate").output().unwrap().status.success());
    refused(None, "", &["--to"]);
    refused(None, "oracle://root:hunter2@host/db", &["--to", "mysql://"]);
    refused(None, "mysql://root:hunter2@127.0.0.1:1/db", &["--to", "127.0.0.1:1", "cannot be reached"]);
    refused(Some("sqlite://data/servertree.db"), "sqlite://data/servertree.db", &["the same database"]);
    std::fs::write(path.join("empty.db"), "").unwrap();
    refused(Some("sqlite://empty.db"), "sqlite://copy.db", &["nothing to copy"]);

    // The program as it is delivered has no probe.
    let (status, _, error) = run(path, &["database", "copy", "--to", "sqlite://copy.db"], &[]);
    assert!(status == 2 && error.contains("'probe'") && error.contains("all contexts"), "{error}");
    let (status, _, error) = run(path, &["database", "copy"], &[]);
    assert!(status == 2 && error.contains("--to"), "{error}");

    // Migrated is as good as empty; a single row is not.
    let migrate = [("SERVERTREE_DATABASE__URL", "sqlite://used.db")];
    assert!(command(Program::Probe, path).arg("migrate").envs(migrate).output().unwrap().status.success());
    let mut used = TestConnection::open(&format!("sqlite://{}", path.join("used.db").display())).await;
    used.execute("INSERT INTO event_inbox VALUES ('a', x'00', 1)").await;
    refused(None, "sqlite://used.db", &["event_inbox", "empty database"]);
    used.execute(
        "DELETE FROM event_inbox; UPDATE authorization_roles SET name = 'root' WHERE name = 'admin'",
    )
    .await;
    refused(None, "sqlite://used.db", &["authorization_roles", "empty database"]);
    used.execute("UPDATE authorization_roles SET name = 'admin' WHERE name = 'root'").await;
    assert_eq!(copy(path, None, "sqlite://used.db", &[]).0, 0);

    let mut source =
        TestConnection::open(&format!("sqlite://{}", path.join("data/servertree.db").display())).await;
    source.execute("DELETE FROM schema_migrations_server WHERE version = 2").await;
    refused(None, "sqlite://copy.db", &["lacks migration 2 of 'server'", "servertree migrate"]);
}

/// What one engine takes and another one does not is told by its key.
#[tokio::test]
async fn rows_that_do_not_fit_are_named() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let folder = TempDir::new().unwrap();
    assert!(command(Program::Probe, folder.path()).arg("migrate").output().unwrap().status.success());
    let file = folder.path().join("data/servertree.db");
    let mut source = TestConnection::open(&format!("sqlite://{}", file.display())).await;
    let places = TestDatabase::on_each(&folder.path().join("copy.db")).await;
    let subscriber = |name: &str| format!("INSERT INTO event_subscribers VALUES ({name}, '[]', 1)");
    for (row, engines, expected) in [
        (
            subscriber("'a' || char(0)"),
            &["postgres"][..],
            "in the row name \"a\\0\", name has a character of number 0",
        ),
        (subscriber("printf('%.*c', 300, 'x')"), &["mysql"], "rows of event_subscribers, from name \"xxx"),
        (
            "INSERT INTO event_inbox VALUES ('a', x'00', 1)".to_owned(),
            &["mysql", "postgres"],
            "does not have 16 bytes",
        ),
        (
            "INSERT INTO event_inbox VALUES ('a', 'text', 'soon')".to_owned(),
            &["mysql", "postgres", "sqlite"],
            "of event_inbox",
        ),
    ] {
        source.execute(&row).await;
        for place in
            places.iter().filter(|place| engines.iter().any(|engine| place.url().starts_with(engine)))
        {
            let (status, _, error) = copy(folder.path(), None, place.url(), &["--restart"]);
            assert!(status == 2 && error.contains(expected), "{row}: {error}");
        }
        source.execute("DELETE FROM event_subscribers; DELETE FROM event_inbox").await;
    }
}
