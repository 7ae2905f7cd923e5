//! Nonsense from outside: every kind gets its own clear answer, and nothing is changed by it.

use serde_json::{Value, json};
use servertree_tests::{Service, eventually, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn bodies_that_are_not_valid() {
    let service = Service::start().await;
    let post = async |content_type: &str, body: &str| {
        let request = service.request("POST", "/api/v1/servers").header("Content-Type", content_type);
        service.send(request.body(body.to_owned())).await
    };
    for malformed in ["", "{", "{\"name\":}", "\u{0}", &"[".repeat(100_000)] {
        post("application/json", malformed).await.problem(400, "malformed_json");
    }
    let twice = server("web-1").to_string().replacen('{', r#"{"name":"web-2","#, 1);
    post("application/json", &twice).await.problem(400, "malformed_json");
    post("application/json; charset=utf-16", "{}").await.problem(415, "unsupported_media_type");
    for other in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense"] {
        post(other, &server("web-1").to_string()).await.problem(415, "unsupported_media_type");
    }
    let packed = service.request("POST", "/api/v1/servers").header("Content-Encoding", "gzip");
    service.send(packed.json(&server("web-1"))).await.problem(415, "unsupported_media_type");
    let without_type = service.request("POST", "/api/v1/servers").body(server("web-1").to_string());
    service.send(without_type).await.problem(415, "unsupported_media_type");

    let accepted = post("application/json; charset=utf-8", &server("web-1").to_string()).await;
    assert_eq!(accepted.status, 201, "{accepted:?}");
    assert_eq!(service.get("/api/v1/servers").await.json()["total"], 1);
    service.stop().await;
}

#[tokio::test]
async fn every_faulty_field_is_named() {
    let service = Service::start().await;
    let rows: [(&str, Value); 21] = [
        ("name", json!("")),
        ("name", json!("web_1")),
        ("name", json!("-web")),
        ("name", json!("a".repeat(256))),
        ("name", json!("web\u{0}1")),
        ("name", json!(null)),
        ("name", json!(1)),
        ("cpu_cores", json!(0)),
        ("cpu_cores", json!(65_537)),
        ("cpu_cores", json!(-1)),
        ("cpu_cores", json!(1.5)),
        ("cpu_cores", json!("4")),
        ("ram_mib", json!(0)),
        ("ram_mib", json!(1e30)),
        ("hdd_mib", json!(-1)),
        ("environment", json!("Production")),
        ("environment", json!("a".repeat(65))),
        ("operating_system", json!("Debian")),
        ("operating_system.version", json!({"name": "Debian", "version": "", "architecture": "x86_64"})),
        ("operating_system.name", json!({"version": "12", "architecture": "x86_64"})),
        ("operating_system.kernel", json!({"name": "a", "version": "b", "architecture": "c", "kernel": "d"})),
    ];
    for (field, value) in rows {
        let mut body = server("web-1");
        body[field.split('.').next().unwrap()] = value;
        let answer = service.post("/api/v1/servers", &body).await;
        answer.problem(422, "invalid_fields");
        assert_eq!(answer.fields_at_fault(), [field], "{answer:?}");
    }
    let many = json!({"name": "a b", "cpu_cores": 0, "colour": "red", "operating_system": {"name": 7}});
    let answer = service.post("/api/v1/servers", &many).await;
    answer.problem(422, "invalid_fields");
    let expected = [
        "colour",
        "cpu_cores",
        "environment",
        "hdd_mib",
        "name",
        "operating_system.architecture",
        "operating_system.name",
        "operating_system.version",
        "ram_mib",
    ];
    assert_eq!(answer.fields_at_fault(), expected, "{answer:?}");
    service.post("/api/v1/servers", &json!([1])).await.problem(422, "invalid_fields");

    // What the service fills in is accepted by PUT, not by POST, and anything else by neither.
    let path = service.post("/api/v1/servers", &server("web-1")).await.header("location").to_owned();
    let mut body = server("web-1");
    body["colour"] = json!("red");
    let answer = service.put(&path, &body).await;
    answer.problem(422, "invalid_fields");
    assert_eq!(answer.fields_at_fault(), ["colour"]);
    assert_eq!(service.get("/api/v1/servers").await.json()["total"], 1);
    service.stop().await;
}

#[tokio::test]
async fn addresses_methods_and_ids_that_are_not_there() {
    let service = Service::start().await;
    let nobody = "/api/v1/servers/019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11";
    for path in
        [nobody, "/api/v1/servers/1", "/api/v1/servers/%00", "/api/v1/racks", "/nope", "/api/v2/", "/docs/x"]
    {
        let answer = service.get(path).await;
        assert_eq!(answer.problem(404, "not_found")["instance"], path, "{answer:?}");
    }
    service.put(nobody, &server("web-1")).await.problem(404, "not_found");
    service.delete(nobody).await.problem(404, "not_found");

    for (method, path, allow) in [
        ("PATCH", "/api/v1/servers", "GET, HEAD, POST"),
        ("POST", nobody, "GET, HEAD, PUT, PATCH, DELETE"),
        ("GET", &format!("{nobody}/restore"), "POST"),
        ("DELETE", "/health/live", "GET, HEAD"),
        ("POST", "/docs/", "GET, HEAD"),
        ("BREW", "/", "GET, HEAD"),
    ] {
        let answer = service.send(service.request(method, path)).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    service.stop().await;
}

#[tokio::test]
async fn parameters_that_are_not_valid() {
    let service = Service::start().await;
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("offset=10001", "offset"),
        ("offset=-1", "offset"),
        ("sort=name", "sort"),
        ("sort=[{%22name%22:%22up%22}]", "sort"),
        ("sort=[{%22colour%22:%22asc%22}]", "sort"),
        ("colour=red", "colour"),
        ("filter={%22colour%22:{%22eq%22:1}}", "filter"),
        ("filter={%22name%22:{%22like%22:1}}", "filter"),
        ("filter=name", "filter"),
        ("and_filter={}", "and_filter"),
        ("or_filter=1", "or_filter"),
        ("cursor=x", "cursor"),
        ("count=all", "count"),
        ("fields=id,password", "fields"),
    ] {
        let answer = service.get(&format!("/api/v1/servers?{query}")).await;
        answer.problem(400, "invalid_parameter");
        assert_eq!(answer.fields_at_fault(), [parameter], "{answer:?}");
    }
    service.stop().await;
}

/// A filter that is too long, and one nested a thousand deep.
#[tokio::test]
async fn filters_beyond_all_measure_are_refused() {
    let service = Service::start().await;
    let long = format!(r#"{{"name":{{"eq":"{}"}}}}"#, "a".repeat(50 * 1024));
    let deep = format!("{}{}", r#"{"name":"#.repeat(1_000), "}".repeat(1_000));
    for filter in [long, deep] {
        let answer =
            service.send(service.request("GET", "/api/v1/servers").query(&[("filter", &filter)])).await;
        answer.problem(400, "invalid_parameter");
        assert_eq!(answer.fields_at_fault(), ["filter"]);
        assert!(answer.body.len() < 1_000, "{answer:?}");
    }
    // Beyond 64 KiB an address is no address any more: the HTTP server refuses it by itself.
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    let request =
        format!("GET /api/v1/servers?filter={} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100 * 1024));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 400");
    service.stop().await;
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte() {
    let service = Service::start().await;
    let padded = |length: usize| {
        let body = server("web-1").to_string();
        let padding = " ".repeat(length - body.len());
        service
            .request("POST", "/api/v1/servers")
            .header("Content-Type", "application/json")
            .body(body + &padding)
    };
    for length in [1024 * 1024 + 1, 4 * 1024 * 1024] {
        service.send(padded(length)).await.problem(413, "body_too_large");
    }
    assert_eq!(service.send(padded(1024 * 1024)).await.status, 201);
    service.stop().await;
}

/// What is not even HTTP is refused before it gets to us, and does not fill the log with errors.
#[tokio::test]
async fn what_is_not_http_is_refused() {
    let service = Service::start().await;
    for nonsense in [
        "GET /api/v1/servers?sort=[{\"name\":\"asc\"}] HTTP/1.1\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "HELO x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(service.address()).await.unwrap();
        stream.write_all(nonsense.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{nonsense}: {answer}");
    }
    // It would not stop well, had it logged errors.
    service.stop().await;
}

/// A body that never ends must not keep anything busy for ever.
#[tokio::test]
async fn a_body_that_dawdles_is_given_up() {
    let service = Service::builder().set("http.body_timeout", "1").start().await;
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    let head = "POST /api/v1/servers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n";
    let request = format!("{head}Authorization: Bearer {}\r\n\r\n{{", service.token());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 64];
    let read = stream.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    service.stop().await;
}

/// By whichever name a browser on this machine calls it; pages from elsewhere stay out.
#[tokio::test]
async fn our_own_pages_are_known_by_all_their_names() {
    let service = Service::start().await;
    let port = service.address().rsplit(':').next().unwrap().to_owned();
    let cookie = format!("__Host-servertree_token={}", service.token());
    let post = |origin: &str| {
        let request = service.anonymous("POST", "/api/v1/permissions/check").header("Cookie", &cookie);
        let object = json!({"type": "server"});
        request.header("Origin", origin).json(&json!({"subject": "ada", "action": "read", "object": object}))
    };
    for name in ["127.0.0.1", "localhost", "[::1]"] {
        assert_eq!(service.send(post(&format!("http://{name}:{port}"))).await.status, 200, "{name}");
    }
    for foreign in [
        "http://evil.example",
        "null",
        "http://localhost",
        "https://localhost:1",
        "http://127.0.0.1.evil.example",
    ] {
        service.send(post(foreign)).await.problem(403, "foreign_origin");
    }
    service.stop().await;
}

#[tokio::test]
async fn request_ids_are_taken_if_sane_and_are_in_the_log() {
    let service = Service::start().await;
    let with_id = |id: &str| service.request("GET", "/api/v1/servers?limit=7").header("X-Request-Id", id);
    assert_eq!(service.send(with_id("deploy-42")).await.header("x-request-id"), "deploy-42");
    let made = service.send(with_id("not sane")).await.header("x-request-id").to_owned();
    assert_eq!(made.len(), 36, "{made}");
    let line = eventually("the line of the request is in the log", async || {
        service.log().lines().find(|line| line.contains("deploy-42")).map(str::to_owned)
    })
    .await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["method"], "GET");
    assert_eq!(line["route"], "/api/v1/servers");
    assert_eq!(line["status"], 200);
    assert_eq!(line["caller"], "admin");
    assert!(line["duration_ms"].is_number());
    service.stop().await;
}
