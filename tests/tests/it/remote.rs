//! Who may do what is known in another process: the inventory asks there.

use serde_json::{Value, json};
use servertree_tests::{Answer, Service, server};
use tempfile::TempDir;

use crate::starting::run;

async fn ask(service: &Service, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let request = service.request(method, path).bearer_auth(token);
    service
        .send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
}

/// Where it listens for those who ask over gRPC, as its log tells.
fn grpc_address(authority: &Service) -> String {
    let log = authority.log();
    let address = log.lines().rev().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["service"] == "gRPC").then(|| line["address"].as_str().unwrap().to_owned())
    });
    address.unwrap_or_else(|| panic!("no gRPC in the log:\n{log}"))
}

async fn readiness(service: &Service) -> Value {
    service.get("/health/ready").await.json()["dependencies"]["authorization"].clone()
}

#[tokio::test]
async fn the_inventory_asks_another_process() {
    let secret = "0123456789abcdef";
    let authority = Service::guarded()
        .set("contexts.enabled", r#"["guard"]"#)
        .set("authorization.grpc_listen", "127.0.0.1:0")
        .set("authorization.peer_secret", secret);
    let authority = authority.start().await;
    let address = grpc_address(&authority);
    let inventory = Service::builder()
        .set("contexts.enabled", r#"["server"]"#)
        .set("authorization.url", &format!("http://{address}"))
        .set("authorization.peer_secret", secret);
    let inventory = inventory.start().await;
    assert_eq!(readiness(&inventory).await, "ready");

    inventory.get("/api/v1/servers").await.problem(401, "not_authenticated");
    ask(&inventory, "stranger", "GET", "/api/v1/servers", None).await.problem(401, "not_authenticated");
    for (name, environment) in [("web-1", "production"), ("web-2", "staging")] {
        let mut body = server(name);
        body["environment"] = json!(environment);
        let created = ask(&inventory, "operator", "POST", "/api/v1/servers", Some(&body)).await;
        assert_eq!(created.status, 201, "{created:?}");
        for who_reads in ["viewer", "operator-reading"] {
            let refused = ask(&inventory, who_reads, "POST", "/api/v1/servers", Some(&body)).await;
            refused.problem(403, "not_permitted");
        }
    }
    for (token, expected) in [("viewer", json!(["web-1", "web-2"])), ("staging-operator", json!(["web-2"]))] {
        let page = ask(&inventory, token, "GET", "/api/v1/servers", None).await.json();
        let names: Value =
            page["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
        assert_eq!(names, expected, "{token}");
    }

    // Nobody is let in while nobody can be asked, and nothing has to be done once somebody can again.
    let authority = authority.stop().await.set("authorization.grpc_listen", &address);
    let unknown = ask(&inventory, "nobody", "GET", "/api/v1/servers", None).await;
    unknown.problem(503, "unavailable");
    assert_eq!(readiness(&inventory).await, "degraded");
    let authority = authority.start().await;
    ask(&inventory, "nobody", "GET", "/api/v1/servers", None).await.problem(403, "not_permitted");
    assert_eq!(readiness(&inventory).await, "ready");
    inventory.stop().await;
    authority.stop().await;
}

#[test]
fn who_knows_nothing_does_not_offer_to_be_asked() {
    let folder = TempDir::new().unwrap();
    let settings = [
        ("SERVERTREE_CONTEXTS__ENABLED", r#"["server"]"#),
        ("SERVERTREE_AUTHORIZATION__GRPC_LISTEN", "127.0.0.1:0"),
    ];
    let (status, _, error) = run(folder.path(), &[], &settings);
    assert!(
        status == 2 && error.contains("authorization.grpc_listen") && error.contains("contexts.enabled"),
        "{error}"
    );
}
