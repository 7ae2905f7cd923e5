//! The metrics at `/metrics`: who sees them, that they are right, and that any Prometheus can read them.

use serde_json::json;
use servertree_tests::{Exposition, Service, server};

async fn metrics(service: &Service) -> Exposition {
    let answer = service.get("/metrics").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    Exposition::parse(&answer.body)
}

fn requests(metrics: &Exposition, method: &str, route: &str, status: &str) -> f64 {
    let labels = [("method", method), ("route", route), ("status", status)];
    let total = metrics.value("servertree_http_requests_total", &labels);
    assert_eq!(metrics.value("servertree_http_request_duration_seconds_count", &labels), total);
    total
}

fn use_cases(metrics: &Exposition, kind: &str, name: &str, outcome: &str) -> f64 {
    let (context, _) = name.split_once('.').unwrap();
    let labels = [("context", context), (kind, name), ("outcome", outcome)];
    let plural = if kind == "query" { "queries" } else { "commands" };
    let total = metrics.value(&format!("servertree_{plural}_total"), &labels);
    assert_eq!(metrics.value(&format!("servertree_{kind}_duration_seconds_count"), &labels), total);
    total
}

#[tokio::test]
async fn what_was_asked_is_counted() {
    let service = Service::start().await;
    let created = service.post("/api/v1/servers", &server("web-1")).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        assert_eq!(service.get(&format!("/api/v1/servers/{id}")).await.status, 200);
    }
    for unknown in ["00000000-0000-7000-8000-000000000000", "nonsense"] {
        assert_eq!(service.get(&format!("/api/v1/servers/{unknown}")).await.status, 404);
    }
    assert_eq!(service.post("/api/v1/servers", &json!({"name": 1})).await.status, 422);
    assert_eq!(service.post("/api/v1/servers", &server("web-1")).await.status, 409);
    assert_eq!(service.get("/nowhere/at/all").await.status, 404);
    let strange = service.request("BREW", "/api/v1/servers");
    assert_eq!(service.send(strange).await.status, 405);
    assert_eq!(service.send(service.anonymous("GET", "/api/v1/servers")).await.status, 401);

    let metrics = metrics(&service).await;
    for (method, route, status, expected) in [
        ("GET", "/api/v1/servers/{id}", "2xx", 3.0),
        ("GET", "/api/v1/servers/{id}", "4xx", 2.0),
        ("POST", "/api/v1/servers", "2xx", 1.0),
        ("POST", "/api/v1/servers", "4xx", 2.0),
        ("GET", "/api/v1/servers", "4xx", 1.0),
        ("GET", "none", "4xx", 1.0),
        ("other", "/api/v1/servers", "4xx", 1.0),
        ("POST", "/api/v1/account/login", "2xx", 1.0),
        ("GET", "/metrics", "2xx", 0.0),
    ] {
        assert_eq!(requests(&metrics, method, route, status), expected, "{method} {route} {status}");
    }
    for (kind, name, outcome, expected) in [
        ("command", "server.register_server", "ok", 1.0),
        ("command", "server.register_server", "refused", 1.0),
        ("command", "server.register_server", "failed", 0.0),
        ("query", "server.find_server", "ok", 3.0),
        // An id that is none does not come that far.
        ("query", "server.find_server", "refused", 1.0),
    ] {
        assert_eq!(use_cases(&metrics, kind, name, outcome), expected, "{name} {outcome}");
    }
    let retries = [("context", "server"), ("command", "server.register_server")];
    assert!(metrics.series("servertree_command_retries_total").iter().any(|(labels, value)| {
        *value == 0.0 && retries.iter().all(|(name, expected)| labels[*name] == *expected)
    }));
    assert_eq!(requests(&self::metrics(&service).await, "GET", "/metrics", "2xx"), 1.0);
    service.stop().await;
}

#[tokio::test]
async fn the_process_and_its_database_are_there() {
    let service = Service::builder().set("database.read_connections", "3").start().await;
    let metrics = metrics(&service).await;
    assert_eq!(metrics.value("servertree_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    let memory = metrics.value("process_resident_memory_bytes", &[]);
    assert!((1e6..1e9).contains(&memory), "{memory}");
    let started = metrics.value("process_start_time_seconds", &[]);
    let now = std::fs::metadata(service.folder().join("log")).unwrap().modified().unwrap();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - 600.0..=now + 1.0).contains(&started), "{started}, and now it is {now}");
    assert_eq!(metrics.value("servertree_database_connection_limit", &[("pool", "read")]), 3.0);
    assert_eq!(metrics.value("servertree_database_connection_waiters", &[("pool", "write")]), 0.0);
    for pool in ["read", "write"] {
        let of =
            |state| metrics.value("servertree_database_connections", &[("pool", pool), ("state", state)]);
        assert!(of("idle") + of("in_use") >= 1.0, "{pool}");
    }
    assert!(metrics.value("servertree_database_statements_total", &[]) > 10.0);
    for (name, kind) in &metrics.kinds {
        assert!(name.starts_with("servertree_") || name.starts_with("process_"), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
        assert!(!name.ends_with("_duration_seconds") || kind == "histogram", "{name} is a {kind}");
        assert!(name.ends_with("_seconds") || kind != "histogram", "{name} is a {kind}");
    }
    service.stop().await;
}

/// Labels have few values: nothing that is somebody's, and nothing that grows with the inventory.
#[tokio::test]
async fn nothing_in_them_is_anybodys() {
    let service = Service::start().await;
    let created = service.post("/api/v1/servers", &server("secret-name")).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    service.get(&format!("/api/v1/servers/{id}")).await;
    service.get(&format!("/api/v1/servers/{id}/nothing")).await;
    service.get("/made-up-by-somebody").await;
    let text = service.get("/metrics").await.body;
    for private in [id.as_str(), "secret-name", "made-up", "\"admin\"", "127.0.0.1"] {
        assert!(!text.contains(private), "{private} is in {text}");
    }
    service.stop().await;
}

/// Admins see them, and whoever has a role of one's own for that, such as a collector with a token that only reads.
#[tokio::test]
async fn they_are_for_those_who_may() {
    let service = Service::start().await;
    service.send(service.anonymous("GET", "/metrics")).await.problem(401, "not_authenticated");
    let grant = json!({"action": "read", "object_type": "metrics"});
    let role = json!({"name": "collector", "grants": [grant]});
    assert_eq!(service.post("/api/v1/roles", &role).await.status, 201);
    let password = "correct horse battery";
    for (role, status) in [("viewer", 403), ("operator", 403), ("admin", 200), ("collector", 200)] {
        let name = format!("a-{role}");
        let user = json!({"username": name, "password": password, "roles": [role]});
        assert_eq!(service.post("/api/v1/users", &user).await.status, 201);
        let session = service.log_in(&name, password).await;
        let token = json!({"name": "collector", "read_only": true});
        let made =
            service.send(service.request_as(&session, "POST", "/api/v1/account/tokens").json(&token)).await;
        let token = made.json()["token"].as_str().unwrap().to_owned();
        for token in [session, token] {
            let answer = service.send(service.request_as(&token, "GET", "/metrics")).await;
            assert_eq!(answer.status, status, "{role}: {answer:?}");
            if status == 403 {
                answer.problem(403, "not_permitted");
            }
        }
    }
    service.stop().await;
}
