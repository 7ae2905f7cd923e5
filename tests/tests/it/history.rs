//! Histories through the API: who changed what, when, from which value to which.

use serde_json::{Value, json};
use servertree_tests::{Service, application, server};

const PASSWORD: &str = "correct horse battery";

/// Somebody new with this role; answers their token.
async fn hired(service: &Service, username: &str, role: &str) -> String {
    let user = json!({"username": username, "password": PASSWORD, "roles": [role]});
    assert_eq!(service.post("/api/v1/users", &user).await.status, 201);
    service.log_in(username, PASSWORD).await
}

fn types(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|entry| entry["event_type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn it_says_who_did_what_in_which_request() {
    let service = Service::start().await;
    let operator = hired(&service, "grace", "operator").await;
    let created = service.post("/api/v1/servers", &server("web-1")).await;
    let path = created.header("location").to_owned();
    let patch = service.request_as(&operator, "PATCH", &path).header("X-Request-Id", "deploy-42");
    let patched =
        service.send(patch.json(&json!({"cpu_cores": 8, "operating_system": {"version": "13"}}))).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    // Nothing changed: nothing to tell.
    assert_eq!(service.put(&path, &patched.json()).await.status, 200);
    assert_eq!(service.delete(&path).await.status, 204);

    let history = service.get(&format!("{path}/history")).await;
    assert_eq!(history.status, 200, "{history:?}");
    let page = history.json();
    assert_eq!(types(&page), ["server.discarded", "server.modified", "server.registered"]);
    assert_eq!((&page["total"], &page["next_cursor"]), (&json!(3), &Value::Null));
    let expected = json!({
        "at": patched.json()["modified_at"], "actor": "grace", "request_id": "deploy-42",
        "event_type": "server.modified", "revision": 2,
        "changes": [
            {"field": "cpu_cores", "old": 4, "new": 8},
            {"field": "operating_system.version", "old": "12", "new": "13"},
        ],
    });
    assert_eq!(page["items"][1], expected);
    assert_eq!(page["items"][0]["changes"], json!([{"field": "discarded", "old": false, "new": true}]));
    let registered = &page["items"][2];
    assert_eq!((&registered["actor"], &registered["at"]), (&json!("admin"), &created.json()["created_at"]));
    let name = json!({"field": "name", "old": null, "new": "web-1"});
    assert!(registered["changes"].as_array().unwrap().contains(&name), "{registered}");
    service.stop().await;
}

#[tokio::test]
async fn it_is_a_list() {
    let service = Service::start().await;
    let nginx = service.post("/api/v1/applications", &application("nginx", "0")).await;
    let path = nginx.header("location").to_owned();
    for version in 1..10 {
        assert_eq!(service.put(&path, &application("nginx", &version.to_string())).await.status, 200);
    }
    let path = format!("{path}/history");
    let ask =
        async |query: &[(&str, &str)]| service.send(service.request("GET", &path).query(query)).await.json();
    let revisions = |page: &Value| -> Vec<u64> {
        page["items"].as_array().unwrap().iter().map(|entry| entry["revision"].as_u64().unwrap()).collect()
    };
    let mut page = ask(&[("limit", "4"), ("fields", "revision")]).await;
    assert_eq!(page["items"][0], json!({"revision": 10}), "only that was asked for");
    assert_eq!((&page["total"], &page["next_offset"]), (&json!(10), &json!(4)));
    let mut seen = revisions(&page);
    while let Some(next) = page["next_cursor"].as_str() {
        page = ask(&[("limit", "4"), ("cursor", next), ("count", "none")]).await;
        assert_eq!(page["total"], Value::Null);
        seen.extend(revisions(&page));
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<u64>>());
    let oldest = ask(&[("sort", r#"[{"at":"asc"}]"#), ("limit", "2"), ("offset", "1")]).await;
    assert_eq!(revisions(&oldest), [2, 3]);
    let first =
        ask(&[("filter", r#"{"event_type":{"eq":"application.registered"},"actor":{"eq":"admin"}}"#)]).await;
    assert_eq!((revisions(&first), &first["total"]), (vec![1], &json!(1)));
    let later = ask(&[("filter", r#"{"at":{"gt":"2100-01-01T00:00:00Z"}}"#)]).await;
    assert_eq!((&later["items"], &later["total"]), (&json!([]), &json!(0)));
    for (query, parameter) in [
        ("q=nginx", "q"),
        ("sort=[{%22actor%22:%22asc%22}]", "sort"),
        ("filter={%22changes%22:{%22em%22:true}}", "filter"),
        ("fields=sequence", "fields"),
        ("limit=501", "limit"),
    ] {
        let answer = service.get(&format!("{path}?{query}")).await;
        answer.problem(400, "invalid_parameter");
        assert_eq!(answer.fields_at_fault(), [parameter], "{answer:?}");
    }
    service.stop().await;
}

#[tokio::test]
async fn of_credentials_it_tells_only_those_who_may_see_them() {
    let service = Service::start().await;
    let (viewer, operator) =
        (hired(&service, "vic", "viewer").await, hired(&service, "olga", "operator").await);
    let mut draft = server("web-1");
    draft["credentials"] = json!([{"connection_type": "ssh", "username": "root", "password": "hunter2"}]);
    let path = service.post("/api/v1/servers", &draft).await.header("location").to_owned();
    let credential = service.get(&path).await.json()["credentials"][0]["id"].as_str().unwrap().to_owned();
    let reveal = format!("{path}/credentials/{credential}/reveal");
    assert_eq!(service.post(&reveal, &json!({"reason": "ticket 4711"})).await.status, 200);

    let path = format!("{path}/history");
    let ask = async |token: &str, query: &str| {
        let answer = service.send(service.request_as(token, "GET", &format!("{path}{query}"))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.body.contains("hunter2"), "{answer:?}");
        answer.json()
    };
    let seen = ask(&operator, "").await;
    let expected = ["server.credential.revealed", "server.credential.added", "server.registered"];
    assert_eq!((types(&seen), &seen["total"]), (expected.into(), &json!(3)));
    let reason =
        json!({"field": format!("credentials.{credential}.reason"), "old": null, "new": "ticket 4711"});
    assert!(seen["items"][0]["changes"].as_array().unwrap().contains(&reason), "{seen}");
    for query in ["", "?filter={%22event_type%22:{%22sw%22:%22server%22}}", "?sort=[{%22at%22:%22asc%22}]"] {
        let seen = ask(&viewer, query).await;
        assert_eq!((types(&seen), &seen["total"]), (vec!["server.registered"], &json!(1)), "{query}");
        assert!(!seen.to_string().contains("credential"), "{seen}");
    }
    service.stop().await;
}
