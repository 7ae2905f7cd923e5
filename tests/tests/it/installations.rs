//! Applications on servers through the API, as an operator uses it.

use serde_json::{Value, json};
use servertree_tests::{Service, application, eventually, server};

/// Registers an application; answers its id.
async fn registered(service: &Service, name: &str) -> String {
    let answer = service.post("/api/v1/applications", &application(name, "1.27")).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// An installation, as it is sent.
fn installation(id: &str, directory: &str) -> Value {
    json!({"application_id": id, "install_dir": format!("/opt/{directory}"), "log_dir": format!("/var/log/{directory}")})
}

/// Where an application is, as it is sent.
fn directories(directory: &str) -> Value {
    json!({"install_dir": format!("/opt/{directory}"), "log_dir": format!("/var/log/{directory}")})
}

/// Waits until each server on which the application is shows that it was discarded, or was not.
async fn is_discarded(service: &Service, id: &str, discarded: bool) {
    let filter = json!({"applications.application_id": {"eq": id}, "applications.application_discarded": {"eq": discarded}});
    let filter = [("filter", filter.to_string())];
    eventually("what was discarded is known", async || {
        let list = service.request("GET", &format!("/api/v1/applications/{id}/servers")).query(&filter);
        (service.send(list).await.json()["total"] != 0).then_some(())
    })
    .await;
}

/// It is installed right after it is registered: nobody has to know that an event is on its way.
#[tokio::test]
async fn an_application_on_a_server_through_its_life() {
    let service = Service::probed().start().await;
    let web = service.post("/api/v1/servers", &server("web-1")).await.header("location").to_owned();
    let id = registered(&service, "nginx").await;
    let path = format!("{web}/applications/{id}");

    let installed = service.put(&path, &directories("nginx")).await;
    assert_eq!(installed.status, 200, "{installed:?}");
    let shown = json!([{"application_id": id, "name": "nginx", "version": "1.27", "application_discarded": false,
        "install_dir": "/opt/nginx", "log_dir": "/var/log/nginx"}]);
    assert_eq!((&installed.json()["applications"], &installed.json()["revision"]), (&shown, &json!(2)));
    let found = service.get(&web).await;
    assert_eq!((found.json(), found.header("etag")), (installed.json(), installed.header("etag")));
    let listed = service.get("/api/v1/servers?fields=name,applications").await.json();
    assert_eq!(listed["items"], json!([{"name": "web-1", "applications": shown}]));

    // What is shown of it can be sent back.
    let again = service.put(&path, &shown[0]).await;
    assert_eq!((again.status, again.header("etag")), (200, installed.header("etag")), "{again:?}");
    let stale = service.request("PUT", &path).header("If-Match", "\"1-0\"").json(&directories("x"));
    service.send(stale).await.problem(412, "stale_revision");
    let moved = service.put(&path, &directories("nginx-2")).await.json();
    assert_eq!(
        (&moved["applications"][0]["log_dir"], &moved["revision"]),
        (&json!("/var/log/nginx-2"), &json!(3))
    );

    assert_eq!(service.delete(&path).await.status, 204);
    service.delete(&path).await.problem(404, "not_found");
    assert_eq!(service.get(&web).await.json()["applications"], json!([]));

    let delivered: Vec<_> =
        service.delivered_of("server.").await.into_iter().map(|event| event.event_type).collect();
    let expected = ["registered", "application.installed", "modified", "application.uninstalled"];
    assert_eq!(delivered, expected.map(|name| format!("server.{name}")));
    let history = service.get(&format!("{web}/history?limit=3&fields=event_type,changes")).await.json();
    let change = |name: &str, old: Value, new: Value| json!({"field": format!("applications.{id}.{name}"), "old": old, "new": new});
    let entry = |what: &str, old: Option<&str>, new: Option<&str>| {
        let path = |folder: &str, name: Option<&str>| {
            name.map_or(Value::Null, |name| json!(format!("{folder}/{name}")))
        };
        json!({"event_type": format!("server.{what}"), "changes": [
            change("install_dir", path("/opt", old), path("/opt", new)),
            change("log_dir", path("/var/log", old), path("/var/log", new)),
        ]})
    };
    assert_eq!(
        history["items"],
        json!([
            entry("application.uninstalled", Some("nginx-2"), None),
            entry("modified", Some("nginx"), Some("nginx-2")),
            entry("application.installed", None, Some("nginx")),
        ])
    );
    service.stop().await;
}

/// PUT and PATCH replace what is there by the same rule; what GET gave can be put back, whatever became of the applications.
#[tokio::test]
async fn a_put_of_what_get_gave_changes_nothing() {
    let service = Service::start().await;
    let (nginx, redis, old) = (
        registered(&service, "nginx").await,
        registered(&service, "Redis").await,
        registered(&service, "old").await,
    );
    let mut body = server("web-1");
    body["applications"] =
        json!([installation(&redis, "redis"), installation(&old, "old"), installation(&nginx, "nginx")]);
    let created = service.post("/api/v1/servers", &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    let web = created.header("location").to_owned();
    let names = |server: &Value| -> Vec<String> {
        let applications = server["applications"].as_array().unwrap().iter();
        applications.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&created.json()), ["nginx", "old", "Redis"], "by name, in any case");

    assert_eq!(service.delete(&format!("/api/v1/applications/{old}")).await.status, 204);
    is_discarded(&service, &old, true).await;
    let found = service.get(&web).await;
    assert_eq!(found.json()["applications"][1]["application_discarded"], true);
    assert_ne!(found.header("etag"), created.header("etag"), "it looks otherwise now");
    let put = service.put(&web, &found.json()).await;
    assert_eq!((put.status, put.json(), put.header("etag")), (200, found.json(), found.header("etag")));
    assert_eq!(put.json()["revision"], 1);
    // Nothing is said of them: they stay.
    assert_eq!(service.put(&web, &server("web-1")).await.json(), found.json());
    let patch = async |body: Value| service.send(service.request("PATCH", &web).json(&body)).await;
    let patched = patch(json!({"cpu_cores": 8})).await;
    assert_eq!(patched.json()["applications"], found.json()["applications"]);

    let kept = json!({"applications": [installation(&redis, "redis-2"), found.json()["applications"][1]]});
    let patched = patch(kept).await.json();
    assert_eq!(
        (names(&patched), &patched["revision"]),
        (vec!["old".to_owned(), "Redis".to_owned()], &json!(3))
    );
    assert_eq!(patched["applications"][1]["install_dir"], "/opt/redis-2");
    let none = patch(json!({"applications": null})).await;
    assert_eq!((none.status, none.json()["applications"].clone()), (200, json!([])), "{none:?}");
    // It was there once, but is gone: it cannot come back until it is restored.
    let refused = service.put(&format!("{web}/applications/{old}"), &directories("old")).await;
    refused.problem(422, "invalid_fields");
    let restore = service.request("POST", &format!("/api/v1/applications/{old}/restore"));
    assert_eq!(service.send(restore).await.status, 200);
    let installed = service.put(&format!("{web}/applications/{old}"), &directories("old")).await;
    assert_eq!(installed.json()["applications"][0]["application_discarded"], false, "{installed:?}");
    service.stop().await;
}

#[tokio::test]
async fn faulty_installations_are_named() {
    let service = Service::start().await;
    let (nginx, old) = (registered(&service, "nginx").await, registered(&service, "old").await);
    let mut db = server("db-1");
    db["applications"] = json!([installation(&old, "old")]);
    assert_eq!(service.post("/api/v1/servers", &db).await.status, 201);
    assert_eq!(service.delete(&format!("/api/v1/applications/{old}")).await.status, 204);
    is_discarded(&service, &old, true).await;
    let web = service.post("/api/v1/servers", &server("web-1")).await.header("location").to_owned();
    let path = format!("{web}/applications/{nginx}");
    for (body, fields) in [
        (json!({}), vec!["install_dir", "log_dir"]),
        (json!({"install_dir": "opt", "log_dir": ""}), vec!["install_dir", "log_dir"]),
        (json!({"install_dir": "/opt\u{0}", "log_dir": null}), vec!["install_dir", "log_dir"]),
        (json!({"install_dir": "/opt", "log_dir": format!("/{}", "l".repeat(4096))}), vec!["log_dir"]),
        (json!({"install_dir": "/opt", "log_dir": "C:\\logs", "colour": "red"}), vec!["colour"]),
    ] {
        let refused = service.put(&path, &body).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.fields_at_fault(), fields, "{refused:?}");
        let mut whole = server("web-1");
        whole["applications"] = json!([body]);
        whole["applications"][0]["application_id"] = json!(nginx);
        let refused = service.put(&web, &whole).await;
        refused.problem(422, "invalid_fields");
        let fields: Vec<String> = fields.iter().map(|field| format!("applications.0.{field}")).collect();
        assert_eq!(refused.fields_at_fault(), fields, "{refused:?}");
    }

    let nobody = "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11";
    let mut whole = server("web-2");
    let ids = [&nginx, nobody, &old, &nginx];
    whole["applications"] = ids.iter().map(|id| installation(id, "x")).collect();
    let refused = service.post("/api/v1/servers", &whole).await.problem(422, "invalid_fields");
    let faults: Vec<(&str, &str)> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        faults,
        [
            ("applications.1.application_id", "unknown_application"),
            ("applications.2.application_id", "discarded_application"),
            ("applications.3.application_id", "repeated"),
        ]
    );
    for (id, code) in [(nobody, "unknown_application"), (&old, "discarded_application")] {
        let refused = service.put(&format!("{web}/applications/{id}"), &directories("x")).await;
        let errors = refused.problem(422, "invalid_fields")["errors"].clone();
        assert_eq!((&errors[0]["field"], &errors[0]["code"]), (&json!("application_id"), &json!(code)));
    }
    for path in [format!("{web}/applications/none"), format!("/api/v1/servers/{nobody}/applications/{nginx}")]
    {
        service.put(&path, &directories("x")).await.problem(404, "not_found");
        service.delete(&path).await.problem(404, "not_found");
    }
    for id in ["none", nobody] {
        service.get(&format!("/api/v1/applications/{id}/servers")).await.problem(404, "not_found");
    }
    assert_eq!(service.get(&web).await.json()["revision"], 1);
    assert_eq!(service.delete(&web).await.status, 204);
    service.put(&path, &directories("x")).await.problem(409, "server_discarded");
    service.stop().await;
}

