//! Who gets in, and who gets to see and do what, with a context that knows callers by their tokens.

use serde_json::{Value, json};
use servertree_tests::{Answer, Service, server};

/// Sends a request with a token.
async fn ask(service: &Service, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let request = service.request(method, path).bearer_auth(token);
    service
        .send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
}

async fn register(service: &Service, name: &str, environment: &str) -> (String, String) {
    let mut body = server(name);
    body["environment"] = json!(environment);
    body["credentials"] = json!([{"connection_type": "ssh", "username": "root", "password": "hunter2"}]);
    let created = ask(service, "operator", "POST", "/api/v1/servers", Some(&body)).await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = created.header("location").to_owned();
    let credential =
        format!("{path}/credentials/{}", created.json()["credentials"][0]["id"].as_str().unwrap());
    (path, credential)
}

/// All operations that OpenAPI knows, and some addresses that nobody knows: closed, unless they are meant to be open.
#[tokio::test]
async fn without_a_valid_token_everything_is_closed_but_what_is_open() {
    let service = Service::guarded().start().await;
    let open = [
        "/",
        "/openapi.json",
        "/.well-known/jwks.json",
        "/health/live",
        "/health/ready",
        "/problems",
        "/problems/{code}",
        "/api/v1/",
    ];
    let description = service.get("/openapi.json").await.json();
    let mut routes: Vec<(String, String)> = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        routes
            .extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let closed: Vec<_> = routes.iter().filter(|(_, path)| !open.contains(&path.as_str())).collect();
    assert!(closed.len() >= 13, "{closed:?}");
    for (_, path) in routes.iter().filter(|(_, path)| open.contains(&path.as_str())) {
        let answer = service.get(&path.replace("{code}", "not_found")).await;
        assert!(answer.status < 400, "{path}: {answer:?}");
    }
    assert_eq!(service.get("/docs/").await.status, 200);
    let unknown =
        ["/nope", "/api", "/api/v1/nope", "/healthy", "/docs2", "/api/v1/guard/open/below", "/problemsx"];
    let unknown = unknown.map(|path| ("GET".to_owned(), path.to_owned()));
    for (method, path) in closed.into_iter().chain(&unknown) {
        // Before anything is looked at: a path that is none, a body that is none.
        let path = path.replace(['{', '}'], "");
        let anonymous = service.send(service.request(method, &path).body("{")).await;
        let problem = anonymous.problem(401, "not_authenticated");
        assert_eq!(anonymous.header("www-authenticate"), "Bearer realm=\"ServerTree\"", "{path}");
        for header in
            ["Bearer", "Bearer ", "Bearer stranger", "Basic b3BlcmF0b3I6eA==", "operator", "Bearer \u{fc}"]
        {
            let refused = service
                .request(method, &path)
                .header("Authorization", header)
                .header("Cookie", "__Host-servertree_token=operator");
            let refused = service.send(refused).await;
            assert_eq!(
                refused.problem(401, "not_authenticated")["detail"],
                problem["detail"],
                "{path} {header}"
            );
        }
    }
    for method in ["HEAD", "OPTIONS", "TRACE", "BREW"] {
        assert_eq!(service.send(service.request(method, "/api/v1/servers")).await.status, 401, "{method}");
    }
    // Of two, nobody knows which is meant.
    let two = service
        .request("GET", "/api/v1/servers")
        .bearer_auth("operator")
        .header("Authorization", "Bearer viewer");
    service.send(two).await.problem(401, "not_authenticated");
    // What a context opens is looked at, with a token or without, and nothing is there; with other methods it is closed.
    service.get("/api/v1/guard/open").await.problem(404, "not_found");
    ask(&service, "stranger", "GET", "/api/v1/guard/open", None).await.problem(404, "not_found");
    ask(&service, "viewer", "POST", "/api/v1/guard/open", None).await.problem(404, "not_found");
    service.delete("/api/v1/guard/open").await.problem(401, "not_authenticated");
    // A page from elsewhere must not make a browser log in.
    let elsewhere = service.request("POST", "/api/v1/guard/open").header("Origin", "http://evil.example");
    service.send(elsewhere).await.problem(403, "foreign_origin");
    let log = service.log();
    assert!(log.contains("\"caller\":\"anonymous\"") && !log.contains("local-operator"), "{log}");
    // Who cannot say whether a token is valid lets nobody in.
    ask(&service, "broken", "GET", "/api/v1/servers", None).await.problem(500, "internal");
    service.signal("KILL");
}

