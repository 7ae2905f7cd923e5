//! Credentials through the API, and where their passwords must not be.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use servertree_tests::{Service, server};

use crate::starting::run;

/// What no file, answer or line of the log may hold, in any form.
const PASSWORD: &str = "correct-horse-battery-staple";

fn ssh(password: &str) -> Value {
    json!({"connection_type": "ssh", "username": "root", "password": password, "local_ip": "198.18.0.5", "local_port": 22})
}

#[tokio::test]
async fn a_credential_through_its_life() {
    let service = Service::probed().start().await;
    let web = service.post("/api/v1/servers", &server("web-1")).await.header("location").to_owned();
    let added = service.post(&format!("{web}/credentials"), &ssh(PASSWORD)).await;
    assert_eq!(added.status, 201, "{added:?}");
    let path = added.header("location").to_owned();
    let shown = added.json();
    assert_eq!(path, format!("{web}/credentials/{}", shown["id"].as_str().unwrap()));
    assert!(added.header("etag").starts_with("\"2-"), "{added:?}");
    let expected = json!({"id": shown["id"], "connection_type": "ssh", "username": "root", "has_password": true,
        "local_ip": "198.18.0.5", "local_port": 22, "public_ip": null, "public_port": null});
    assert_eq!(shown, expected);
    let found = service.get(&path).await;
    assert_eq!((found.json(), found.header("etag")), (shown.clone(), added.header("etag")));
    assert_eq!(service.get(&web).await.json()["credentials"], json!([shown]));
    assert_eq!(service.get("/api/v1/servers").await.json()["items"][0]["credentials"], json!([shown]));

    let mut changed = shown.clone();
    changed["username"] = json!("admin");
    let put = service.request("PUT", &path).header("If-Match", "\"1-0\"").json(&changed);
    service.send(put).await.problem(412, "stale_revision");
    let put = service.put(&path, &changed).await;
    assert_eq!((put.status, put.json()["username"].clone()), (200, json!("admin")), "{put:?}");

    let revealed = service.post(&format!("{path}/reveal"), &json!({"reason": "disk full"})).await;
    assert_eq!((revealed.status, revealed.json()), (200, json!({"password": PASSWORD})));
    assert_eq!(revealed.header("cache-control"), "no-store");

    assert_eq!(service.delete(&path).await.status, 204);
    service.delete(&path).await.problem(404, "not_found");
    service.get(&path).await.problem(404, "not_found");
    service.post(&format!("{path}/reveal"), &json!({"reason": "again"})).await.problem(404, "not_found");
    assert_eq!(service.get(&web).await.json()["credentials"], json!([]));

    let delivered: Vec<_> =
        service.delivered_of("server.").await.into_iter().map(|event| event.event_type).collect();
    let expected =
        ["registered", "credential.added", "credential.changed", "credential.revealed", "credential.removed"];
    assert_eq!(delivered, expected.map(|name| format!("server.{name}")));
    service.stop().await;
}

