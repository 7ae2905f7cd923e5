//! Requests with an `Idempotency-Key`: they take effect once, however often they are sent.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use servertree_tests::{Answer, Service, TestDatabase, eventually, server};

async fn post(service: &Service, path: &str, key: &str, body: &Value) -> Answer {
    service.send(service.request("POST", path).header("Idempotency-Key", key).json(body)).await
}

#[tokio::test]
async fn a_repetition_gets_the_same_answer() {
    let service = Service::probed().start().await;
    let first = post(&service, "/api/v1/servers", "key-1", &server("web-1")).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""), "{first:?}");
    // However it is written, and also after a restart, and after the server changed.
    let path = first.header("location").to_owned();
    assert_eq!(service.delete(&path).await.status, 204);
    let service = service.stop().await.start().await;
    let text = format!(" {} ", serde_json::to_string_pretty(&server("web-1")).unwrap());
    let again = service.request("POST", "/api/v1/servers").header("Idempotency-Key", "key-1");
    let again = service.send(again.header("Content-Type", "application/json").body(text)).await;
    assert_eq!((again.status, &again.body, again.header("idempotency-replayed")), (201, &first.body, "true"));
    for header in ["location", "etag", "content-type"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }

    let other = post(&service, "/api/v1/servers", "key-1", &server("web-2")).await;
    other.problem(422, "idempotency_key_reused");
    assert_eq!(other.fields_at_fault(), ["Idempotency-Key"]);
    // The same route, written otherwise.
    let encoded = post(&service, "/api/v1/%73ervers", "key-1", &server("web-1")).await;
    assert_eq!(encoded.header("idempotency-replayed"), "true", "{encoded:?}");
    // The same key for another path is another request.
    let restored = service.request("POST", &format!("{path}/restore")).header("Idempotency-Key", "key-1");
    let restored = service.send(restored).await;
    assert_eq!((restored.status, restored.json()["revision"].clone()), (200, json!(3)), "{restored:?}");
    assert_eq!(service.delete(&path).await.status, 204);
    let again = service.request("POST", &format!("{path}/restore")).header("Idempotency-Key", "key-1");
    let again = service.send(again).await;
    assert_eq!((again.status, &again.body), (200, &restored.body), "{again:?}");
    assert_eq!(service.get(&path).await.json()["discarded"], true, "it was not restored again");

    let delivered: Vec<_> =
        service.delivered_of("server.").await.into_iter().map(|event| event.event_type).collect();
    assert_eq!(
        delivered,
        ["registered", "discarded", "restored", "discarded"].map(|name| format!("server.{name}"))
    );
    service.stop().await;
}

/// What failed is not kept: the same request can be sent again when the reason is gone.
#[tokio::test]
async fn a_failure_can_be_repeated() {
    let service = Service::start().await;
    let web = service.post("/api/v1/servers", &server("web-1")).await.header("location").to_owned();
    let again = async || post(&service, "/api/v1/servers", "key-1", &server("web-1")).await;
    again().await.problem(409, "server_name_taken");
    post(&service, "/api/v1/servers", "key-1", &json!({})).await.problem(422, "invalid_fields");
    assert_eq!(service.delete(&web).await.status, 204);
    assert_eq!(again().await.status, 201);
    for key in ["", "a b", "ü", &"k".repeat(256)] {
        let refused = post(&service, "/api/v1/servers", key, &server("web-2")).await;
        refused.problem(400, "invalid_parameter");
        assert_eq!(refused.fields_at_fault(), ["Idempotency-Key"]);
    }
    let twice = service
        .request("POST", "/api/v1/servers")
        .header("Idempotency-Key", "a")
        .header("Idempotency-Key", "b");
    service.send(twice.json(&server("web-2"))).await.problem(400, "invalid_parameter");
    service.stop().await;
}

