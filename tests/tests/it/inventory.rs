//! A real inventory: 557 servers of the Fedora infrastructure as of 2019.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use servertree_tests::{Service, fedora_servers, server};

#[tokio::test]
async fn a_real_inventory_is_kept_as_it_is() {
    let service = Service::probed().start().await;
    let servers = fedora_servers();
    assert_eq!(servers.len(), 557);

    let mut ids = Vec::new();
    for server in &servers {
        let answer = service.post("/api/v1/servers", server).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        ids.push(answer.json()["id"].as_str().unwrap().to_owned());
    }

    for (id, server) in ids.iter().zip(&servers) {
        let found = service.get(&format!("/api/v1/servers/{id}")).await.json();
        let fields = server.as_object().unwrap();
        assert!(fields.iter().all(|(name, value)| found[name] == *value), "{found} is not {server}");
    }

    assert_eq!(service.get("/api/v1/servers?limit=1").await.json()["total"], 557);
    let names = |servers: &[Value]| -> Vec<String> {
        servers.iter().map(|server| server["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut expected = names(&servers);
    expected.sort();
    assert_eq!(names(&service.all_servers().await), expected);

    let delivered = service.delivered().await;
    assert_eq!(delivered.len(), 557);
    assert!(delivered.iter().all(|event| event.event_type == "server.registered" && event.revision == 1));
    let subjects: Vec<String> = delivered.iter().map(|event| event.subject.to_string()).collect();
    assert_eq!(subjects, ids, "the events are not in the order in which the servers were registered");

    check_counts(&service, &servers).await;
    // While somebody else comes and goes.
    let done = AtomicBool::new(false);
    let paging = async {
        check_cursors(&service, &expected).await;
        done.store(true, Ordering::SeqCst);
    };
    let guests = come_and_go(&service, &done);
    let ((), guests) = tokio::join!(paging, guests);
    assert!(guests > 0, "nobody came while the list was paged");

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

/// Registers servers all over the alphabet and discards them again; answers how many.
async fn come_and_go(service: &Service, done: &AtomicBool) -> usize {
    let mut count = 0;
    while !done.load(Ordering::SeqCst) {
        let name = format!("{}-guest-{count}", ["a", "m", "z"][count % 3]);
        let guest = service.post("/api/v1/servers", &server(&name)).await;
        assert_eq!(service.delete(guest.header("location")).await.status, 204);
        count += 1;
    }
    count
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
