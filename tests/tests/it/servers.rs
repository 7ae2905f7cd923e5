//! Servers through the API, as an operator uses it.

use futures_util::future::join_all;
use serde_json::json;
use servertree_tests::{Service, server};

#[tokio::test]
async fn a_server_through_its_life() {
    let service = Service::probed().start().await;

    let created = service.post("/api/v1/servers", &server("Web-1.example.org")).await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = created.header("location").to_owned();
    let web = created.json();
    assert_eq!(path, format!("/api/v1/servers/{}", web["id"].as_str().unwrap()));
    assert_eq!(
        (&web["status"], &web["revision"], &web["discarded"]),
        (&json!("stopped"), &json!(1), &json!(false))
    );

    let found = service.get(&path).await;
    assert_eq!((found.status, found.json()), (200, web.clone()));
    assert_eq!(found.header("etag"), created.header("etag"));
    assert!(found.header("etag").starts_with("\"1-"), "{found:?}");

    let mut changed = web.clone();
    changed["cpu_cores"] = json!(8);
    changed["operating_system"]["version"] = json!("13");
    let modify = service.request("PUT", &path).header("If-Match", found.header("etag")).json(&changed);
    let modified = service.send(modify).await;
    assert_eq!((modified.status, modified.json()["cpu_cores"].clone()), (200, json!(8)), "{modified:?}");
    assert_eq!(modified.json()["revision"], 2);
    assert_eq!(service.get(&path).await.json(), modified.json());

    assert_eq!(service.delete(&path).await.status, 204);
    assert_eq!(service.delete(&path).await.status, 204);
    assert_eq!(service.get(&path).await.json()["discarded"], true);
    assert_eq!(service.get("/api/v1/servers").await.json()["total"], 0);

    let restored = service.send(service.request("POST", &format!("{path}/restore"))).await;
    assert_eq!((restored.status, restored.json()["discarded"].clone()), (200, json!(false)), "{restored:?}");
    assert!(restored.header("etag").starts_with("\"4-"));

    let delivered: Vec<_> =
        service.delivered_of("server.").await.into_iter().map(|event| event.event_type).collect();
    let expected = ["server.registered", "server.modified", "server.discarded", "server.restored"];
    assert_eq!(delivered, expected);
    service.stop().await;
}

#[tokio::test]
async fn what_get_gives_can_be_put_back_and_changes_nothing() {
    let service = Service::start().await;
    let created = service.post("/api/v1/servers", &server("web-1")).await;
    let path = created.header("location").to_owned();
    let put = service.put(&path, &created.json()).await;
    assert_eq!((put.status, put.json()), (200, created.json()));
    assert_eq!(put.header("etag"), created.header("etag"));
    service.stop().await;
}

#[tokio::test]
async fn conditions_on_revisions_hold() {
    let service = Service::start().await;
    let created = service.post("/api/v1/servers", &server("web-1")).await;
    let (path, first) = (created.header("location").to_owned(), created.header("etag").to_owned());
    let conditional = |method: &str, tag: &str| {
        service.request(method, &path).header("If-Match", tag).json(&server("web-2"))
    };

    let unchanged = service.send(service.request("GET", &path).header("If-None-Match", &first)).await;
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    assert_eq!(unchanged.header("etag"), first);

    assert_eq!(service.send(conditional("PUT", &first)).await.status, 200);
    for tag in [first.as_str(), "\"other\"", "W/\"2-0\""] {
        service.send(conditional("PUT", tag)).await.problem(412, "stale_revision");
        service.send(conditional("DELETE", tag)).await.problem(412, "stale_revision");
    }
    service.send(conditional("PUT", "2")).await.problem(400, "invalid_parameter");
    let changed = service.send(service.request("GET", &path).header("If-None-Match", &first)).await;
    assert_eq!((changed.status, changed.json()["name"].clone()), (200, json!("web-2")));
    assert_eq!(service.send(conditional("DELETE", "*")).await.status, 204);
    service.stop().await;
}

