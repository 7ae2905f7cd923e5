//! A real inventory: 557 servers of the Fedora infrastructure as of 2019.

use std::collections::HashMap;

use serde_json::{Value, json};
use servertree_tests::{Service, fedora_servers};

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

    let page = service.get("/api/v1/servers?offset=550&limit=10").await.json();
    assert_eq!((&page["prev_offset"], &page["next_offset"]), (&json!(540), &json!(null)));
    let by_id: HashMap<_, _> = ids.iter().zip(&servers).collect();
    let last = &page["items"][6];
    assert_eq!(by_id[&last["id"].as_str().unwrap().to_owned()]["name"], last["name"]);
    service.stop().await;
}
