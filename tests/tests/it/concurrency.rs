//! Many who change the same thing at once: what is acknowledged happened, once, and on what its client had seen.

use futures_util::future::join_all;
use serde_json::json;
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
