//! Contracts of events: what a consumer reads must be what the producer promises, and what was promised must be kept.
//!
//! The promise of an event is its pinned schema, `docs/events/<name>.v<version>.json`. All consumers and producers in this
//! repository are held against each other by `tests/`. A context that is developed elsewhere does the same with a copy of the
//! schemas: [`assert_reads`].

mod examples;
mod shape;

use serde_json::Value;
use utoipa::ToSchema;

pub use examples::examples;
pub use shape::unmet;

use crate::event::{Subscription, SubscriptionType};

/// Fails unless `S` can read each of these events, of which the pinned schemas are given, and there is one for each event that it
/// names.
pub fn assert_reads<S: Subscription + ToSchema>(schemas: &[&str]) {
    let subscription = SubscriptionType::of::<S>();
    let schemas: Vec<Value> =
        schemas.iter().map(|schema| serde_json::from_str(schema).expect("a schema in JSON")).collect();
    let named = |event: &str| schemas.iter().any(|schema| schema["title"] == event);
    let unknown = subscription.events.iter().filter(|event| !named(event));
    let mut faults: Vec<String> = unknown
        .map(|event| format!("{} takes {event}, of which there is no schema", subscription.name))
        .collect();
    faults.extend(schemas.iter().flat_map(|schema| misread(&subscription, schema, &schemas)));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What keeps the subscription from reading an event, by the event's schema: a line each. What it can do without need only be in
/// one of the events that it takes.
pub fn misread(subscription: &SubscriptionType, schema: &Value, taken: &[Value]) -> Vec<String> {
    let event = schema["title"].as_str().unwrap_or("an event without a name");
    let mut read = subscription.schema();
    let needed = read["required"].clone();
    if let Some(fields) = read["properties"].as_object_mut() {
        let is_needed =
            |name: &str| needed.as_array().is_some_and(|needed| needed.iter().any(|one| one == name));
        let has = |event: &Value, name: &str| event["properties"].get(name).is_some();
        fields.retain(|name, _| {
            has(schema, name) || is_needed(name) || !taken.iter().any(|event| has(event, name))
        });
    }
    let mut faults = unmet(&read, schema);
    if faults.is_empty() {
        let read =
            examples(schema).into_iter().map(|data| subscription.read(&data).map_err(|error| (data, error)));
        faults.extend(
            read.filter_map(Result::err).map(|(data, error)| format!("{data} is not understood: {error}")),
        );
    }
    faults.into_iter().map(|fault| format!("{} and {event}: {fault}", subscription.name)).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::domain::{Timestamp, Uuid};
    use crate::event::Start;

    const MOVED: &str = r#"{
        "title": "thing.moved", "type": "object", "required": ["id", "rack", "slots", "at", "state", "tags", "owner"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "rack": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}},
            "slots": {"type": "integer", "minimum": 1},
            "at": {"type": "string", "format": "date-time"},
            "state": {"type": "string", "enum": ["new", "old"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "owner": {"oneOf": [{"type": "null"}, {"type": "string"}]},
            "note": {"type": "string"}
        }
    }"#;

    /// Declares a consumer that reads these fields of what happens to things.
    macro_rules! consumer {
        ($name:ident { $($field:ident: $type:ty),* $(,)? }) => {
            #[derive(Deserialize, ToSchema)]
            #[expect(dead_code, reason = "its fields are only read")]
            struct $name { $($field: $type),* }

            impl Subscription for $name {
                const NAME: &'static str = "test.consumer";
                const EVENTS: &'static [&'static str] = &["thing.moved"];
                const START: Start = Start::Now;
            }
        };
    }

    #[derive(Deserialize, ToSchema)]
    #[expect(dead_code, reason = "it is only read")]
    struct Rack {
        name: String,
    }

    #[derive(Deserialize, ToSchema)]
    #[serde(rename_all = "lowercase")]
    enum State {
        New,
        Old,
        Lost,
    }

    #[test]
    fn who_reads_what_is_promised_is_sound() {
        consumer!(Sound { id: Uuid, rack: Rack, slots: f64, at: Timestamp, state: State, owner: Option<String> });
        assert_reads::<Sound>(&[MOVED]);
        consumer!(Tolerant { note: Option<String>, tags: Vec<String>, state: String, rack: serde_json::Value });
        assert_reads::<Tolerant>(&[MOVED]);
    }

    /// What is wrong with a consumer, as its author is told.
    fn faults<S: Subscription + ToSchema>() -> String {
        misread(&SubscriptionType::of::<S>(), &serde_json::from_str(MOVED).unwrap(), &[]).join("\n")
    }

    #[test]
    fn who_reads_what_is_not_there_is_told_field_and_event() {
        consumer!(Absent { id: Uuid, shelf: Option<String> });
        assert_eq!(faults::<Absent>(), "test.consumer and thing.moved: shelf is read, and is not there");
    }

    #[test]
    fn who_reads_it_otherwise_is_told_so() {
        #[derive(Deserialize, ToSchema)]
        #[expect(dead_code, reason = "it is only read")]
        struct Deep {
            name: u8,
            row: u8,
        }
        #[derive(Deserialize, ToSchema)]
        #[serde(rename_all = "lowercase")]
        enum Fresh {
            New,
        }
        consumer!(Otherwise { rack: Deep, slots: String, tags: Vec<u8>, owner: String, note: String, state: Fresh });
        let expected = [
            "note may be missing, and is relied on",
            "owner can be null, and is read as string",
            "rack.name can be string, and is read as integer",
            "rack.row is read, and is not there",
            "slots can be integer, and is read as string",
            r#"state can be "old", which is not known"#,
            "tags[] can be string, and is read as integer",
        ];
        let mut found: Vec<String> = faults::<Otherwise>().lines().map(str::to_owned).collect();
        found.sort();
        assert_eq!(found, expected.map(|fault| format!("test.consumer and thing.moved: {fault}")));
    }

    #[test]
    fn a_text_is_not_always_an_id() {
        consumer!(Strict { rack: StrictRack, owner: Option<Uuid> });
        #[derive(Deserialize, ToSchema)]
        #[expect(dead_code, reason = "it is only read")]
        struct StrictRack {
            name: Timestamp,
        }
        let faults = faults::<Strict>();
        assert!(faults.contains("rack.name is not always of the format date-time"), "{faults}");
        assert!(faults.contains("owner is not always of the format uuid"), "{faults}");
    }

    /// What schemas cannot say is found by reading an example.
    #[test]
    fn who_does_not_understand_an_example_is_told_which() {
        #[derive(ToSchema)]
        struct Even;
        impl<'de> Deserialize<'de> for Even {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = u64::deserialize(deserializer)?;
                if number % 2 == 0 { Ok(Self) } else { Err(serde::de::Error::custom("it is odd")) }
            }
        }
        #[derive(Deserialize, ToSchema)]
        #[expect(dead_code, reason = "it is only read")]
        struct Evenly {
            #[schema(value_type = u64)]
            slots: Even,
        }
        impl Subscription for Evenly {
            const NAME: &'static str = "test.evenly";
            const EVENTS: &'static [&'static str] = &["thing.moved"];
            const START: Start = Start::Now;
        }
        let faults = faults::<Evenly>();
        assert!(faults.contains("is not understood: it is odd"), "{faults}");
    }

    #[test]
    #[should_panic(expected = "test.consumer takes thing.moved, of which there is no schema")]
    fn every_event_that_is_taken_needs_its_schema() {
        consumer!(Lonely { id: Uuid });
        assert_reads::<Lonely>(&[]);
    }
}
