//! Criteria, as they are read.

use serde::Serialize;
use serde_json::json;

use super::{Criteria, Field, Filter, ListView};

#[derive(Debug, Serialize)]
struct Rack {}

const NAME: Field = Field::name("name", "name", "name_key").sortable();
const ID: Field = Field::id("id", "id");

impl ListView for Rack {
    const FIELDS: &'static [Field] = &[
        NAME,
        ID,
        Field::integer("slots", "slots").sortable(),
        Field::text("place.room", "room", "room_key"),
        Field::text("town", "town", "town_key"),
        Field::boolean("full", "full"),
        Field::time("built_at", "built_at"),
        Field::one_of("colour", "colour", &["red", "blue"]),
    ];
    const DEFAULT_SORT: &'static Field = &NAME;
    const ID: &'static Field = &ID;
    const SEARCH_COLUMN: &'static str = "search_key";
    const SHOWN: &'static [&'static str] = &["id", "name", "slots"];
}

fn parse(pairs: &[(&str, &str)]) -> Result<Criteria<Rack>, String> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Criteria::parse(&pairs).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_25_from_the_start_with_a_count() {
    let criteria = parse(&[]).unwrap();
    assert_eq!((criteria.limit, criteria.offset, criteria.counts), (25, Some(0), true));
    assert_eq!(criteria.filter, Filter::everything());
}

