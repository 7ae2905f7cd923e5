//! The description of the API: valid, complete, with examples, and true.

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use servertree_tests::{Service, application, server, workspace_root};

/// Open to everyone, of what the API has below its base.
const OPEN: [&str; 3] = ["/api/v1/", "/api/v1/account/signup", "/api/v1/account/login"];

async fn description(service: &Service) -> Value {
    service.get("/openapi.json").await.json()
}

/// Each operation with its path and method.
fn operations(description: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = description["paths"].as_object().unwrap().iter();
    let mut operations = Vec::new();
    for (path, item) in paths {
        operations
            .extend(item.as_object().unwrap().iter().map(|(method, operation)| (path, method, operation)));
    }
    operations
}

#[tokio::test]
async fn it_is_valid() {
    let service = Service::start().await;
    let description = description(&service).await;
    let schema = workspace_root().join("tests/data/openapi-3.1/schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(&description).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1."));
    for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
        jsonschema::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    service.stop().await;
}

#[tokio::test]
async fn it_names_every_route_with_summary_errors_and_examples() {
    let service = Service::start().await;
    let description = description(&service).await;
    let operations = operations(&description);
    let routes: Vec<String> =
        operations.iter().map(|(path, method, _)| format!("{} {path}", method.to_uppercase())).collect();
    for route in [
        "GET /",
        "GET /openapi.json",
        "GET /.well-known/jwks.json",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
        "GET /problems",
        "GET /problems/{code}",
        "GET /api/v1/",
        "GET /api/v1/servers",
        "POST /api/v1/servers",
        "GET /api/v1/servers/{id}",
        "PUT /api/v1/servers/{id}",
        "PATCH /api/v1/servers/{id}",
        "DELETE /api/v1/servers/{id}",
        "PUT /api/v1/servers/{id}/status",
        "POST /api/v1/servers/{id}/restore",
        "POST /api/v1/servers/{id}/credentials",
        "GET /api/v1/servers/{id}/credentials/{credential_id}",
        "PUT /api/v1/servers/{id}/credentials/{credential_id}",
        "DELETE /api/v1/servers/{id}/credentials/{credential_id}",
        "POST /api/v1/servers/{id}/credentials/{credential_id}/reveal",
        "PUT /api/v1/servers/{id}/applications/{application_id}",
        "DELETE /api/v1/servers/{id}/applications/{application_id}",
        "GET /api/v1/servers/{id}/history",
        "GET /api/v1/events",
        "GET /api/v1/events/{id}",
        "POST /api/v1/events/resubmit",
        "POST /api/v1/events/{id}/resubmit",
        "POST /api/v1/events/{id}/discard",
        "GET /api/v1/applications",
        "POST /api/v1/applications",
        "GET /api/v1/applications/{id}",
        "PUT /api/v1/applications/{id}",
        "PATCH /api/v1/applications/{id}",
        "DELETE /api/v1/applications/{id}",
        "POST /api/v1/applications/{id}/restore",
        "GET /api/v1/applications/{id}/servers",
        "GET /api/v1/applications/{id}/history",
        "POST /api/v1/account/login",
        "GET /api/v1/account/me",
        "POST /api/v1/account/tokens",
        "PUT /api/v1/users/{id}/roles",
        "PUT /api/v1/roles/{id}",
        "POST /api/v1/permissions/check_batch",
    ] {
        assert!(routes.contains(&route.to_owned()), "{route} is not described");
    }
    let mut ids: Vec<&str> =
        operations.iter().map(|(.., operation)| operation["operationId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "an operationId is there twice: {ids:?}");
    for (path, method, operation) in operations {
        let place = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{place} has no summary");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{place}");
        if path.starts_with("/api/v1/") && !OPEN.contains(&path.as_str()) {
            for status in ["401", "403", "500", "503"] {
                assert!(operation["responses"][status].is_object(), "{place} does not say when {status}");
            }
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            for (media_type, content) in response["content"].as_object().unwrap_or(&Map::new()) {
                let has_example = content.get("examples").is_some()
                    || content.get("example").is_some()
                    || is_exemplified(&content["schema"], &description);
                assert!(has_example, "{place} {status} {media_type} has no example");
                if !status.starts_with(['2', '3']) {
                    assert_eq!(media_type, "application/problem+json", "{place} {status}");
                }
            }
        }
    }
    service.stop().await;
}

/// Whether a value of this schema can be made of its examples.
fn is_exemplified(schema: &Value, description: &Value) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return is_exemplified(description.pointer(reference.trim_start_matches('#')).unwrap(), description);
    }
    if schema.get("examples").is_some() || schema.get("example").is_some() || schema.get("enum").is_some() {
        return true;
    }
    if let Some(all) = ["allOf", "oneOf", "anyOf"].iter().find_map(|key| schema[key].as_array()) {
        return all.iter().any(|schema| is_exemplified(schema, description));
    }
    match schema["type"].as_str() {
        Some("object") => schema["properties"]
            .as_object()
            .is_some_and(|properties| properties.values().all(|schema| is_exemplified(schema, description))),
        Some("array") => is_exemplified(&schema["items"], description),
        Some("boolean" | "null") => true,
        _ => false,
    }
}

