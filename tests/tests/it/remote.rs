//! Who may do what is known in another process: the inventory asks there.

use serde_json::{Value, json};
use servertree_kernel::remote::wire::CheckPermissionRequest;
use servertree_kernel::remote::wire::authorization_service_client::AuthorizationServiceClient;
use servertree_tests::{Answer, Engine, Service, eventually, only_on, server};
use tempfile::TempDir;
use tonic::transport::Endpoint;

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
        .without_log_in()
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
    if !only_on(Engine::Sqlite) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let settings = [
        ("SERVERTREE_CONTEXTS__ENABLED", r#"["server"]"#),
        ("SERVERTREE_AUTHORIZATION__GRPC_LISTEN", "127.0.0.1:0"),
        ("SERVERTREE_AUTHORIZATION__URL", "http://127.0.0.1:9"),
    ];
    let (status, _, error) = run(folder.path(), &[], &settings);
    assert!(
        status == 2 && error.contains("authorization.grpc_listen") && error.contains("contexts.enabled"),
        "{error}"
    );
}

/// The three strings alone, and the message in full.
fn check(action: &str, object: &str, properties: &[(&str, &str)]) -> CheckPermissionRequest {
    let value = |text: &str| prost_types::Value {
        kind: Some(prost_types::value::Kind::StringValue(text.to_owned())),
    };
    let fields = properties.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect();
    CheckPermissionRequest {
        subject: "ada".to_owned(),
        action: action.to_owned(),
        object: object.to_owned(),
        properties: (!properties.is_empty()).then_some(prost_types::Struct { fields }),
    }
}

/// Accounts in one process, servers in another, each with a database of its own.
#[tokio::test]
async fn accounts_and_servers_in_processes_of_their_own() {
    let authority = Service::builder()
        .set("contexts.enabled", r#"["authorization"]"#)
        .set("authorization.grpc_listen", "127.0.0.1:0")
        .start()
        .await;
    let address = grpc_address(&authority);
    let inventory = Service::builder()
        .set("contexts.enabled", r#"["server"]"#)
        .set("authorization.url", &format!("http://{address}"))
        .without_log_in()
        .start()
        .await;
    let in_staging = json!({"environment": {"in": ["staging"]}});
    let grant = |action: &str| json!({"action": action, "object_type": "server", "condition": in_staging});
    let role = json!({"name": "staging-operator", "grants": [grant("read"), grant("create")]});
    assert_eq!(authority.post("/api/v1/roles", &role).await.status, 201);
    let user = json!({"username": "ada", "password": "correct horse battery", "roles": ["staging-operator"]});
    let user = authority.post("/api/v1/users", &user).await.json();
    let token = authority.log_in("ada", "correct horse battery").await;

    let mut body = server("web-1");
    ask(&inventory, &token, "POST", "/api/v1/servers", Some(&body)).await.problem(403, "not_permitted");
    body["environment"] = json!("staging");
    assert_eq!(ask(&inventory, &token, "POST", "/api/v1/servers", Some(&body)).await.status, 201);
    let page = ask(&inventory, &token, "GET", "/api/v1/servers", None).await.json();
    assert_eq!(page["total"], 1);

    let mut client = {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        AuthorizationServiceClient::new(endpoint.connect().await.unwrap())
    };
    let mut answer = async |request| {
        let response = client.check_permission(request).await.unwrap().into_inner();
        (response.allowed, response.reason)
    };
    let refused = |reason: &str| (false, reason.to_owned());
    assert_eq!(answer(check("read", "server:4711", &[])).await, refused("condition_not_met"));
    assert_eq!(answer(check("discard", "server", &[])).await, refused("no_grant"));
    let staging = check("read", "server:4711", &[("environment", "staging")]);
    assert_eq!(answer(staging).await, (true, "granted".to_owned()));
    let nobody = CheckPermissionRequest { subject: "nobody".to_owned(), ..check("read", "server", &[]) };
    assert_eq!(answer(nobody).await, refused("unknown_subject"));

    let path = format!("/api/v1/users/{}/inactivate", user["id"].as_str().unwrap());
    assert_eq!(authority.post(&path, &Value::Null).await.status, 200);
    eventually("what is remembered is forgotten", async || {
        (ask(&inventory, &token, "GET", "/api/v1/servers", None).await.status == 401).then_some(())
    })
    .await;
    authority.stop().await;
    let unknown = ask(&inventory, "st_nobody", "GET", "/api/v1/servers", None).await;
    unknown.problem(503, "unavailable");
    inventory.stop().await;
}