#[tokio::test]
async fn names_are_unique_among_those_not_discarded() {
    let service = Service::start().await;
    let first = service.post("/api/v1/servers", &server("web-1")).await.header("location").to_owned();
    let taken = service.post("/api/v1/servers", &server("WEB-1")).await;
    assert!(taken.problem(409, "server_name_taken")["detail"].as_str().unwrap().contains("WEB-1"));

    let second = service.post("/api/v1/servers", &server("web-2")).await.header("location").to_owned();
    service.put(&second, &server("Web-1")).await.problem(409, "server_name_taken");

    assert_eq!(service.delete(&first).await.status, 204);
    service.put(&first, &server("web-3")).await.problem(409, "server_discarded");
    assert_eq!(service.put(&second, &server("web-1")).await.status, 200);
    let restore = service.request("POST", &format!("{first}/restore"));
    service.send(restore).await.problem(409, "server_name_taken");
    service.stop().await;
}

/// Fifty at once want the same name: one gets it, and one event tells of it.
#[tokio::test]
async fn a_race_for_a_name_has_one_winner() {
    let service = Service::probed().start().await;
    for round in 0..3 {
        let body = server(&format!("wanted-{round}"));
        let answers = join_all((0..50).map(|_| service.post("/api/v1/servers", &body))).await;
        let won = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(won, 1);
        for lost in answers.iter().filter(|answer| answer.status != 201) {
            lost.problem(409, "server_name_taken");
        }
    }
    assert_eq!(service.delivered_of("server.").await.len(), 3);
    service.stop().await;
}

#[tokio::test]
async fn a_part_of_a_server_is_changed_by_patch() {
    let service = Service::start().await;
    let path = service.post("/api/v1/servers", &server("web-1")).await.header("location").to_owned();
    let patch = async |content_type: &str, body: &str| {
        let request =
            service.request("PATCH", &path).header("Content-Type", content_type).body(body.to_owned());
        service.send(request).await
    };
    let merge_patch = "application/merge-patch+json";
    let patched =
        patch(merge_patch, r#"{"cpu_cores":8,"operating_system":{"version":"13"},"revision":99}"#).await;
    assert_eq!((patched.status, patched.json()["revision"].clone()), (200, json!(2)), "{patched:?}");
    assert_eq!(
        patched.json()["operating_system"],
        json!({"name": "Debian", "version": "13", "architecture": "x86_64"})
    );
    assert!(patched.header("etag").starts_with("\"2-"));
    assert_eq!(patch("application/json", r#"{"name":"web-2"}"#).await.json()["name"], "web-2");

    let refused = patch(merge_patch, r#"{"name":null,"colour":"red","cpu_cores":0}"#).await;
    refused.problem(422, "invalid_fields");
    assert_eq!(refused.fields_at_fault(), ["colour", "cpu_cores", "name"]);
    patch(merge_patch, "[]").await.problem(422, "invalid_fields");
    patch(merge_patch, "{").await.problem(400, "malformed_json");
    patch("text/plain", "{}").await.problem(415, "unsupported_media_type");
    assert_eq!(service.get(&path).await.json()["revision"], 3);
    service.stop().await;
}

#[tokio::test]
async fn the_status_of_a_server_is_set_by_itself() {
    let service = Service::start().await;
    let path = service.post("/api/v1/servers", &server("web-1")).await.header("location").to_owned();
    let status = format!("{path}/status");
    let running = service.put(&status, &json!({"status": "running"})).await;
    assert_eq!((running.status, running.json()["status"].clone()), (200, json!("running")), "{running:?}");
    let again = service.put(&status, &json!({"status": "running"})).await;
    assert_eq!((again.status, again.json()["revision"].clone()), (200, json!(2)));
    for (body, field) in [
        (json!({"status": "up"}), "status"),
        (json!({}), "status"),
        (json!({"colour": 1, "status": "error"}), "colour"),
    ] {
        let refused = service.put(&status, &body).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.fields_at_fault(), [field], "{refused:?}");
    }
    // A PUT of the whole leaves the status as it is.
    let put = service.put(&path, &server("web-1")).await;
    assert_eq!((put.status, put.json()["status"].clone()), (200, json!("running")));
    service.stop().await;
}