#[test]
fn what_is_not_allowed_is_named() {
    let deep = "[".repeat(1_000);
    let long = format!(r#"{{"name":{{"eq":"{}"}}}}"#, "a".repeat(100 * 1024));
    let many = format!("[{}]", vec![r#"{"slots":{"eq":1}}"#; 101].join(","));
    let empty = format!("[{}]", vec!["{}"; 101].join(","));
    let values = format!(r#"{{"slots":{{"in":[{}]}}}}"#, vec!["1"; 1_001].join(","));
    let words = "a ".repeat(17);
    for (name, value, said) in [
        ("limit", "0", "1 to 500"),
        ("limit", "501", "1 to 500"),
        ("limit", "+1", "1 to 500"),
        ("limit", "ten", "1 to 500"),
        ("offset", "10001", "0 to 10000"),
        ("sort", "name", "asc"),
        ("sort", r#"[{"name":"up"}]"#, "asc"),
        ("sort", r#"[{"name":"asc","slots":"asc"}]"#, "must be like"),
        ("sort", r#"[{"full":"asc"}]"#, "name, slots"),
        ("sort", r#"[{"name":"asc"},{"name":"desc"}]"#, "twice"),
        ("page", "2", "unknown"),
        ("count", "all", "exact or none"),
        ("fields", "id,colour", "id, name, slots"),
        ("cursor", "nonsense", "next_cursor"),
        ("q", &words, "16"),
        ("filter", "name", "JSON"),
        ("filter", "[]", "object"),
        ("filter", &deep, "recursion"),
        ("filter", &long, "16384"),
        ("filter", &values, "1000 are allowed"),
        ("and_filter", &empty, "100 are allowed"),
        ("or_filter", &empty, "100 are allowed"),
        ("or_filter", &many, "100 are allowed"),
        ("filter", r#"{"name":{"eq":"a"},"name":{"eq":"b"}}"#, "twice"),
        ("filter", r#"{"slots":{"ge":1,"ge":2}}"#, "twice"),
        ("sort", r#"[{"name":"asc","name":"desc"}]"#, "must be like"),
        ("filter", r#"{"slots":{"lt":9223372036854775808}}"#, "64 bits"),
        ("filter", r#"{"name":"web"}"#, "object"),
        ("filter", r#"{"name":{}}"#, "object"),
        ("filter", r#"{"weight":{"eq":1}}"#, "weight"),
        ("filter", r#"{"name":{"like":"a"}}"#, "eq, ne"),
        ("filter", r#"{"slots":{"eq":"4"}}"#, "slots.eq a value that is not a whole number"),
        ("filter", r#"{"slots":{"eq":4.5}}"#, "whole number"),
        ("filter", r#"{"slots":{"lk":"4"}}"#, "no text"),
        ("filter", r#"{"slots":{"btw":[1]}}"#, "two values"),
        ("filter", r#"{"slots":{"in":"1,b"}}"#, "whole number"),
        ("filter", r#"{"full":{"eq":"true"}}"#, "true or false"),
        ("filter", r#"{"built_at":{"gt":"yesterday"}}"#, "RFC 3339"),
        ("filter", r#"{"colour":{"eq":"green"}}"#, "red, blue"),
        ("filter", r#"{"id":{"eq":"1"}}"#, "UUID"),
        ("filter", r#"{"name":{"em":1}}"#, "true or false"),
        ("filter", r#"{"name":{"eq":null}}"#, "text"),
        ("and_filter", "{}", "array"),
        ("or_filter", r#"[{"name":1}]"#, "object"),
    ] {
        let message = parse(&[(name, value)]).unwrap_err();
        assert!(message.starts_with(name) && message.contains(said), "{name}={value}: {message}");
        assert!(message.len() < 400, "{message}");
    }
    assert!(parse(&[("limit", "1"), ("limit", "2")]).unwrap_err().starts_with("limit"));
}

#[test]
fn filters_are_evaluated_on_objects() {
    let rack = json!({"name": "Alpha_1", "slots": 42, "place": {"room": "Größe"}, "town": "ΛΟΓΟΣ", "full": false, "colour": null,
        "built_at": "2026-01-31T10:00:00Z"});
    for (filter, expected) in [
        (r"{}", true),
        (r#"{"name":{"eq":"ALPHA_1"}}"#, true),
        (r#"{"name":{"lk":"pha_"}}"#, true),
        (r#"{"name":{"lk":"pha%"}}"#, false),
        (r#"{"name":{"sw":"aLPHA"}}"#, true),
        (r#"{"name":{"sw":"lpha"}}"#, false),
        (r#"{"place.room":{"eq":"größe"}}"#, false),
        (r#"{"place.room":{"lk":"GRÖ"}}"#, true),
        (r#"{"slots":{"ge":42,"le":42}}"#, true),
        (r#"{"slots":{"gt":42}}"#, false),
        (r#"{"slots":{"btw":"1, 42"}}"#, true),
        (r#"{"town":{"lk":"Σ"}}"#, true),
        (r#"{"town":{"lk":"ΟΣ"}}"#, true),
        (r#"{"slots":{"in":[1,2]}}"#, false),
        (r#"{"full":{"eq":false}}"#, true),
        (r#"{"colour":{"ne":"red"}}"#, false),
        (r#"{"colour":{"em":true}}"#, true),
        (r#"{"name":{"em":false}}"#, true),
        (r#"{"built_at":{"lt":"2026-01-31T12:00:00+01:00"}}"#, true),
    ] {
        let parsed = Filter::parse(Rack::FIELDS, &serde_json::from_str(filter).unwrap()).unwrap();
        assert_eq!(parsed.matches(&rack), expected, "{filter}");
    }
}

#[test]
fn a_cursor_is_bound_to_its_list() {
    let criteria = parse(&[("filter", r#"{"slots":{"gt":1}}"#)]).unwrap();
    let item = json!({"id": "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11", "name": "A"});
    let place = criteria.sorting.place(&item).unwrap();
    let cursor =
        super::Cursor { place, backwards: false, inclusive: false, fingerprint: criteria.fingerprint }
            .encode();
    assert!(parse(&[("filter", r#"{"slots":{"gt":1}}"#), ("cursor", &cursor)]).is_ok());
    assert!(parse(&[("cursor", &cursor)]).unwrap_err().contains("another filter"));
    let other = [("filter", r#"{"slots":{"gt":1}}"#), ("sort", r#"[{"slots":"asc"}]"#), ("cursor", &cursor)];
    assert!(parse(&other).unwrap_err().contains("another filter"));
    let both = [("filter", r#"{"slots":{"gt":1}}"#), ("offset", "0"), ("cursor", &cursor)];
    assert!(parse(&both).unwrap_err().starts_with("offset"));
}
