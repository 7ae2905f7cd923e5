//! Many who change the same thing at once: what is acknowledged happened, once, and on what its client had seen.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};
use servertree_tests::{Service, scale, server};

/// Each client reads, adds 1, and writes what it made of it if nobody else wrote meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_lost_under_if_match() {
    let service = Service::start().await;
    let mut body = server("counter");
    body["cpu_cores"] = json!(1);
    let created = service.post("/api/v1/servers", &body).await;
    let path = created.header("location").to_owned();
    let counts = join_all((0..100).map(|_| count(&service, &path))).await;
    let won: u64 = counts.into_iter().sum();

    let counter = service.get(&path).await.json();
    assert!(won > 0);
    assert_eq!(counter["cpu_cores"], 1 + won);
    assert_eq!(counter["revision"], 1 + won);
    service.stop().await;
}

/// How often it was acknowledged. Whoever comes too late is told so.
async fn count(service: &Service, path: &str) -> u64 {
    let mut won = 0;
    for _ in 0..10 * scale() {
        let read = service.get(path).await;
        let cores = read.json()["cpu_cores"].as_u64().unwrap();
        let write = service.request("PATCH", path).header("If-Match", read.header("etag"));
        let answer = service.send(write.json(&json!({"cpu_cores": cores + 1}))).await;
        match answer.status {
            200 => won += 1,
            status => assert!([409, 412].contains(&status), "{answer:?}"),
        }
    }
    won
}

/// A list is read by two statements. Whoever changes a server between the two shows in both of them, or in none.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_servers_and_credentials_of_one_moment() {
    let service = Service::start().await;
    let created = service.post("/api/v1/servers", &with_as_many(1)).await;
    let path = created.header("location").to_owned();
    let done = AtomicBool::new(false);
    let change = async {
        for number in 0..100 * scale() {
            let changed = service.put(&path, &with_as_many(1 + number % 3)).await;
            assert_eq!(changed.status, 200, "{changed:?}");
        }
        done.store(true, Ordering::SeqCst);
    };
    let look = async || {
        let mut seen = HashSet::new();
        while !done.load(Ordering::SeqCst) {
            let server = service.get("/api/v1/servers").await.json()["items"][0].take();
            let credentials = server["credentials"].as_array().unwrap();
            assert_eq!(server["cpu_cores"], credentials.len(), "{server}");
            seen.insert(credentials.len());
        }
        assert!(seen.len() > 1, "nothing changed while it was looked at");
    };
    tokio::join!(change, look(), look(), look());
    service.stop().await;
}

/// A server with as many credentials as processor cores.
fn with_as_many(count: usize) -> Value {
    let mut body = server("web-1");
    body["cpu_cores"] = json!(count);
    let ssh = |number: usize| json!({"connection_type": "ssh", "username": format!("user-{number}")});
    body["credentials"] = (0..count).map(ssh).collect();
    body
}
