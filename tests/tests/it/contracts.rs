//! The contract of events: what is promised is pinned, what was promised is kept, and what is read is promised.
//!
//! Each event has its schema in `docs/events/<name>.v<version>.json`. A change of an event changes its schema, which fails here, so
//! that nobody breaks a promise without noticing: `TEST_BLESS=yes cargo test -p servertree-tests contracts` writes the new ones,
//! unless a consumer of the old ones could not read the new ones. Then the event needs another version.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use servertree_host as _;
use servertree_kernel::event::EventType;
use servertree_kernel::plugin::Context;
use servertree_kernel::testkit::contract::{examples, misread, unmet};
use servertree_tests::workspace_root;

fn emitted() -> Vec<EventType> {
    Context::all().unwrap().into_iter().flat_map(|context| context.events.iter().copied()).collect()
}

fn folder() -> PathBuf {
    workspace_root().join("docs/events")
}

fn file_name(event: &EventType) -> String {
    format!("{}.v{}.json", event.name, event.schema_version)
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
fn blesses() -> bool {
    std::env::var("TEST_BLESS").is_ok_and(|value| value == "yes")
}

/// The schema, as a document.
fn document(event: &EventType) -> Value {
    let mut schema = event.schema();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema
}

/// The same, as it was pinned last.
fn pinned(event: &EventType) -> Option<Value> {
    let text = fs::read_to_string(folder().join(file_name(event))).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn valid(schema: &Value, data: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap();
    validator.iter_errors(data).map(|error| format!("{data}: {error}")).collect()
}

#[test]
fn the_schema_of_each_event_is_pinned() {
    let mut expected = BTreeSet::new();
    for event in emitted() {
        let (name, now) = (file_name(&event), document(&event));
        for version in 1..=event.schema_version {
            expected.insert(format!("{}.v{version}.json", event.name));
        }
        let pinned = pinned(&event);
        if pinned.as_ref() == Some(&now) {
            continue;
        }
        let broken = pinned.map(|pinned| unmet(&pinned, &now)).unwrap_or_default();
        assert!(
            broken.is_empty(),
            "{name}: whoever reads it as it was cannot read it as it is: {broken:#?}\nraise SCHEMA_VERSION of the event"
        );
        assert!(
            blesses(),
            "docs/events/{name} is not the schema of the event; TEST_BLESS=yes writes it: {now:#}"
        );
        fs::write(folder().join(&name), format!("{now:#}\n")).unwrap();
    }
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files.filter(|name| name.ends_with(".json")).collect();
    assert_eq!(
        files, expected,
        "docs/events has the schemas of the events, and those of their earlier versions"
    );
}

#[test]
fn schemas_are_complete_and_say_what_happened() {
    let page = fs::read_to_string(workspace_root().join("docs/EVENTS.md")).unwrap();
    for event in emitted() {
        let (name, schema, summary) = (event.name, event.schema(), event.summary());
        jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!schema.to_string().contains("$ref"), "{name} has two types of the same name: {schema:#}");
        let (_, section) = page.split_once(&format!("### {name}\n\n")).unwrap();
        let text = section.split("\n\n").next().unwrap().replace('\n', " ");
        let sentence = summary.trim_end_matches('.');
        assert!(
            !sentence.is_empty() && text.starts_with(sentence),
            "{name}: '{summary}' is not how its page begins: {text}"
        );
    }
}

/// The examples of the page are what events are: each context has a test of that. Here they are held against the schemas, and so
/// are those that consumers are tried with.
#[test]
fn examples_are_valid() {
    let page = fs::read_to_string(workspace_root().join("docs/EVENTS.md")).unwrap();
    for event in emitted() {
        let (_, section) = page.split_once(&format!("### {}\n", event.name)).unwrap();
        let (_, block) = section.split_once("```json\n").unwrap();
        let shown: Value = serde_json::from_str(block.split_once("```").unwrap().0).unwrap();
        let [full, least] = examples(&event.schema());
        for data in [shown, full, least] {
            let faults = valid(&event.schema(), &data);
            assert!(faults.is_empty(), "{}: {faults:#?}", event.name);
        }
    }
}

/// Every subscriber of every context, against every event that it takes.
#[test]
fn what_is_read_is_promised() {
    let emitted = emitted();
    let mut faults = Vec::new();
    for subscription in Context::all().unwrap().into_iter().flat_map(|context| context.subscriptions) {
        let unknown =
            subscription.events.iter().filter(|taken| emitted.iter().all(|event| event.name != **taken));
        faults
            .extend(unknown.map(|event| format!("{} takes {event}, which nobody emits", subscription.name)));
        let taken = emitted.iter().filter(|event| subscription.takes(event.name));
        let taken: Vec<Value> = taken.map(EventType::schema).collect();
        faults.extend(taken.iter().flat_map(|event| misread(subscription, event, &taken)));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
