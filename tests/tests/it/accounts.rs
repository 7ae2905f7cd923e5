//! Accounts from outside: sign-up, log-in, sessions, tokens, passwords, cookies.

use futures_util::future::join_all;
use serde_json::{Value, json};
use servertree_tests::{Answer, Service, eventually, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PASSWORD: &str = "correct horse battery";

fn credentials(username: &str, password: &str) -> Value {
    json!({"username": username, "password": password})
}

async fn sign_up(service: &Service, username: &str, password: &str) -> Answer {
    service
        .send(service.anonymous("POST", "/api/v1/account/signup").json(&credentials(username, password)))
        .await
}

async fn try_log_in(service: &Service, username: &str, password: &str) -> Answer {
    service
        .send(service.anonymous("POST", "/api/v1/account/login").json(&credentials(username, password)))
        .await
}

async fn get_as(service: &Service, token: &str, path: &str) -> Answer {
    service.send(service.request_as(token, "GET", path)).await
}

#[tokio::test]
async fn an_account_from_its_beginning_to_a_new_password() {
    let service = Service::start().await;
    let signed_up = sign_up(&service, "Ada.L", PASSWORD).await;
    assert_eq!((signed_up.status, signed_up.header("location")), (201, "/api/v1/account/me"));
    assert_eq!(signed_up.json()["username"], "ada.l");
    assert_eq!(signed_up.json()["roles"], json!(["user"]));
    sign_up(&service, "ada.l", PASSWORD).await.problem(409, "username_taken");

    let logged_in = try_log_in(&service, "ADA.L", PASSWORD).await;
    assert_eq!((logged_in.status, logged_in.header("cache-control")), (200, "no-store"));
    let body = logged_in.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["user"], json!({"id": signed_up.json()["id"], "username": "ada.l", "roles": ["user"]}));
    let token = body["access_token"].as_str().unwrap();
    let cookie = logged_in.header("set-cookie");
    for part in [token, "HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{part} is not in {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");

    assert_eq!(get_as(&service, token, "/api/v1/account/me").await.json()["username"], "ada.l");
    get_as(&service, token, "/api/v1/servers").await.problem(403, "not_permitted");
    let again =
        service.request_as(token, "POST", "/api/v1/account/login").json(&credentials("ada.l", PASSWORD));
    service.send(again).await.problem(409, "logged_in");
    let again =
        service.request_as(token, "POST", "/api/v1/account/signup").json(&credentials("eve", PASSWORD));
    service.send(again).await.problem(409, "logged_in");

    let renewed = service.send(service.request_as(token, "POST", "/api/v1/account/renew")).await;
    assert_eq!(renewed.status, 200);
    let second = renewed.json()["access_token"].as_str().unwrap().to_owned();
    let sessions = get_as(&service, &second, "/api/v1/account/sessions").await.json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1, "it is the same session: {sessions}");

    let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    let request = |body: Value| service.request_as(&second, "PUT", "/api/v1/account/password").json(&body);
    let wrong = service.send(request(change("wrong horse battery", "another horse battery"))).await;
    wrong.problem(403, "wrong_password");
    let common = service.send(request(change(PASSWORD, "qwertyuiop"))).await;
    assert_eq!(common.problem(422, "invalid_fields")["errors"][0]["code"], "too_common");
    let changed = service.send(request(change(PASSWORD, "another horse battery"))).await;
    assert_eq!(changed.status, 204);
    for token in [token, &second] {
        get_as(&service, token, "/api/v1/account/me").await.problem(401, "not_authenticated");
    }
    try_log_in(&service, "ada.l", PASSWORD).await.problem(401, "wrong_credentials");
    assert_eq!(try_log_in(&service, "ada.l", "another horse battery").await.status, 200);
    assert!(!service.log().contains("horse battery"), "a password is in the log");
    service.stop().await;
}

