//! A real inventory: 557 servers of the Fedora infrastructure as of 2019, and what was installed on them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use servertree_tests::{Service, eventually, fedora_servers, server};

#[tokio::test]
async fn a_real_inventory_is_kept_as_it_is() {
    let service = Service::probed().start().await;
    let applications = service.register_fedora_applications().await;
    let servers = fedora_servers(&applications);
    assert_eq!((servers.len(), applications.len()), (557, 146));
    let names_of_applications = applications.iter().map(|(name, id)| (id.as_str(), name.as_str())).collect();

    let mut ids = Vec::new();
    for server in &servers {
        let answer = service.post("/api/v1/servers", server).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        ids.push(answer.json()["id"].as_str().unwrap().to_owned());
    }

    for (id, server) in ids.iter().zip(&servers) {
        let found = service.get(&format!("/api/v1/servers/{id}")).await.json();
        let shown = as_shown(server, &found, &names_of_applications);
        let fields = shown.as_object().unwrap();
        assert!(fields.iter().all(|(name, value)| found[name] == *value), "{found} is not {shown}");
    }

    assert_eq!(service.get("/api/v1/servers?limit=1").await.json()["total"], 557);
    let names = |servers: &[Value]| -> Vec<String> {
        servers.iter().map(|server| server["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut expected = names(&servers);
    expected.sort();
    assert_eq!(names(&service.all_servers().await), expected);

    let mut happened: Vec<Happened> = Vec::new();
    for (id, server) in ids.iter().zip(&servers) {
        happened.push((id.clone(), 1, 0, "server.registered".to_owned()));
        let credentials = server["credentials"].as_array().unwrap().iter().map(|_| "credential.added");
        let installations =
            server["applications"].as_array().unwrap().iter().map(|_| "application.installed");
        let parts = (1..).zip(credentials.chain(installations));
        happened.extend(parts.map(|(of, what)| (id.clone(), 1, of, format!("server.{what}"))));
    }
    assert_eq!(happened.iter().filter(|(.., what)| what.ends_with(".installed")).count(), 769);
    assert_eq!(events(&service).await, happened);
    check_passwords(&service, &ids, &servers, &mut happened).await;
    check_counts(&service, &servers).await;
    check_applications(&service, &servers, &applications).await;
    // While somebody else comes and goes.
    let done = AtomicBool::new(false);
    let paging = async {
        check_cursors(&service, &expected).await;
        done.store(true, Ordering::SeqCst);
    };
    let guests = come_and_go(&service, &done);
    let ((), guests) = tokio::join!(paging, guests);
    assert!(!guests.is_empty(), "nobody came while the list was paged");
    for guest in guests {
        happened.push((guest.clone(), 1, 0, "server.registered".to_owned()));
        happened.push((guest, 2, 0, "server.discarded".to_owned()));
    }
    happened.sort();
    assert_eq!(events(&service).await, happened);

    let page = service.get("/api/v1/servers?offset=550&limit=10").await.json();
    assert_eq!((&page["prev_offset"], &page["next_offset"]), (&json!(540), &json!(null)));
    let by_id: HashMap<_, _> = ids.iter().zip(&servers).collect();
    let last = &page["items"][6];
    assert_eq!(by_id[&last["id"].as_str().unwrap().to_owned()]["name"], last["name"]);
    service.stop().await;
}

/// Counts by the API are those of the file.
async fn check_counts(service: &Service, servers: &[Value]) {
    let count =
        |condition: &dyn Fn(&Value) -> bool| servers.iter().filter(|server| condition(server)).count();
    let ask = async |filter: Value, sort: &str| {
        let query = [("filter", filter.to_string()), ("sort", sort.to_owned()), ("limit", "500".to_owned())];
        service.send(service.request("GET", "/api/v1/servers").query(&query)).await.json()
    };
    let by_name = r#"[{"name":"asc"}]"#;
    for environment in ["production", "staging", "development", "nowhere"] {
        let found = ask(json!({"environment": {"eq": environment}}), by_name).await;
        assert_eq!(found["total"], count(&|server| server["environment"] == environment), "{environment}");
    }
    let systems: HashSet<String> =
        servers.iter().map(|server| server["operating_system"].to_string()).collect();
    for system in systems {
        let system: Value = serde_json::from_str(&system).unwrap();
        let filter = json!({
            "operating_system.name": {"eq": system["name"]},
            "operating_system.version": {"eq": system["version"]},
            "operating_system.architecture": {"eq": system["architecture"]},
        });
        let found = ask(filter, by_name).await;
        assert_eq!(found["total"], count(&|server| server["operating_system"] == system), "{system}");
    }
    // Each credential has an address of its own.
    for server in servers.iter().filter(|server| server["credentials"][0]["local_ip"].is_string()).step_by(50)
    {
        let ip = &server["credentials"][0]["local_ip"];
        let found =
            ask(json!({"credentials.local_ip": {"eq": ip}, "credentials.local_port": {"eq": 22}}), by_name)
                .await;
        assert_eq!((&found["total"], &found["items"][0]["name"]), (&json!(1), &server["name"]), "{ip}");
    }
    let none = ask(json!({"credentials": {"em": true}}), by_name).await;
    assert_eq!(none["total"], count(&|server| server["credentials"] == json!([])));
    let large = ask(json!({"ram_mib": {"ge": 16_384}}), r#"[{"ram_mib":"desc"},{"name":"asc"}]"#).await;
    let mut expected: Vec<(u64, &str)> = servers
        .iter()
        .map(|server| (server["ram_mib"].as_u64().unwrap(), server["name"].as_str().unwrap()))
        .filter(|(ram, _)| *ram >= 16_384)
        .collect();
    expected.sort_by(|(ram, name), (other_ram, other)| other_ram.cmp(ram).then(name.cmp(other)));
    let found: Vec<(u64, &str)> = large["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|server| (server["ram_mib"].as_u64().unwrap(), server["name"].as_str().unwrap()))
        .collect();
    assert_eq!(found, expected);
}

/// Servers are found by the applications that the file says are on them; of one that is discarded, just those show it.
async fn check_applications(service: &Service, servers: &[Value], applications: &HashMap<String, String>) {
    let names_with = |id: &str| -> Vec<String> {
        let has = |server: &&Value| {
            server["applications"].as_array().unwrap().iter().any(|one| one["application_id"] == id)
        };
        let mut names: Vec<String> =
            servers.iter().filter(has).map(|server| server["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let names_of = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|server| server["name"].as_str().unwrap().to_owned()).collect()
    };
    let ask = async |path: &str, parameter: &str, value: &str| {
        let query = [(parameter, value), ("limit", "500"), ("fields", "name")];
        service.send(service.request("GET", path).query(&query)).await.json()
    };
    let mut most = "";
    for (name, id) in applications {
        let expected = names_with(id);
        let found =
            ask("/api/v1/servers", "filter", &json!({"applications.name": {"eq": name}}).to_string()).await;
        assert_eq!(names_of(&found), expected, "{name}");
        let found = ask(&format!("/api/v1/applications/{id}/servers"), "q", "").await;
        assert_eq!(names_of(&found), expected, "{name}");
        if expected.len() > names_with(most).len() {
            most = id;
        }
    }
    let none = ask("/api/v1/servers", "filter", r#"{"applications":{"em":true}}"#).await;
    assert_eq!(none["total"], 34);

    let path = format!("/api/v1/applications/{most}");
    let expected = names_with(most);
    assert!(expected.len() > 20, "{expected:?}");
    assert_eq!(service.delete(&path).await.status, 204);
    let discarded = r#"{"applications.application_discarded":{"eq":true}}"#;
    eventually("it shows", async || {
        let found = ask("/api/v1/servers", "filter", discarded).await;
        (found["total"] != 0).then(|| assert_eq!(names_of(&found), expected))
    })
    .await;
    let found = ask(&format!("{path}/servers"), "filter", discarded).await;
    assert_eq!(names_of(&found), expected);
    let restore = service.request("POST", &format!("{path}/restore"));
    assert_eq!(service.send(restore).await.status, 200);
}

/// A server as GET shows it, which was registered as `server`: its credentials have an id, and passwords are not shown; what is
/// installed is shown with its name, and by it.
fn as_shown(server: &Value, found: &Value, names: &HashMap<&str, &str>) -> Value {
    let mut shown = server.clone();
    let installations = shown["applications"].as_array_mut().unwrap();
    for installation in installations.iter_mut() {
        installation["name"] = json!(names[installation["application_id"].as_str().unwrap()]);
        installation["version"] = json!("2019.12");
        installation["application_discarded"] = json!(false);
    }
    installations.sort_by_key(|installation| installation["name"].as_str().unwrap().to_lowercase());
    for (position, credential) in shown["credentials"].as_array_mut().unwrap().iter_mut().enumerate() {
        let credential = credential.as_object_mut().unwrap();
        credential.remove("password");
        credential.insert("has_password".to_owned(), json!(true));
        credential.insert("id".to_owned(), found["credentials"][position]["id"].clone());
    }
    shown
}

/// Subject, revision, sequence and name of an event.
type Happened = (String, i64, i64, String);

/// All that was delivered of servers, sorted: servers are registered in the order of their ids.
async fn events(service: &Service) -> Vec<Happened> {
    let delivered = service.delivered_of("server.").await.into_iter();
    let mut events: Vec<Happened> = delivered
        .map(|event| (event.subject.to_string(), event.revision, event.sequence, event.event_type))
        .collect();
    events.sort();
    events
}

/// Every tenth password is what the file says; the reveals happened, too.
async fn check_passwords(service: &Service, ids: &[String], servers: &[Value], happened: &mut Vec<Happened>) {
    let with_credential = ids.iter().zip(servers).filter(|(_, server)| server["credentials"][0].is_object());
    for (id, server) in with_credential.step_by(10) {
        let found = service.get(&format!("/api/v1/servers/{id}")).await.json();
        let credential = found["credentials"][0]["id"].as_str().unwrap();
        let path = format!("/api/v1/servers/{id}/credentials/{credential}/reveal");
        let revealed = service.post(&path, &json!({"reason": "test"})).await.json();
        assert_eq!(revealed["password"], server["credentials"][0]["password"], "{id}");
        happened.push((id.clone(), 2, 0, "server.credential.revealed".to_owned()));
    }
}

/// Registers servers all over the alphabet and discards them again; answers their ids.
async fn come_and_go(service: &Service, done: &AtomicBool) -> Vec<String> {
    let mut ids = Vec::new();
    while !done.load(Ordering::SeqCst) {
        let count = ids.len();
        let name = format!("{}-guest-{count}", ["a", "m", "z"][count % 3]);
        let guest = service.post("/api/v1/servers", &server(&name)).await;
        assert_eq!(service.delete(guest.header("location")).await.status, 204);
        ids.push(guest.json()["id"].as_str().unwrap().to_owned());
    }
    ids
}

/// Through the list by cursors and back again, each server once.
async fn check_cursors(service: &Service, names: &[String]) {
    let ask = async |cursor: Option<&str>| {
        let mut query = vec![("limit", "50"), ("fields", "name"), ("count", "none")];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        service.send(service.request("GET", "/api/v1/servers").query(&query)).await.json()
    };
    let names_of = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        let names = items.map(|server| server["name"].as_str().unwrap().to_owned());
        names.filter(|name| !name.contains("-guest-")).collect()
    };
    let mut page = ask(None).await;
    assert_eq!(page["items"][0].as_object().unwrap().len(), 1, "only the name was asked for");
    let mut forth = names_of(&page);
    while let Some(next) = page["next_cursor"].as_str() {
        page = ask(Some(next)).await;
        forth.extend(names_of(&page));
    }
    assert_eq!(forth, names);
    let mut back = names_of(&page);
    while let Some(prev) = page["prev_cursor"].as_str() {
        page = ask(Some(prev)).await;
        back.splice(0..0, names_of(&page));
    }
    assert_eq!(back, names);
}
