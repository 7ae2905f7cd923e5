//! Users, roles and decisions from outside, as administrators see them.

use serde_json::{Value, json};
use servertree_tests::{Answer, Service, server};

const PASSWORD: &str = "correct horse battery";

async fn create(service: &Service, username: &str, roles: &[&str]) -> Value {
    let user = json!({"username": username, "password": PASSWORD, "roles": roles});
    let created = service.post("/api/v1/users", &user).await;
    assert_eq!(created.status, 201, "{created:?}");
    created.json()
}

fn of(user: &Value, what: &str) -> String {
    format!("/api/v1/users/{}/{what}", user["id"].as_str().unwrap())
}

async fn create_role(service: &Service, name: &str, grants: Value) -> Answer {
    service.post("/api/v1/roles", &json!({"name": name, "grants": grants})).await
}

#[tokio::test]
async fn users_are_listed_by_the_contract_of_lists() {
    let service = Service::start().await;
    for (name, roles) in [("ada", vec!["viewer"]), ("bob", vec!["operator", "viewer"]), ("carol", vec![])] {
        create(&service, name, &roles).await;
    }
    let names = async |parameters: &str| {
        let page = service.get(&format!("/api/v1/users?{parameters}")).await.json();
        let names = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["username"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), page["total"].as_u64())
    };
    assert_eq!(names("").await, (["ada", "admin", "bob", "carol"].map(String::from).to_vec(), Some(4)));
    let filter = r#"filter={"roles.name":{"eq":"viewer"}}&sort=[{"username":"desc"}]"#;
    assert_eq!(names(filter).await, (["bob", "ada"].map(String::from).to_vec(), Some(2)));
    assert_eq!(names("q=ar&count=none").await, (vec!["carol".to_owned()], None));
    assert_eq!(names("limit=1&offset=2").await, (vec!["bob".to_owned()], Some(4)));
    let shown = service.get("/api/v1/users?fields=username,roles&limit=1").await.json();
    assert_eq!(shown["items"][0], json!({"username": "ada", "roles": ["viewer"]}));
    service.get("/api/v1/users?filter={\"password\":{\"em\":false}}").await.problem(400, "invalid_parameter");
    service.stop().await;
}

#[tokio::test]
async fn a_user_from_hiring_to_leaving() {
    let service = Service::start().await;
    let ada = create(&service, "ada", &[]).await;
    assert_eq!(
        (&ada["roles"], &ada["active"], &ada["revision"]),
        (&json!(["user"]), &json!(true), &json!(1))
    );
    assert!(!ada.to_string().contains("password"));
    let token = service.log_in("ada", PASSWORD).await;
    let set = service.put(&of(&ada, "roles"), &json!({"roles": ["operator", "viewer"]})).await;
    assert_eq!((set.status, &set.json()["roles"]), (200, &json!(["viewer", "operator"])));
    let register = || service.request_as(&token, "POST", "/api/v1/servers").json(&server("web-1"));
    assert_eq!(service.send(register()).await.status, 201);
    let stale = service.request("PUT", &of(&ada, "roles")).header("If-Match", "\"1-0\"");
    service.send(stale.json(&json!({"roles": []}))).await.problem(412, "stale_revision");
    let unknown = service.put(&of(&ada, "roles"), &json!({"roles": ["viewer", "pilot"]})).await;
    assert!(
        unknown.problem(422, "invalid_fields")["errors"][0]["message"].as_str().unwrap().contains("pilot")
    );

    let set = service.put(&of(&ada, "password"), &json!({"new_password": "battery horse correct"})).await;
    assert_eq!(set.status, 204);
    service.send(register()).await.problem(401, "not_authenticated");
    let inactive = service.post(&of(&ada, "inactivate"), &Value::Null).await;
    assert_eq!((inactive.status, &inactive.json()["active"]), (200, &json!(false)));
    let again = service.post(&of(&ada, "inactivate"), &Value::Null).await;
    assert_eq!(again.json()["revision"], inactive.json()["revision"], "to inactivate again changes nothing");
    let body = json!({"username": "ada", "password": "battery horse correct"});
    let login = || service.anonymous("POST", "/api/v1/account/login").json(&body);
    service.send(login()).await.problem(401, "wrong_credentials");
    service.post(&of(&ada, "reactivate"), &Value::Null).await;
    assert_eq!(service.send(login()).await.status, 200);

    let again = json!({"username": "ada", "password": PASSWORD});
    service.post("/api/v1/users", &again).await.problem(409, "username_taken");
    let too_many: Vec<String> = (0..40_000).map(|number| format!("r-{number}")).collect();
    let refused = service.put(&of(&ada, "roles"), &json!({"roles": too_many})).await;
    assert_eq!(refused.problem(422, "invalid_fields")["errors"][0]["code"], "too_many");
    service.stop().await;
}