/// What becomes of an application shows on each server, without a change of the server.
#[tokio::test]
async fn servers_show_what_is_known_of_applications_now() {
    let service = Service::start().await;
    let id = registered(&service, "nginx").await;
    let servers = async || service.get(&format!("/api/v1/applications/{id}/servers")).await.json();
    assert_eq!(servers().await["total"], 0, "it is known right away, and installed nowhere");
    for name in ["web-1", "web-2"] {
        let mut body = server(name);
        body["applications"] = json!([installation(&id, "nginx")]);
        assert_eq!(service.post("/api/v1/servers", &body).await.status, 201);
    }
    assert_eq!(service.post("/api/v1/servers", &server("db-1")).await.status, 201);
    let page = servers().await;
    assert_eq!((&page["total"], &page["items"][1]["name"]), (&json!(2), &json!("web-2")));
    let web = format!("/api/v1/servers/{}", page["items"][0]["id"].as_str().unwrap());
    let first = service.get(&web).await;

    let renamed = json!({"name": "Angie", "version": "1.8"});
    let patch = service.request("PATCH", &format!("/api/v1/applications/{id}"));
    assert_eq!(service.send(patch.json(&renamed)).await.status, 200);
    let by_name = |name: &str| [("q", name.to_owned()), ("count", "exact".to_owned())];
    eventually("the new name is known", async || {
        let found = service.send(service.request("GET", "/api/v1/servers").query(&by_name("ANGIE"))).await;
        (found.json()["total"] == 2).then_some(())
    })
    .await;
    let found = service.send(service.request("GET", "/api/v1/servers").query(&by_name("nginx"))).await;
    assert_eq!(found.json()["total"], 0);
    let since =
        service.send(service.request("GET", &web).header("If-None-Match", first.header("etag"))).await;
    let shown = &since.json()["applications"][0];
    assert_eq!((since.status, &shown["name"], &shown["version"]), (200, &json!("Angie"), &json!("1.8")));
    assert_eq!(since.json()["revision"], first.json()["revision"]);
    // The revision is what a change is based on.
    let put = service.request("PUT", &web).header("If-Match", first.header("etag")).json(&first.json());
    let put = service.send(put).await;
    assert_eq!((put.status, put.header("etag")), (200, since.header("etag")), "{put:?}");
    service.stop().await;
}