#[tokio::test]
async fn what_it_says_of_answers_is_true() {
    let service = Service::start().await;
    let description = description(&service).await;
    let validator = |name: &str| -> Validator {
        let mut schema = json!({"$ref": format!("#/components/schemas/{name}")});
        schema["components"] = description["components"].clone();
        jsonschema::validator_for(&schema).unwrap()
    };
    let holds = |name: &str, value: &Value| {
        let faults: Vec<String> = validator(name).iter_errors(value).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}: {value}");
    };
    let nginx = application("nginx", "1.27");
    holds("ApplicationDraft", &nginx);
    let nginx = service.post("/api/v1/applications", &nginx).await;
    holds("Application", &nginx.json());
    let directories = json!({"install_dir": "/opt/nginx", "log_dir": "C:\\logs"});
    holds("InstallationDirectories", &directories);
    let mut installation = directories.clone();
    installation["application_id"] = nginx.json()["id"].clone();
    let credential =
        json!({"connection_type": "ssh", "username": "root", "password": "x", "local_ip": "::1"});
    let mut draft = server("web-1");
    draft["credentials"] =
        json!([credential, {"connection_type": "ssh", "username": "root", "password": null}]);
    draft["applications"] = json!([installation]);
    holds("ServerDraft", &draft);
    let created = service.post("/api/v1/servers", &draft).await;
    holds("Credential", &created.json()["credentials"][0]);
    // What GET gives can be put back.
    holds("CredentialDraft", &created.json()["credentials"][0]);
    holds("Installation", &created.json()["applications"][0]);
    holds("InstallationDraft", &created.json()["applications"][0]);
    holds("Server", &created.json());
    let web = created.header("location");
    for (path, asked) in [
        ("/api/v1/servers", "/api/v1/servers"),
        ("/api/v1/applications", "/api/v1/applications"),
        ("/api/v1/applications/{id}/servers", &format!("{}/servers", nginx.header("location"))),
        ("/api/v1/servers/{id}/history", &format!("{web}/history")),
        ("/api/v1/applications/{id}/history", &format!("{}/history", nginx.header("location"))),
    ] {
        let answers = &description["paths"][path]["get"]["responses"]["200"];
        let page = answers["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
        let asked = service.get(asked).await.json();
        assert!(asked["total"].as_u64().is_some_and(|total| total > 0), "{path}");
        holds(page.rsplit('/').next().unwrap(), &asked);
    }
    let bad = service.post("/api/v1/servers", &json!({"name": 1})).await;
    holds("Problem", &bad.json());
    holds("Problem", &service.get("/nope").await.json());
    service.stop().await;
}

/// The `type` of a problem leads to a page, for every code that the description has.
#[tokio::test]
async fn every_problem_has_a_page() {
    let service = Service::start().await;
    let description = description(&service).await;
    let mut codes: Vec<String> = Vec::new();
    for (.., operation) in operations(&description) {
        for response in operation["responses"].as_object().unwrap().values() {
            if let Some(examples) = response["content"]["application/problem+json"]["examples"].as_object() {
                codes.extend(examples.keys().cloned());
            }
        }
    }
    codes.sort();
    codes.dedup();
    assert!(codes.len() > 10, "{codes:?}");
    let index = service.get("/problems").await.body;
    for code in codes {
        let page = service.get(&format!("/problems/{code}")).await;
        assert!(page.status == 200 && page.body.contains(&code), "{page:?}");
        assert!(index.contains(&code), "the list of problems lacks {code}");
    }
    service.get("/problems/none").await.problem(404, "not_found");
    service.stop().await;
}