#[tokio::test]
async fn each_gets_as_far_as_their_grants() {
    let service = Service::guarded().start().await;
    let (production, secret) = register(&service, "web-1", "production").await;
    let (staging, staging_secret) = register(&service, "web-2", "staging").await;
    let reveal = |credential: &str| format!("{credential}/reveal");
    let reason = json!({"reason": "test"});
    let status = json!({"status": "running"});
    let set = |path: &str| format!("{path}/status");
    for (token, method, path, body, expected) in [
        ("nobody", "GET", production.clone(), None, 403),
        ("viewer", "GET", production.clone(), None, 200),
        ("viewer", "GET", secret.clone(), None, 403),
        ("viewer", "PUT", set(&production), Some(&status), 403),
        ("viewer", "POST", reveal(&secret), Some(&reason), 403),
        ("viewer", "DELETE", production.clone(), None, 403),
        ("operator", "PUT", set(&production), Some(&status), 200),
        ("operator", "POST", reveal(&secret), Some(&reason), 200),
        ("operator-reading", "GET", production.clone(), None, 200),
        ("operator-reading", "PUT", set(&production), Some(&status), 403),
        ("operator-reading", "POST", reveal(&secret), Some(&reason), 403),
        ("staging-operator", "GET", production.clone(), None, 404),
        ("staging-operator", "PUT", set(&production), Some(&status), 404),
        ("staging-operator", "POST", reveal(&secret), Some(&reason), 404),
        ("staging-operator", "DELETE", production.clone(), None, 404),
        ("staging-operator", "GET", staging_secret.clone(), None, 200),
        ("staging-operator", "POST", reveal(&staging_secret), Some(&reason), 200),
        ("staging-operator", "PATCH", staging.clone(), Some(&json!({"environment": "production"})), 403),
    ] {
        let answer = ask(&service, token, method, &path, body).await;
        assert_eq!(answer.status, expected, "{token} {method} {path}: {answer:?}");
        if token == "viewer" {
            assert!(!answer.body.contains("\"credentials\":"), "{answer:?}");
        }
    }
    let list = async |token| ask(&service, token, "GET", "/api/v1/servers", None).await.json();
    assert_eq!(list("viewer").await["total"], 2);
    assert!(list("viewer").await["items"][0].get("credentials").is_none());
    assert_eq!(list("staging-operator").await["total"], 1);
    let by_credential =
        "/api/v1/servers?filter=%7B%22credentials.username%22%3A%7B%22eq%22%3A%22root%22%7D%7D";
    let refused = ask(&service, "viewer", "GET", by_credential, None).await;
    assert_eq!(refused.problem(400, "invalid_parameter")["errors"][0]["field"], "filter");
    // A name that a hidden server has is taken all the same.
    let mut body = server("web-1");
    body["environment"] = json!("staging");
    ask(&service, "staging-operator", "POST", "/api/v1/servers", Some(&body))
        .await
        .problem(409, "server_name_taken");
    // Who did it is in the log.
    assert!(service.log().contains("\"caller\":\"staging-operator\""), "{}", service.log());
    service.stop().await;
}

/// What was answered once is answered again only as far as the caller may see it now.
#[tokio::test]
async fn a_repetition_shows_no_more_than_a_look() {
    let service = Service::guarded().start().await;
    let mut body = server("web-1");
    body["environment"] = json!("staging");
    let once = async |path: &str, body: &Value| {
        let request = service.request("POST", path).bearer_auth("staging-operator");
        service.send(request.header("Idempotency-Key", "1").json(body)).await
    };
    let created = once("/api/v1/servers", &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = created.header("location").to_owned();
    let ssh = json!({"connection_type": "ssh", "username": "root"});
    let added = once(&format!("{path}/credentials"), &ssh).await;
    assert_eq!(added.status, 201, "{added:?}");
    for (first, path, body) in
        [(&created, "/api/v1/servers", &body), (&added, &*format!("{path}/credentials"), &ssh)]
    {
        let again = once(path, body).await;
        assert_eq!(
            (again.status, &again.body, again.header("idempotency-replayed")),
            (201, &first.body, "true")
        );
    }
    // The credential is gone: that it was added is still the answer.
    assert_eq!(ask(&service, "operator", "DELETE", added.header("location"), None).await.status, 204);
    assert_eq!(once(&format!("{path}/credentials"), &ssh).await.body, added.body);
    // Somebody moves the server to where this caller sees nothing.
    let moved = ask(&service, "operator", "PATCH", &path, Some(&json!({"environment": "production"}))).await;
    assert_eq!(moved.status, 200, "{moved:?}");
    once("/api/v1/servers", &body).await.problem(404, "not_found");
    once(&format!("{path}/credentials"), &ssh).await.problem(404, "not_found");
    // The same key of somebody else is another one.
    let other =
        service.request("POST", "/api/v1/servers").bearer_auth("operator").header("Idempotency-Key", "1");
    service.send(other.json(&body)).await.problem(409, "server_name_taken");
    service.stop().await;
}

/// A browser sends its cookie along with what a page from anywhere makes it send: changes must come from a page of ours.
#[tokio::test]
async fn a_cookie_writes_only_from_our_own_pages() {
    let service = Service::guarded().start().await;
    let own = service.base().to_owned();
    let write = |origin: Option<&str>| {
        let request = service
            .request("POST", "/api/v1/servers")
            .header("Cookie", "a=b; __Host-servertree_token=operator");
        let request = request.json(&server("web-1"));
        origin.map_or(request.try_clone().unwrap(), |origin| request.header("Origin", origin))
    };
    for origin in [None, Some("null"), Some("http://evil.example"), Some("http://127.0.0.1:1"), Some("")] {
        service.send(write(origin)).await.problem(403, "foreign_origin");
    }
    assert_eq!(service.send(write(Some(&own))).await.status, 201);
    let read = service.request("GET", "/api/v1/servers").header("Cookie", "__Host-servertree_token=viewer");
    assert_eq!(service.send(read).await.json()["total"], 1);
    let stranger =
        service.request("GET", "/api/v1/servers").header("Cookie", "__Host-servertree_token=stranger");
    service.send(stranger).await.problem(401, "not_authenticated");
    service.stop().await;
    let elsewhere = Service::guarded().set("http.public_url", "https://inventory.example.org").start().await;
    let write = |origin: &str| {
        let request =
            elsewhere.request("POST", "/api/v1/servers").header("Cookie", "__Host-servertree_token=operator");
        request.header("Origin", origin).json(&server("web-1"))
    };
    elsewhere.send(write(elsewhere.base())).await.problem(403, "foreign_origin");
    assert_eq!(elsewhere.send(write("https://inventory.example.org")).await.status, 201);
    elsewhere.stop().await;
}