/// What GET gives can be put back, and patched: no password is lost, nothing changes that was not named.
#[tokio::test]
async fn a_put_of_what_get_gave_changes_nothing() {
    let service = Service::start().await;
    let mut body = server("web-1");
    body["credentials"] = json!([ssh(PASSWORD), {"connection_type": "rdp", "username": "Administrator"}]);
    let created = service.post("/api/v1/servers", &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    let web = created.header("location").to_owned();
    let put = service.put(&web, &created.json()).await;
    assert_eq!((put.status, put.json(), put.header("etag")), (200, created.json(), created.header("etag")));

    let patched = service.send(service.request("PATCH", &web).json(&json!({"cpu_cores": 8}))).await;
    assert_eq!(patched.json()["credentials"], created.json()["credentials"]);
    // An array is replaced as a whole, by the same rule: the first keeps its password, the second goes.
    let first = &created.json()["credentials"][0];
    let kept = json!({"credentials": [{"id": first["id"], "connection_type": "ssh", "username": "admin"}]});
    let patched = service.send(service.request("PATCH", &web).json(&kept)).await.json();
    assert_eq!((patched["credentials"].as_array().unwrap().len(), &patched["revision"]), (1, &json!(3)));
    let reveal = format!("{web}/credentials/{}/reveal", first["id"].as_str().unwrap());
    let reveal = async || service.post(&reveal, &json!({"reason": "test"})).await;
    assert_eq!(reveal().await.json()["password"], PASSWORD);

    let mut without = patched.clone();
    without["credentials"][0]["password"] = json!(null);
    assert_eq!(service.put(&web, &without).await.json()["credentials"][0]["has_password"], false);
    reveal().await.problem(409, "credential_without_password");
    // Whoever does not get to see credentials does not remove them, either.
    let mut unseen = service.get(&web).await.json();
    unseen.as_object_mut().unwrap().remove("credentials");
    assert_eq!(service.put(&web, &unseen).await.json()["credentials"].as_array().unwrap().len(), 1);
    unseen["credentials"] = json!(null);
    service.put(&web, &unseen).await.problem(422, "invalid_fields");
    // In a patch null removes, as it does any other field that may be missing.
    let none = service.send(service.request("PATCH", &web).json(&json!({"credentials": null}))).await;
    assert_eq!(none.json()["credentials"], json!([]), "{none:?}");
    service.stop().await;
}

#[tokio::test]
async fn faulty_credentials_are_named() {
    let service = Service::start().await;
    let web = service.post("/api/v1/servers", &server("web-1")).await.header("location").to_owned();
    let credentials = format!("{web}/credentials");
    for (body, fields) in [
        (json!({}), vec!["connection_type", "username"]),
        (json!({"connection_type": "SSH", "username": ""}), vec!["connection_type", "username"]),
        (json!({"connection_type": "ssh", "username": "a\u{0}"}), vec!["username"]),
        (json!({"connection_type": "ssh", "username": "u".repeat(256)}), vec!["username"]),
        (
            json!({"connection_type": "ssh", "username": "root", "local_port": 22, "public_port": 22}),
            vec!["local_port", "public_port"],
        ),
        (
            json!({"connection_type": "ssh", "username": "root", "local_ip": "198.18.0.5", "local_port": 0}),
            vec!["local_port"],
        ),
        (
            json!({"connection_type": "ssh", "username": "root", "local_ip": "198.18.0.5", "local_port": 65536}),
            vec!["local_port"],
        ),
        (
            json!({"connection_type": "ssh", "username": "root", "local_ip": "web-1", "public_ip": "1.2.3"}),
            vec!["local_ip", "public_ip"],
        ),
        (json!({"connection_type": "ssh", "username": "root", "password": ""}), vec!["password"]),
        (json!({"connection_type": "ssh", "username": "root", "password": 7}), vec!["password"]),
        (json!({"connection_type": "ssh", "username": "root", "colour": "red"}), vec!["colour"]),
        (
            json!({"id": "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11", "connection_type": "ssh", "username": "root"}),
            vec!["id"],
        ),
    ] {
        let refused = service.post(&credentials, &body).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.fields_at_fault(), fields, "{refused:?}");
        let mut whole = server("web-1");
        whole["credentials"] = json!([body]);
        let refused = service.put(&web, &whole).await;
        refused.problem(422, "invalid_fields");
        let fields: Vec<String> = fields.iter().map(|field| format!("credentials.0.{field}")).collect();
        assert_eq!(refused.fields_at_fault(), fields, "{refused:?}");
    }
    let long = PASSWORD.repeat(400);
    let refused = service.post(&credentials, &ssh(&long)).await;
    assert!(!refused.body.contains(PASSWORD), "{refused:?}");
    refused.problem(422, "invalid_fields");
    assert_eq!(service.get(&web).await.json()["revision"], 1);

    let added = service.post(&credentials, &ssh(PASSWORD)).await.header("location").to_owned();
    for body in [json!({}), json!({"reason": " "}), json!({"reason": "x".repeat(501)})] {
        let refused = service.post(&format!("{added}/reveal"), &body).await;
        refused.problem(422, "invalid_fields");
        assert_eq!(refused.fields_at_fault(), ["reason"]);
    }
    for path in
        [format!("{web}/credentials/none"), format!("{web}/credentials/019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11")]
    {
        service.get(&path).await.problem(404, "not_found");
        service.put(&path, &ssh("x")).await.problem(404, "not_found");
        service.delete(&path).await.problem(404, "not_found");
    }
    // That of one server is none of another.
    let db = service.post("/api/v1/servers", &server("db-1")).await.header("location").to_owned();
    let foreign = added.replace(&web, &db);
    service.get(&foreign).await.problem(404, "not_found");
    service.post(&format!("{foreign}/reveal"), &json!({"reason": "theft"})).await.problem(404, "not_found");
    assert_eq!(service.delete(&web).await.status, 204);
    service.post(&credentials, &ssh("x")).await.problem(409, "server_discarded");
    service.delete(&added).await.problem(409, "server_discarded");
    service.stop().await;
}

