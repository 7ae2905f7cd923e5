//! Applications through the API, as an operator uses it.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use servertree_tests::{Answer, Service, application, fedora_applications};

const APPLICATIONS: &str = "/api/v1/applications";

/// Registers an application; answers where it is.
async fn registered(service: &Service, name: &str, version: &str) -> String {
    let answer = service.post(APPLICATIONS, &application(name, version)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.header("location").to_owned()
}

#[tokio::test]
async fn an_application_through_its_life() {
    let service = Service::probed().start().await;

    let created = service.post(APPLICATIONS, &application("Nginx", "1.27")).await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = created.header("location").to_owned();
    let nginx = created.json();
    assert_eq!(path, format!("{APPLICATIONS}/{}", nginx["id"].as_str().unwrap()));
    let fields: BTreeSet<&str> = nginx.as_object().unwrap().keys().map(String::as_str).collect();
    let expected =
        ["id", "name", "version", "architect", "discarded", "revision", "created_at", "modified_at"];
    assert_eq!(fields, expected.into());
    assert_eq!((&nginx["revision"], &nginx["discarded"]), (&json!(1), &json!(false)));

    let found = service.get(&path).await;
    assert_eq!((found.status, found.json()), (200, nginx.clone()));
    assert_eq!(found.header("etag"), created.header("etag"));
    assert!(found.header("etag").starts_with("\"1-"), "{found:?}");
    let unchanged = service.request("GET", &path).header("If-None-Match", found.header("etag"));
    assert_eq!(service.send(unchanged).await.status, 304);

    // What GET gave can be put back, and changes nothing.
    let put = service.put(&path, &nginx).await;
    assert_eq!((put.status, put.json(), put.header("etag")), (200, nginx.clone(), found.header("etag")));
    let mut changed = nginx.clone();
    changed["version"] = json!("1.28");
    let modify = || service.request("PUT", &path).header("If-Match", found.header("etag")).json(&changed);
    let modified = service.send(modify()).await;
    assert_eq!((modified.status, modified.json()["version"].clone()), (200, json!("1.28")), "{modified:?}");
    service.send(modify()).await.problem(412, "stale_revision");
    let patch = service.request("PATCH", &path).header("Content-Type", "application/merge-patch+json");
    let patched = service.send(patch.body(r#"{"architect":"Ada"}"#)).await;
    assert_eq!((patched.status, patched.json()["revision"].clone()), (200, json!(3)), "{patched:?}");
    assert_eq!(service.get(&path).await.json(), patched.json());

    assert_eq!(service.delete(&path).await.status, 204);
    assert_eq!(service.delete(&path).await.status, 204);
    assert_eq!(service.get(&path).await.json()["discarded"], true);
    assert_eq!(service.get(APPLICATIONS).await.json()["total"], 0);
    service.put(&path, &application("nginx", "2")).await.problem(409, "application_discarded");

    let restored = service.send(service.request("POST", &format!("{path}/restore"))).await;
    assert_eq!((restored.status, restored.json()["discarded"].clone()), (200, json!(false)), "{restored:?}");
    assert!(restored.header("etag").starts_with("\"5-"));

    let delivered: Vec<_> =
        service.delivered_of("application.").await.into_iter().map(|event| event.event_type).collect();
    let expected = ["registered", "modified", "modified", "discarded", "restored"];
    assert_eq!(delivered, expected.map(|what| format!("application.{what}")));
    service.stop().await;
}

#[tokio::test]
async fn names_are_unique_in_their_version_among_those_not_discarded() {
    let service = Service::start().await;
    let first = registered(&service, "nginx", "1.27").await;
    let taken = service.post(APPLICATIONS, &application("NGINX", "1.27")).await;
    let detail = taken.problem(409, "application_name_taken")["detail"].clone();
    assert!(detail.as_str().unwrap().contains("'NGINX' of version '1.27'"), "{detail}");

    let second = registered(&service, "nginx", "1.28").await;
    service.put(&second, &application("Nginx", "1.27")).await.problem(409, "application_name_taken");
    assert_eq!(service.delete(&first).await.status, 204);
    assert_eq!(service.put(&second, &application("nginx", "1.27")).await.status, 200);
    let restore = service.request("POST", &format!("{first}/restore"));
    service.send(restore).await.problem(409, "application_name_taken");
    service.stop().await;
}

/// Fifty at once want the same name and version, half of them in capitals: one gets it, and one event tells of it.
#[tokio::test]
async fn a_race_for_a_name_has_one_winner() {
    let service = Service::probed().start().await;
    for version in ["1", "2", "3"] {
        let bodies = ["größe", "GRÖẞE"].map(|name| application(name, version));
        let answers = join_all((0..50).map(|nth| service.post(APPLICATIONS, &bodies[nth % 2]))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        for lost in answers.iter().filter(|answer| answer.status != 201) {
            lost.problem(409, "application_name_taken");
        }
    }
    assert_eq!(service.delivered_of("application.").await.len(), 3);
    service.stop().await;
}

/// Fifty at once change the same: each change is made, one after the other.
#[tokio::test]
async fn changes_that_come_together_take_their_turns() {
    let service = Service::start().await;
    let path = registered(&service, "nginx", "0").await;
    let patch = |nth: usize| service.request("PATCH", &path).json(&json!({"version": format!("1.{nth}")}));
    let answers = join_all((0..50).map(|nth| service.send(patch(nth)))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(service.get(&path).await.json()["revision"], 51);
    service.stop().await;
}

#[tokio::test]
async fn every_faulty_field_is_named() {
    let service = Service::start().await;
    let rows: [(&str, Value, &str); 12] = [
        ("name", json!(""), "too_short"),
        ("name", json!(" nginx"), "invalid_format"),
        ("name", json!("ng\u{0}inx"), "invalid_format"),
        ("name", json!("ß".repeat(256)), "too_long"),
        ("name", json!(null), "wrong_type"),
        ("name", json!(7), "wrong_type"),
        ("version", json!(""), "too_short"),
        ("version", json!("1".repeat(65)), "too_long"),
        ("version", json!(1.27), "wrong_type"),
        ("architect", json!("\n"), "invalid_format"),
        ("architect", json!("a".repeat(256)), "too_long"),
        ("architect", json!({"name": "ada"}), "wrong_type"),
    ];
    for (field, value, code) in rows {
        let mut body = application("nginx", "1.27");
        body[field] = value;
        let answer = service.post(APPLICATIONS, &body).await;
        let problem = answer.problem(422, "invalid_fields");
        assert_eq!(answer.fields_at_fault(), [field], "{answer:?}");
        assert_eq!(problem["errors"][0]["code"], code, "{answer:?}");
    }
    let answer = service.post(APPLICATIONS, &json!({"name": "", "colour": "red"})).await;
    answer.problem(422, "invalid_fields");
    assert_eq!(answer.fields_at_fault(), ["architect", "colour", "name", "version"]);

    // What the service fills in is accepted by PUT, not by POST, and anything else by neither.
    let path = registered(&service, "nginx", "1.27").await;
    let mut body = service.get(&path).await.json();
    service.post(APPLICATIONS, &body).await.problem(422, "invalid_fields");
    body["colour"] = json!("red");
    let answer = service.put(&path, &body).await;
    answer.problem(422, "invalid_fields");
    assert_eq!(answer.fields_at_fault(), ["colour"]);
    let patch = service.request("PATCH", &path).json(&json!({"name": null, "colour": null, "version": 1}));
    let answer = service.send(patch).await;
    answer.problem(422, "invalid_fields");
    assert_eq!(answer.fields_at_fault(), ["colour", "name", "version"]);

    for (query, parameter) in [
        ("limit=0", "limit"),
        ("colour=red", "colour"),
        ("sort=[{%22colour%22:%22asc%22}]", "sort"),
        ("filter={%22environment%22:{%22eq%22:%22x%22}}", "filter"),
        ("fields=id,password", "fields"),
    ] {
        let answer = service.get(&format!("{APPLICATIONS}?{query}")).await;
        answer.problem(400, "invalid_parameter");
        assert_eq!(answer.fields_at_fault(), [parameter], "{answer:?}");
    }
    for nobody in ["019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11", "1", "%00"] {
        service.get(&format!("{APPLICATIONS}/{nobody}")).await.problem(404, "not_found");
        service.get(&format!("{APPLICATIONS}/{nobody}/history")).await.problem(404, "not_found");
    }
    assert_eq!(service.get(APPLICATIONS).await.json()["total"], 1);
    service.stop().await;
}

/// Registers it with a key, as one who does not know whether the first request arrived.
async fn once(service: &Service, path: &str, body: &Value) -> Answer {
    service.send(service.request("POST", path).header("Idempotency-Key", "key-1").json(body)).await
}

#[tokio::test]
async fn it_is_registered_and_restored_once() {
    let service = Service::start().await;
    let nginx = application("nginx", "1.27");
    let first = once(&service, APPLICATIONS, &nginx).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""), "{first:?}");
    let again = once(&service, APPLICATIONS, &nginx).await;
    assert_eq!((again.status, &again.body, again.header("idempotency-replayed")), (201, &first.body, "true"));
    let other = once(&service, APPLICATIONS, &application("nginx", "1.28")).await;
    other.problem(422, "idempotency_key_reused");

    let path = first.header("location").to_owned();
    assert_eq!(service.delete(&path).await.status, 204);
    let restore = async || once(&service, &format!("{path}/restore"), &Value::Null).await;
    assert_eq!(restore().await.json()["revision"], 3);
    assert_eq!(service.delete(&path).await.status, 204);
    assert_eq!(restore().await.header("idempotency-replayed"), "true");
    assert_eq!(service.get(&path).await.json()["discarded"], true, "it was not restored again");
    service.stop().await;
}

/// Somebody whose grants are for what Ada answers for gets to know of nothing else.
#[tokio::test]
async fn what_is_hidden_is_not_there() {
    let service = Service::start().await;
    let condition = json!({"architect": {"eq": "ada"}});
    let grant =
        |action: &str| json!({"action": action, "object_type": "application", "condition": condition});
    let grants = ["read", "create", "update", "discard", "restore"].map(grant);
    let role = json!({"name": "adas", "grants": grants});
    assert_eq!(service.post("/api/v1/roles", &role).await.status, 201);
    let user = json!({"username": "ada", "password": "correct horse battery", "roles": ["adas"]});
    assert_eq!(service.post("/api/v1/users", &user).await.status, 201);
    let ada = service.log_in("ada", "correct horse battery").await;
    let as_ada = async |method: &str, path: &str, body: &Value| {
        service.send(service.request_as(&ada, method, path).json(body)).await
    };

    let hidden = registered(&service, "nginx", "1.27").await;
    let unknown = format!("{APPLICATIONS}/019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11");
    let patch = json!({"architect": "ada"});
    for path in [&hidden, &unknown] {
        let history = format!("{path}/history");
        let restore = format!("{path}/restore");
        let of_adas = json!({"name": "nginx", "version": "1.28", "architect": "ada"});
        for (method, path, body) in [
            ("GET", path, &Value::Null),
            ("GET", &history, &Value::Null),
            ("PUT", path, &of_adas),
            ("PATCH", path, &patch),
            ("DELETE", path, &Value::Null),
            ("POST", &restore, &Value::Null),
        ] {
            as_ada(method, path, body).await.problem(404, "not_found");
        }
    }
    for query in ["", "?q=nginx", "?filter={%22name%22:{%22eq%22:%22nginx%22}}"] {
        let list = as_ada("GET", &format!("{APPLICATIONS}{query}"), &Value::Null).await.json();
        assert_eq!((&list["items"], &list["total"]), (&json!([]), &json!(0)), "{query}");
    }
    // Neither to give away what is hers, nor to make what is not.
    let mine = json!({"name": "bind", "version": "9", "architect": "ada"});
    let created = as_ada("POST", APPLICATIONS, &mine).await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = created.header("location");
    as_ada("PATCH", path, &json!({"architect": "grace"})).await.problem(403, "not_permitted");
    as_ada("POST", APPLICATIONS, &application("unbound", "1")).await.problem(403, "not_permitted");
    let taken = json!({"name": "Nginx", "version": "1.27", "architect": "ada"});
    as_ada("POST", APPLICATIONS, &taken).await.problem(409, "application_name_taken");
    assert_eq!(as_ada("PATCH", path, &json!({"version": "9.20"})).await.json()["revision"], 2);
    assert_eq!(service.get(&hidden).await.json()["revision"], 1);
    service.stop().await;
}

/// A real catalogue: 146 roles of the Fedora infrastructure as of 2019.
#[tokio::test]
async fn a_real_catalogue_is_kept_as_it_is() {
    let service = Service::start().await;
    let applications = fedora_applications();
    assert_eq!(applications.len(), 146);
    for application in &applications {
        assert_eq!(service.post(APPLICATIONS, application).await.status, 201, "{application}");
    }
    let ask = async |query: &[(&str, &str)]| {
        service.send(service.request("GET", APPLICATIONS).query(query)).await.json()
    };
    let whole = ask(&[("limit", "500"), ("fields", "name,version,architect")]).await;
    let mut expected = applications.clone();
    expected.sort_by_key(|application| application["name"].as_str().unwrap().to_lowercase());
    assert_eq!((&whole["items"], &whole["total"]), (&Value::from(expected.clone()), &json!(146)));

    let mut paged = Vec::new();
    let mut page = ask(&[("limit", "40"), ("fields", "name,version,architect")]).await;
    paged.extend(page["items"].as_array().unwrap().clone());
    while let Some(next) = page["next_cursor"].as_str() {
        page = ask(&[("limit", "40"), ("fields", "name,version,architect"), ("cursor", next)]).await;
        paged.extend(page["items"].as_array().unwrap().clone());
    }
    assert_eq!(paged, expected);

    let architects: BTreeSet<&str> =
        applications.iter().map(|application| application["architect"].as_str().unwrap()).collect();
    for architect in architects {
        let filter = json!({"architect": {"eq": architect}}).to_string();
        let count = applications.iter().filter(|application| application["architect"] == architect).count();
        assert_eq!(ask(&[("filter", &filter), ("limit", "1")]).await["total"], count, "{architect}");
    }
    let named = |application: &&Value| application["name"].as_str().unwrap().contains("pkg");
    assert_eq!(
        ask(&[("filter", r#"{"name":{"lk":"PKG"}}"#)]).await["total"],
        applications.iter().filter(named).count()
    );
    service.stop().await;
}