#[tokio::test]
async fn bad_names_and_passwords_are_named() {
    let service = Service::start().await;
    for (username, password, field, code) in [
        ("ab", PASSWORD, "username", "too_short"),
        ("a b c", PASSWORD, "username", "invalid_format"),
        ("anonymous", PASSWORD, "username", "reserved"),
        ("local-operator", PASSWORD, "username", "reserved"),
        ("ada", "short", "password", "too_short"),
        ("ada", "password123", "password", "too_common"),
        ("ada", "aaaaaaaaaaaa", "password", "too_common"),
        ("ada.lovelace", "Ada.Lovelace", "password", "too_common"),
    ] {
        let refused = sign_up(&service, username, password).await;
        let problem = refused.problem(422, "invalid_fields");
        assert_eq!(
            (&problem["errors"][0]["field"], &problem["errors"][0]["code"]),
            (&json!(field), &json!(code))
        );
        assert!(!refused.body.contains(password) || password == "short", "{refused:?}");
    }
    service.stop().await;
}

#[tokio::test]
async fn sign_up_can_be_closed() {
    let service = Service::builder().set("accounts.signup", "false").start().await;
    sign_up(&service, "ada", PASSWORD).await.problem(403, "sign_up_closed");
    service.stop().await;
}

/// As a browser does it: the cookie alone, and what writes only from a page of ours.
#[tokio::test]
async fn cookies_log_in_and_write_from_our_own_pages_alone() {
    let service = Service::builder().set("http.public_url", "https://inventory.example.org").start().await;
    let cookie = format!("__Host-servertree_token={}", service.token());
    let with = |method: &str, path: &str| service.anonymous(method, path).header("Cookie", &cookie);
    assert_eq!(service.send(with("GET", "/api/v1/servers")).await.status, 200);
    let post = || with("POST", "/api/v1/servers").json(&server("web-1"));
    service.send(post()).await.problem(403, "foreign_origin");
    for foreign in ["https://evil.example", "null", "http://inventory.example.org"] {
        service.send(post().header("Origin", foreign)).await.problem(403, "foreign_origin");
    }
    let ours = post().header("Origin", "https://inventory.example.org");
    assert_eq!(service.send(ours).await.status, 201);
    let login = service
        .anonymous("POST", "/api/v1/account/login")
        .header("Origin", "https://evil.example")
        .json(&credentials("admin", PASSWORD));
    service.send(login).await.problem(403, "foreign_origin");
    let out = with("POST", "/api/v1/account/logout").header("Origin", "https://inventory.example.org");
    let out = service.send(out).await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{out:?}");
    service.send(with("GET", "/api/v1/servers")).await.problem(401, "not_authenticated");
    service.stop().await;
}

