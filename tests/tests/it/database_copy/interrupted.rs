//! A copy that is killed goes on where it was; until it is done, nobody takes it for a database.

use std::path::Path;
use std::process::Stdio;

use servertree_tests::{Engine, Program, TestConnection, TestDatabase, command, eventually, only_on};
use tempfile::TempDir;

use super::copy;

const ROWS: i64 = 60_000;

const COUNT: &str = "SELECT COUNT(*) FROM event_inbox";

/// A folder with a database whose copy takes a while.
async fn folder() -> (TempDir, TestConnection) {
    let folder = TempDir::new().unwrap();
    assert!(command(Program::Probe, folder.path()).arg("migrate").output().unwrap().status.success());
    let file = folder.path().join("data/servertree.db");
    let mut source = TestConnection::open(&format!("sqlite://{}", file.display())).await;
    let fill = format!(
        "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {ROWS}) \
         INSERT INTO event_inbox SELECT 'probe', randomblob(16), number FROM numbers"
    );
    source.execute(&fill).await;
    (folder, source)
}

/// Begins a copy and kills it in the middle; answers how many rows came over.
async fn interrupt(folder: &Path, place: &TestDatabase) -> i64 {
    let mut migrate = command(Program::Probe, folder);
    assert!(
        migrate
            .arg("migrate")
            .env("SERVERTREE_DATABASE__URL", place.url())
            .output()
            .unwrap()
            .status
            .success()
    );
    let mut copying = command(Program::Probe, folder);
    copying.args(["database", "copy"]).env("SERVERTREE_COPY_TO", place.url());
    let mut child = copying.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut target = place.connect().await;
    eventually("rows arrive", async || (target.count(COUNT).await > 0).then_some(())).await;
    child.kill().unwrap();
    child.wait().unwrap();
    // What was under way is rolled back, or became lasting.
    eventually("the server has noticed", async || target.try_lock("event_inbox").await.then_some(())).await;
    target.unlock().await;
    let count = target.count(COUNT).await;
    target.close().await;
    assert!(count > 0 && count < ROWS, "{count}");
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_goes_on_where_it_was() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let (folder, _) = folder().await;
    for place in &TestDatabase::on_each(&folder.path().join("copy.db")).await {
        let count = interrupt(folder.path(), place).await;
        let mut migrate = command(Program::Probe, folder.path());
        let served = migrate.arg("migrate").env("SERVERTREE_DATABASE__URL", place.url()).output().unwrap();
        let error = String::from_utf8(served.stderr).unwrap();
        assert!(served.status.code() == Some(2) && error.contains("unfinished copy of another"), "{error}");
        let (status, _, error) = copy(folder.path(), Some(place.url()), "sqlite://other.db", &[]);
        assert!(status == 2 && error.contains("itself an unfinished copy"), "{error}");

        let (status, summary, error) = copy(folder.path(), None, place.url(), &[]);
        assert_eq!(status, 0, "{error}");
        assert!(error.contains(&format!("event_inbox was begun: going on behind {count} rows")), "{error}");
        assert!(summary.contains(&format!(" {ROWS} ")), "{summary}");
        let (status, _, error) = copy(folder.path(), None, place.url(), &["--restart"]);
        assert!(status == 2 && error.contains("event_inbox") && error.contains("empty"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_tampered_with_is_found() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let (folder, mut source) = folder().await;
    for place in &TestDatabase::on_each(&folder.path().join("copy.db")).await {
        interrupt(folder.path(), place).await;
        let mut target = place.connect().await;
        assert!(target.execute("UPDATE event_inbox SET taken_at = -1 WHERE taken_at > 30000").await > 0);
        target.close().await;
        let (status, _, error) = copy(folder.path(), None, place.url(), &[]);
        assert!(status == 2 && error.contains("event_inbox did not come out as it was"), "{error}");
        // The source, too, may have changed since: then it is not gone on with.
        source.execute("UPDATE event_inbox SET taken_at = taken_at + 1 WHERE taken_at = 17").await;
        let (status, _, error) = copy(folder.path(), None, place.url(), &[]);
        assert!(status == 2 && error.contains("(by event_inbox)") && error.contains("--restart"), "{error}");
        let (status, summary, error) = copy(folder.path(), None, place.url(), &["--restart"]);
        assert!(status == 0 && summary.contains(&format!(" {ROWS} ")), "{error}");
        // For the next one.
        source.execute("UPDATE event_inbox SET taken_at = 17 WHERE taken_at = 18").await;
    }
}