/// Searches every byte that a scenario leaves behind, and every answer on its way, for the passwords that went through it, and for
/// the access token that all of it was asked with.
#[tokio::test]
async fn passwords_are_nowhere_but_in_the_answer_of_a_reveal() {
    let service = Service::builder().set("log.level", "trace").start().await;
    let mut answers = Vec::new();
    let mut body = server("web-1");
    body["credentials"] = json!([ssh(PASSWORD)]);
    let created = service.post("/api/v1/servers", &body).await;
    let web = created.header("location").to_owned();
    let credential =
        format!("{web}/credentials/{}", created.json()["credentials"][0]["id"].as_str().unwrap());
    answers.push(created);
    // Refused, too: what is wrong with a field is said without what is in it.
    body["credentials"][0]["local_port"] = json!(0);
    answers.push(service.post("/api/v1/servers", &body).await);
    body["name"] = json!("web-1");
    body["credentials"] = json!([ssh(PASSWORD)]);
    answers.push(service.post("/api/v1/servers", &body).await);
    let broken = format!("{{\"credentials\": [{{\"password\": \"{PASSWORD}\"}}], \"name\": }}");
    let broken =
        service.request("POST", "/api/v1/servers").header("Content-Type", "application/json").body(broken);
    answers.push(service.send(broken).await);
    answers.push(service.post(&format!("{web}/credentials"), &json!({"password": [PASSWORD]})).await);
    answers.push(service.put(&credential, &ssh(&format!("{PASSWORD}-2"))).await);
    let reveal = service.post(&format!("{credential}/reveal"), &json!({"reason": "test"})).await;
    assert_eq!(reveal.json()["password"], format!("{PASSWORD}-2"));
    let mut once = ssh(PASSWORD);
    once["username"] = json!("once");
    for _ in 0..2 {
        let once =
            service.request("POST", &format!("{web}/credentials")).header("Idempotency-Key", "1").json(&once);
        answers.push(service.send(once).await);
    }
    let patch =
        json!({"credentials": [{"connection_type": "rdp", "username": "root", "password": PASSWORD}]});
    answers.push(service.send(service.request("PATCH", &web).json(&patch)).await);
    for path in ["/api/v1/servers", web.as_str(), credential.as_str(), "/openapi.json", "/health/ready"] {
        answers.push(service.get(path).await);
    }
    let (status, output, error) = run(service.folder(), &["keys", "rotate"], &[]);
    assert_eq!(status, 0, "{output}{error}");
    for answer in &answers {
        assert!(!format!("{answer:?}").contains(PASSWORD), "{answer:?}");
    }
    // Would it be found?
    let planted = service.folder().join("planted");
    let token = service.token().to_owned();
    let secrets = [PASSWORD, &token];
    for needle in secrets.into_iter().flat_map(forms) {
        fs::write(&planted, [b"...".as_slice(), &needle, b"..."].concat()).unwrap();
        assert!(holds_one_of(&secrets, &planted), "{}", String::from_utf8_lossy(&needle));
    }
    fs::remove_file(planted).unwrap();
    // While it runs, when what was written last may be in the write-ahead log alone, and after its end.
    search(service.folder(), &secrets);
    let builder = service.stop().await;
    let service = builder.start().await;
    search(service.folder(), &secrets);
    service.stop().await;
}

/// Every file below `folder`, the database and the log among them. Of bytes, what a text looks like as UTF-16, in hexadecimal
/// and in base64 at each of its three offsets.
fn search(folder: &Path, secrets: &[&str]) {
    let mut files = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            assert!(!holds_one_of(secrets, &path), "{} holds a secret", path.display());
        }
    }
    assert!(
        files >= 4,
        "there are only {files} files to search: the database, its log, keys and the log of the service"
    );
}

fn holds_one_of(secrets: &[&str], file: &Path) -> bool {
    let bytes = fs::read(file).unwrap();
    let mut needles = secrets.iter().flat_map(|secret| forms(secret));
    needles.any(|needle| bytes.windows(needle.len()).any(|window| window == needle))
}

fn forms(text: &str) -> Vec<Vec<u8>> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hexadecimal = text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut forms = vec![text.as_bytes().to_vec(), utf16, hexadecimal.into_bytes()];
    for offset in 0..3 {
        // The first and last letters depend on what is around the text.
        let encoded = STANDARD_NO_PAD.encode([&vec![0; offset], text.as_bytes()].concat());
        forms.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
    }
    forms
}