/// A hundred at once: one server, one event, a hundred times the same answer.
#[tokio::test]
async fn a_hundred_at_once_take_effect_once() {
    let service = Service::probed().start().await;
    let web = service.post("/api/v1/servers", &server("web-1")).await.header("location").to_owned();
    for (path, body) in [
        ("/api/v1/servers".to_owned(), server("web-2")),
        (
            format!("{web}/credentials"),
            json!({"connection_type": "ssh", "username": "root", "password": "x"}),
        ),
    ] {
        let answers = join_all((0..100).map(|_| post(&service, &path, "key-1", &body))).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
        assert_eq!(
            answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count(),
            1
        );
    }
    assert_eq!(service.get("/api/v1/servers").await.json()["total"], 2);
    assert_eq!(service.get(&web).await.json()["credentials"].as_array().unwrap().len(), 1);
    assert_eq!(service.delivered_of("server.").await.len(), 3);
    service.stop().await;
}

/// Two processes on one database: the unique index decides, and the one that comes second gets the first one's answer.
#[tokio::test]
async fn two_processes_take_effect_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("data").display().to_string();
    let database = Arc::new(TestDatabase::new(&folder.path().join("test.db")).await);
    let start = |_| Service::builder().set("data.folder", &data).database(&database).start();
    let services = join_all((0..2).map(start)).await;
    for number in 0..10 {
        let (key, body) = (format!("key-{number}"), server(&format!("web-{number}")));
        let posts = (0..10).map(|of| post(&services[of % 2], "/api/v1/servers", &key, &body));
        let answers = join_all(posts).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
        assert_eq!(
            answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count(),
            1
        );
    }
    assert_eq!(services[0].get("/api/v1/servers").await.json()["total"], 10);
    for service in services {
        service.stop().await;
    }
}

/// The first one is kept waiting by somebody with the write lock; the second is told so after five seconds.
#[tokio::test]
async fn a_duplicate_does_not_wait_for_ever() {
    let service = Service::builder().set("database.acquire_timeout", "20").start().await;
    let mut other = service.database().await;
    // The relay may be at work.
    eventually("nobody writes", async || other.try_lock("servers").await.then_some(())).await;
    let body = server("web-1");
    let first = post(&service, "/api/v1/servers", "key-1", &body);
    let second = async {
        let both = [
            post(&service, "/api/v1/servers", "key-1", &body),
            post(&service, "/api/v1/servers", "key-1", &body),
        ];
        // One of the three has the turn and waits for the lock; at least one of these two has not.
        let answers = futures_util::future::select_all(both.map(Box::pin)).await.0;
        other.unlock().await;
        answers
    };
    let (first, second) = tokio::join!(first, second);
    second.problem(409, "idempotency_in_progress");
    assert!(first.status == 201 || first.status == 409, "{first:?}");
    assert_eq!(post(&service, "/api/v1/servers", "key-1", &body).await.status, 201);
    assert_eq!(service.get("/api/v1/servers").await.json()["total"], 1);
    other.close().await;
    service.stop().await;
}

/// Answers are forgotten after a day, by whoever comes next.
#[tokio::test]
async fn answers_are_kept_for_a_day() {
    let service = Service::start().await;
    let first = post(&service, "/api/v1/servers", "key-1", &server("web-1")).await;
    assert_eq!(service.delete(first.header("location")).await.status, 204);
    let mut other = service.database().await;
    let mut hours = async |hours: i64| {
        let shift =
            format!("UPDATE idempotency_keys SET expires_at = expires_at - {}", hours * 3_600_000_000);
        other.execute(&shift).await;
    };
    hours(23).await;
    let again = post(&service, "/api/v1/servers", "key-1", &server("web-1")).await;
    assert_eq!(again.header("idempotency-replayed"), "true", "{again:?}");
    hours(1).await;
    let later = post(&service, "/api/v1/servers", "key-1", &server("web-1")).await;
    assert_eq!((later.status, later.header("idempotency-replayed")), (201, ""), "{later:?}");
    assert_ne!(later.json()["id"], first.json()["id"]);
    other.close().await;
    service.stop().await;
}