/// The decisions of design and the lists that follow from them, for a role with a condition.
#[tokio::test]
async fn an_own_role_with_a_condition() {
    let service = Service::start().await;
    for (name, environment) in [("web-1", "staging"), ("web-2", "production")] {
        let mut draft = server(name);
        draft["environment"] = json!(environment);
        draft["credentials"] = json!([{"connection_type": "ssh", "username": "root"}]);
        assert_eq!(service.post("/api/v1/servers", &draft).await.status, 201);
    }
    let staging = json!({"environment": {"in": ["staging", "test"]}});
    let grants = json!([
        {"action": "read", "object_type": "server", "condition": staging},
        {"action": "update", "object_type": "server", "condition": staging},
        {"action": "read", "object_type": "rack"},
    ]);
    let unknown = create_role(&service, "staging-operator", grants.clone()).await;
    assert_eq!(unknown.fields_at_fault(), ["grants.2.object_type"], "{unknown:?}");
    let grants: Vec<Value> = grants.as_array().unwrap()[..2].to_vec();
    let role = create_role(&service, "staging-operator", json!(grants)).await;
    assert_eq!((role.status, &role.json()["grants"]), (201, &json!(grants)));
    create(&service, "ada", &["staging-operator"]).await;
    let token = service.log_in("ada", PASSWORD).await;
    let ada = async |method: &str, path: &str, body: Value| {
        service.send(service.request_as(&token, method, path).json(&body)).await
    };

    let page = ada("GET", "/api/v1/servers", Value::Null).await.json();
    assert_eq!((&page["total"], &page["items"][0]["name"]), (&json!(1), &json!("web-1")));
    assert!(page["items"][0].get("credentials").is_none(), "{page}");
    ada("GET", "/api/v1/servers?filter={\"credentials.username\":{\"eq\":\"root\"}}", Value::Null)
        .await
        .problem(400, "invalid_parameter");
    let mine = format!("/api/v1/servers/{}", page["items"][0]["id"].as_str().unwrap());
    let all = service.get("/api/v1/servers").await.json();
    let theirs = format!("/api/v1/servers/{}", all["items"][1]["id"].as_str().unwrap());
    assert_eq!(ada("PATCH", &mine, json!({"cpu_cores": 16})).await.status, 200);
    ada("PATCH", &theirs, json!({"cpu_cores": 16})).await.problem(404, "not_found");
    ada("PATCH", &mine, json!({"environment": "production"})).await.problem(403, "not_permitted");
    ada("DELETE", &mine, Value::Null).await.problem(403, "not_permitted");
    ada("PATCH", &mine, json!({"name": "web-2"})).await.problem(409, "server_name_taken");

    let ask = async |action: &str, properties: Value| {
        let object = json!({"type": "server", "properties": properties});
        let question = json!({"subject": "ada", "action": action, "object": object});
        let answer = service.post("/api/v1/permissions/check", &question).await.json();
        (answer["allowed"].as_bool().unwrap(), answer["reason"].as_str().unwrap().to_owned(), answer)
    };
    let (allowed, reason, answer) = ask("update", json!({"environment": "test"})).await;
    assert!(allowed && reason == "granted", "{answer}");
    assert_eq!((&answer["role"], &answer["grant"]), (&json!("staging-operator"), &grants[1]));
    assert_eq!(ask("update", json!({"environment": "production"})).await.1, "condition_not_met");
    assert_eq!(ask("update", json!({})).await.1, "condition_not_met", "a missing property denies");
    assert_eq!(ask("discard", json!({"environment": "test"})).await.1, "no_grant");

    let question = |subject: &str, object_type: &str| json!({"subject": subject, "action": "read", "object": {"type": object_type, "properties": {"environment": "test"}}});
    let checks =
        json!({"checks": [question("ada", "server"), question("ada", "rack"), question("nobody", "server")]});
    let results = service.post("/api/v1/permissions/check_batch", &checks).await.json()["results"].clone();
    assert_eq!((&results[0]["allowed"], &results[2]["reason"]), (&json!(true), &json!("unknown_subject")));
    assert_eq!(results[1]["errors"][0]["field"], "object.type", "{results}");
    let many = json!({"checks": vec![question("ada", "server"); 1_001]});
    assert_eq!(service.post("/api/v1/permissions/check_batch", &many).await.fields_at_fault(), ["checks"]);
    let explained = service.post("/api/v1/permissions/explain", &question("ada", "server")).await.json();
    assert_eq!(explained["considered"][0]["covers"], true, "{explained}");

    let path = format!("/api/v1/roles/{}", role.json()["id"].as_str().unwrap());
    service.delete(&path).await.problem(409, "role_in_use");
    let none = json!({"name": "staging-operator", "grants": []});
    assert_eq!(service.put(&path, &none).await.status, 200);
    ada("GET", "/api/v1/servers", Value::Null).await.problem(403, "not_permitted");
    service.stop().await;
}

