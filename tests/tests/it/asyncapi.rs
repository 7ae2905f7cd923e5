//! The description of the events: valid, complete, and true.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use servertree_kernel::event::{Envelope, EventLogView, aggregate_of};
use servertree_tests::{
    Engine, Program, Service, TestDatabase, application, command, only_on, server, workspace_root,
};
use tempfile::TempDir;

fn described(program: Program, settings: &[(&str, &str)]) -> Value {
    let folder = TempDir::new().unwrap();
    let output =
        command(program, folder.path()).arg("asyncapi").envs(settings.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// With the probe: it takes all events.
#[test]
fn it_is_valid() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let schema = workspace_root().join("tests/data/asyncapi-3.0/schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for program in [Program::Servertree, Program::Probe] {
        let described = described(program, &[]);
        let faults: Vec<String> = validator.iter_errors(&described).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{faults:#?}");
        assert_no_loose_ends(&described, &described);
    }
    let mut broken = described(Program::Servertree, &[]);
    broken["channels"]["server.domain_events"]["address"] = json!(7);
    assert!(!validator.is_valid(&broken), "the schema refuses nothing");
}

/// Whatever is referred to is there.
fn assert_no_loose_ends(part: &Value, all: &Value) {
    if let Some(reference) = part["$ref"].as_str() {
        assert!(all.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    let parts = part.as_object().into_iter().flat_map(|object| object.values());
    parts.chain(part.as_array().into_iter().flatten()).for_each(|part| assert_no_loose_ends(part, all));
}

#[test]
fn every_event_of_the_page_is_in_it() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let page = std::fs::read_to_string(workspace_root().join("docs/EVENTS.md")).unwrap();
    let listed: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let described = described(Program::Servertree, &[]);
    let messages: BTreeSet<&str> = keys(&described["components"]["messages"]).into_iter().collect();
    assert_eq!(messages, listed);
    let mut in_channels = BTreeSet::new();
    let mut sent = BTreeSet::new();
    for (name, channel) in described["channels"].as_object().unwrap() {
        let aggregate = name.strip_suffix(".domain_events").unwrap();
        let names = keys(&channel["messages"]);
        assert!(
            names.iter().all(|name| name.starts_with(&format!("{aggregate}."))),
            "{aggregate}: {names:?}"
        );
        assert_eq!(channel["bindings"]["amqp"]["exchange"]["name"], *name);
        assert_eq!(channel["parameters"]["type"]["enum"], json!(names));
        in_channels.extend(names);
    }
    for operation in described["operations"].as_object().unwrap().values() {
        let messages = operation["messages"].as_array().unwrap().iter();
        let names = messages.map(|message| message["$ref"].as_str().unwrap().rsplit('/').next().unwrap());
        if operation["action"] == "send" {
            sent.extend(names);
        }
    }
    assert_eq!((&in_channels, &sent), (&listed, &listed));
}

#[test]
fn it_is_of_the_contexts_that_are_enabled() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let described = described(Program::Probe, &[("SERVERTREE_CONTEXTS__ENABLED", r#"["server","probe"]"#)]);
    // Of the applications it hears, whoever tells of them.
    assert_eq!(keys(&described["channels"]), ["application.domain_events", "server.domain_events"]);
    let operations = [
        "probe.everything.application.receive",
        "probe.everything.server.receive",
        "server.applications.application.receive",
        "server.server.send",
    ];
    assert_eq!(keys(&described["operations"]), operations);
}

/// What is in the log is what was described: envelopes of events of each kind of aggregate.
#[tokio::test]
async fn what_it_says_of_events_is_true() {
    let folder = TempDir::new().unwrap();
    let place = Arc::new(TestDatabase::new(&folder.path().join("test.db")).await);
    let service = Service::builder().database(&place).start().await;
    let mut draft = server("web-1");
    draft["credentials"] = json!([{"connection_type": "ssh", "username": "root", "password": "secret"}]);
    let created = service.post("/api/v1/servers", &draft).await.json();
    let path = format!("/api/v1/servers/{}", created["id"].as_str().unwrap());
    service.put(&path, &server("web-2")).await;
    service.put(&format!("{path}/status"), &json!({"status": "running"})).await;
    service.delete(&path).await;
    let grant =
        json!({"action": "read", "object_type": "server", "condition": {"environment": {"eq": "test"}}});
    service.post("/api/v1/roles", &json!({"name": "tester", "grants": [grant]})).await;
    service.post("/api/v1/applications", &application("nginx", "1.27")).await;
    service.post("/api/v1/account/tokens", &json!({"name": "backup job"})).await;
    service.stop().await;

    let described = described(Program::Servertree, &[]);
    let events = EventLogView::new(place.open().await).events(None).await.unwrap();
    let channel_of = |event: &Envelope| format!("{}.domain_events", aggregate_of(&event.event_type));
    let channels: BTreeSet<String> = events.iter().map(channel_of).collect();
    let silent: Vec<&str> =
        keys(&described["channels"]).into_iter().filter(|channel| !channels.contains(*channel)).collect();
    assert!(silent.is_empty(), "of these nothing happens in this test, and something has to: {silent:?}");
    for event in events {
        let pointer = format!("/components/messages/{}/payload", event.event_type);
        let mut schema = described.pointer(&pointer).unwrap().clone();
        schema["components"] = described["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let json = serde_json::to_value(&event).unwrap();
        let faults: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}: {json}");
    }
}