#[tokio::test]
async fn tokens_are_for_programs() {
    let service = Service::start().await;
    let created = service.post("/api/v1/account/tokens", &json!({"name": "backup", "read_only": true})).await;
    assert_eq!((created.status, created.header("cache-control")), (201, "no-store"));
    let token = created.json()["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("st_") && token.len() == 46, "{token}");
    assert_eq!(get_as(&service, &token, "/api/v1/servers").await.status, 200);
    let write = service.request_as(&token, "POST", "/api/v1/servers").json(&server("web-1"));
    service.send(write).await.problem(403, "not_permitted");
    let listed = service.get("/api/v1/account/tokens").await;
    assert!(!listed.body.contains(&token));
    assert_eq!(listed.json()["items"][0]["name"], "backup");

    let writing = service.post("/api/v1/account/tokens", &json!({"name": "deploy"})).await.json();
    let writing = writing["token"].as_str().unwrap();
    let write = service.request_as(writing, "POST", "/api/v1/servers").json(&server("web-1"));
    assert_eq!(service.send(write).await.status, 201);
    for (method, path, body) in [
        ("POST", "/api/v1/account/tokens", json!({"name": "more"})),
        (
            "PUT",
            "/api/v1/account/password",
            json!({"current_password": PASSWORD, "new_password": "horse horse horse"}),
        ),
        ("POST", "/api/v1/users", json!({"username": "eve", "password": PASSWORD})),
        ("POST", "/api/v1/account/logout", Value::Null),
    ] {
        let request = service.request_as(writing, method, path).json(&body);
        service.send(request).await.problem(403, "session_needed");
    }
    for expires_at in ["2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "tomorrow"] {
        let body = json!({"name": "bad", "expires_at": expires_at});
        let refused = service.post("/api/v1/account/tokens", &body).await;
        assert_eq!(refused.fields_at_fault(), ["expires_at"], "{expires_at}");
    }
    let removed = service.delete(created.header("location")).await;
    assert_eq!(removed.status, 204);
    get_as(&service, &token, "/api/v1/servers").await.problem(401, "not_authenticated");
    service.stop().await;
}

/// While others go on asking with it, what ended is refused from the very next request on.
#[tokio::test]
async fn what_ended_is_refused_under_load() {
    let service = Service::start().await;
    let user = json!({"username": "ada", "password": PASSWORD, "roles": ["viewer"]});
    let ada = service.post("/api/v1/users", &user).await.json();
    let path = |what: &str| format!("/api/v1/users/{}/{what}", ada["id"].as_str().unwrap());
    let load = async |token: &str, stop: &tokio::sync::Notify| {
        let stopped = stop.notified();
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                () = &mut stopped => return,
                _ = service.send(service.request_as(token, "GET", "/api/v1/servers?limit=1")) => {}
            }
        }
    };
    for way in ["role", "inactivated", "logged out", "session", "token"] {
        let mut token = service.log_in("ada", PASSWORD).await;
        let session = token.clone();
        let mut id = String::new();
        if way == "token" {
            let request =
                service.request_as(&session, "POST", "/api/v1/account/tokens").json(&json!({"name": "x"}));
            let created = service.send(request).await.json();
            token = created["token"].as_str().unwrap().to_owned();
            id = created["id"].as_str().unwrap().to_owned();
        }
        let stop = tokio::sync::Notify::new();
        let end = async {
            // The load has begun when it has been let through.
            assert_eq!(get_as(&service, &token, "/api/v1/servers").await.status, 200, "{way}");
            let ended = match way {
                "role" => service.put(&path("roles"), &json!({"roles": []})).await,
                "inactivated" => service.post(&path("inactivate"), &Value::Null).await,
                "logged out" => {
                    service.send(service.request_as(&session, "POST", "/api/v1/account/logout")).await
                }
                "session" => {
                    let sessions = get_as(&service, &session, "/api/v1/account/sessions").await.json();
                    let current =
                        sessions["items"].as_array().unwrap().iter().find(|one| one["current"] == true);
                    let path =
                        format!("/api/v1/account/sessions/{}", current.unwrap()["id"].as_str().unwrap());
                    service.send(service.request_as(&session, "DELETE", &path)).await
                }
                _ => {
                    let path = format!("/api/v1/account/tokens/{id}");
                    service.send(service.request_as(&session, "DELETE", &path)).await
                }
            };
            assert!([200, 204].contains(&ended.status), "{way}: {ended:?}");
            let next = get_as(&service, &token, "/api/v1/servers").await;
            assert_eq!(next.status, if way == "role" { 403 } else { 401 }, "{way}: {next:?}");
            stop.notify_waiters();
            stop.notify_one();
        };
        let stops: Vec<_> = (0..4).map(|_| load(&token, &stop)).collect();
        tokio::select! {
            () = end => {}
            _ = join_all(stops) => {}
        }
        service.post(&path("reactivate"), &Value::Null).await;
        service.put(&path("roles"), &json!({"roles": ["viewer"]})).await;
    }
    service.stop().await;
}