#[tokio::test]
async fn roles_that_cannot_be_are_refused_by_name() {
    let service = Service::start().await;
    let grant = |action: &str, object_type: &str, condition: Value| json!([{"action": action, "object_type": object_type, "condition": condition}]);
    for (grants, field) in [
        (grant("fly", "server", Value::Null), "grants.0.action"),
        (grant("read", "rack", Value::Null), "grants.0.object_type"),
        (grant("read", "user", Value::Null), "grants.0.object_type"),
        (grant("update", "role", Value::Null), "grants.0.object_type"),
        (grant("read", "account", Value::Null), "grants.0.object_type"),
        (grant("read", "server", json!({"colour": {"eq": "red"}})), "grants.0.condition"),
        (grant("read", "server", json!({"name": {"like": "red"}})), "grants.0.condition"),
        (grant("read", "server", json!({})), "grants.0.condition"),
        (grant("read", "server", json!("staging")), "grants.0.condition"),
        (json!([{"action": "read"}]), "grants.0.object_type"),
        (json!([{"action": "read", "object_type": "server", "effect": "deny"}]), "grants.0.effect"),
        (Value::Array(vec![grant("read", "server", Value::Null)[0].clone(); 501]), "grants"),
        (grant("read", "server", json!({"name": {"lk": "x".repeat(20_000)}})), "grants.0.condition"),
    ] {
        let refused = create_role(&service, "some-role", grants.clone()).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.fields_at_fault(), [field], "{grants}");
    }
    create_role(&service, "admin", json!([])).await.problem(409, "role_name_taken");
    let roles = service.get("/api/v1/roles?filter={\"built_in\":{\"eq\":true}}").await.json();
    assert_eq!(roles["total"], 5);
    let admin = roles["items"].as_array().unwrap().iter().find(|role| role["name"] == "admin").unwrap();
    let path = format!("/api/v1/roles/{}", admin["id"].as_str().unwrap());
    service.put(&path, &json!({"name": "admin", "grants": []})).await.problem(409, "built_in_role");
    service.delete(&path).await.problem(409, "built_in_role");
    service.stop().await;
}