/// Who asks is asked again when the body has arrived: it may have taken its time.
#[tokio::test]
async fn what_ended_while_the_body_was_on_its_way_is_refused() {
    let service = Service::start().await;
    let user = json!({"username": "ada", "password": PASSWORD, "roles": ["operator"]});
    assert_eq!(service.post("/api/v1/users", &user).await.status, 201);
    let token = service.log_in("ada", PASSWORD).await;
    let body = server("web-1").to_string();
    let head = format!(
        "POST /api/v1/servers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // Answered on another connection: by then the first one has been taken, too.
    assert_eq!(get_as(&service, &token, "/api/v1/servers").await.status, 200);
    let out = service.send(service.request_as(&token, "POST", "/api/v1/account/logout")).await;
    assert_eq!(out.status, 204);
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(service.get("/api/v1/servers").await.json()["total"], 0);
    service.stop().await;
}

/// A flood of log-ins waits its turn, or is turned away; nobody else waits for it.
#[tokio::test]
async fn a_flood_of_log_ins_stalls_nobody() {
    let service = Service::start().await;
    let flood = (0..200).map(|number| {
        let service = &service;
        async move { try_log_in(service, &format!("name-{number}"), "wrong horse battery").await.status }
    });
    let others = async {
        for number in 0..20 {
            assert_eq!(service.post("/api/v1/servers", &server(&format!("web-{number}"))).await.status, 201);
            assert_eq!(service.get("/api/v1/servers?limit=5").await.status, 200);
        }
    };
    let (answered, ()) = futures_util::future::join(join_all(flood), others).await;
    let count = |status: u16| answered.iter().filter(|one| **one == status).count();
    assert_eq!(count(401) + count(429) + count(503), 200, "{answered:?}");
    assert!(count(401) > 0 && count(429) > 0, "{answered:?}");
    service.stop().await;
}

#[tokio::test]
async fn guessing_is_refused_and_the_owner_is_not() {
    let service = Service::builder().set("http.trusted_proxies", "[\"127.0.0.1\"]").start().await;
    let user = json!({"username": "ada", "password": PASSWORD});
    assert_eq!(service.post("/api/v1/users", &user).await.status, 201);
    let log_in_from = async |address: &str, password: &str| {
        let request = service.anonymous("POST", "/api/v1/account/login").header("X-Forwarded-For", address);
        service.send(request.json(&credentials("ada", password))).await
    };
    assert_eq!(log_in_from("198.18.0.1", PASSWORD).await.status, 200);
    let mut refused = None;
    for number in 0..30 {
        let answer = log_in_from(&format!("198.18.1.{number}"), "wrong horse battery").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        answer.problem(401, "wrong_credentials");
    }
    let refused = refused.expect("a refusal after so many guesses");
    refused.problem(429, "too_many_attempts");
    assert!((1..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()), "{refused:?}");
    log_in_from("198.18.9.9", PASSWORD).await.problem(429, "too_many_attempts");
    assert_eq!(
        log_in_from("198.18.0.1", PASSWORD).await.status,
        200,
        "the owner, from where they were before"
    );
    service.stop().await;
}

/// Without a proxy that is trusted, nobody says where they come from.
#[tokio::test]
async fn where_they_come_from_is_not_for_strangers_to_say() {
    let service = Service::start().await;
    let request = service.anonymous("POST", "/api/v1/account/login").header("X-Forwarded-For", "198.18.0.1");
    let user = json!({"username": "ada", "password": PASSWORD});
    assert_eq!(service.post("/api/v1/users", &user).await.status, 201);
    let token = service.send(request.json(&user)).await.json()["access_token"].as_str().unwrap().to_owned();
    let sessions = get_as(&service, &token, "/api/v1/account/sessions").await.json();
    assert_eq!(sessions["items"][0]["address"], "127.0.0.1");
    service.stop().await;
}

/// What another process does to accounts holds here soon.
#[tokio::test]
async fn a_password_that_was_reset_by_hand_ends_sessions_of_a_running_service() {
    let service = Service::start().await;
    let reset = super::starting::run_with_input(
        service.folder(),
        &["admin", "reset-password", "admin"],
        "battery horse correct\n",
    );
    assert_eq!(reset.0, 0, "{reset:?}");
    assert!(!format!("{reset:?}").contains("battery"), "{reset:?}");
    eventually("the session is over", async || {
        (service.get("/api/v1/account/me").await.status == 401).then_some(())
    })
    .await;
    assert_eq!(try_log_in(&service, "admin", "battery horse correct").await.status, 200);
    let created = super::starting::run_with_input(service.folder(), &["admin", "create", "grace"], "short\n");
    assert_eq!(created.0, 2);
    assert!(created.2.contains("password") && created.2.contains("10 to 256"), "{created:?}");
    let created = super::starting::run_with_input(service.folder(), &["admin", "create", "grace"], PASSWORD);
    assert_eq!(created.0, 0, "{created:?}");
    let grace = try_log_in(&service, "grace", PASSWORD).await;
    assert_eq!(grace.json()["user"]["roles"], json!(["super_admin"]));
    service.stop().await;
}

#[tokio::test]
async fn the_first_administrator_has_a_password_of_their_own() {
    use std::os::unix::fs::PermissionsExt;
    let service = Service::start().await;
    let file = service.folder().join("data/initial-admin-password");
    let password = std::fs::read_to_string(&file).unwrap();
    assert_eq!(password.trim().len(), 43);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let log = service.log();
    assert!(log.contains("initial-admin-password") && !log.contains(password.trim()));
    let service = service.stop().await.start().await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), password, "there is one first start");
    service.stop().await;
}
