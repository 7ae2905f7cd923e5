//! What an event promises to whoever listens, and what a subscriber reads of it: JSON schemas, made from their types.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::{Envelope, PublicEvent, Subscription};

/// An event, as the manifest of its context lists it.
#[derive(Clone, Copy)]
pub struct EventType {
    /// Its name: `server.registered`.
    pub name: &'static str,
    /// The version of its fields.
    pub schema_version: u16,
    schema: fn() -> Value,
}

/// A subscription, as the manifest of its context lists it.
#[derive(Clone, Copy)]
pub struct SubscriptionType {
    /// The name of the subscriber.
    pub name: &'static str,
    /// The names of the events it takes; none: all.
    pub events: &'static [&'static str],
    schema: fn() -> Value,
    read: fn(&Value) -> Result<(), String>,
}

impl EventType {
    /// The event `E`.
    pub const fn of<E: PublicEvent>() -> Self {
        Self { name: E::TYPE, schema_version: E::SCHEMA_VERSION, schema: schema_of::<E> }
    }

    /// What its `data` is: a JSON schema that refers to no other, with the name of the event as its title.
    pub fn schema(&self) -> Value {
        let mut schema = (self.schema)();
        schema["title"] = self.name.into();
        schema
    }

    /// What happened, in a sentence: the first paragraph that documents its struct.
    pub fn summary(&self) -> String {
        let schema = self.schema();
        let text = schema["description"].as_str().unwrap_or_default();
        let paragraph = text.split("\n\n").next().unwrap_or_default();
        paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl SubscriptionType {
    /// The subscription `S`.
    pub const fn of<S: Subscription + ToSchema>() -> Self {
        let read = |data: &Value| S::deserialize(data).map(drop).map_err(|error| error.to_string());
        Self { name: S::NAME, events: S::EVENTS, schema: schema_of::<S>, read }
    }

    /// Whether it takes events of this name.
    pub fn takes(&self, event: &str) -> bool {
        self.events.is_empty() || self.events.contains(&event)
    }

    /// What it reads of the `data` of an event: a JSON schema that refers to no other.
    pub fn schema(&self) -> Value {
        (self.schema)()
    }

    /// Whether it can read this `data`; else why not.
    pub fn read(&self, data: &Value) -> Result<(), String> {
        (self.read)(data)
    }
}

/// The aggregate that an event of this name is of: `server` of `server.credential.added`.
pub fn aggregate_of(event: &str) -> &str {
    event.split_once('.').map_or(event, |(aggregate, _)| aggregate)
}

impl Envelope {
    /// What an envelope is: a JSON schema that refers to no other.
    pub fn json_schema() -> Value {
        schema_of::<Self>()
    }
}

/// The schema of `T`, with all that it refers to in it.
fn schema_of<T: ToSchema>() -> Value {
    let mut named = Vec::new();
    T::schemas(&mut named);
    inlined(&json(T::schema()), &by_name(named))
}

/// By what they are referred to. A name that several different ones have leads nowhere: the reference is left, and seen.
fn by_name(schemas: Vec<(String, RefOr<Schema>)>) -> BTreeMap<String, Value> {
    let mut named: BTreeMap<String, Option<Value>> = BTreeMap::new();
    for (name, schema) in schemas {
        let schema = json(schema);
        let known = named.entry(name).or_insert_with(|| Some(schema.clone()));
        if known.as_ref() != Some(&schema) {
            *known = None;
        }
    }
    named.into_iter().filter_map(|(name, schema)| Some((name, schema?))).collect()
}

/// Schemas are texts and numbers by name: they always have a JSON.
fn json(schema: RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// The schema with what it refers to in the place of each reference.
fn inlined(schema: &Value, named: &BTreeMap<String, Value>) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    let referred = fields.get("$ref").and_then(Value::as_str);
    let referred = referred.and_then(|path| named.get(path.rsplit('/').next().unwrap_or_default()));
    let mut made = match referred.map(|schema| inlined(schema, named)) {
        Some(Value::Object(made)) => made,
        _ => Map::new(),
    };
    for (keyword, value) in fields {
        let (keyword, value) = match (keyword.as_str(), value) {
            ("$ref", _) if referred.is_some() => continue,
            ("properties", Value::Object(properties)) => {
                let of = |(name, schema): (&String, _)| (name.clone(), inlined(schema, named));
                (keyword.as_str(), Value::Object(properties.iter().map(of).collect()))
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => {
                (keyword.as_str(), parts.iter().map(|part| inlined(part, named)).collect())
            }
            ("items" | "additionalProperties", schema) => (keyword.as_str(), inlined(schema, named)),
            // The word of OpenAPI for what JSON Schema has several of.
            ("example", example) => ("examples", Value::Array(vec![example.clone()])),
            (keyword, value) => (keyword, value.clone()),
        };
        made.insert(keyword.to_owned(), value);
    }
    flattened(made)
}

/// Several objects that are one, as flattened structs are, become one.
fn flattened(mut schema: Map<String, Value>) -> Value {
    let is_object = |part: &Value| part["type"] == "object" && part["properties"].is_object();
    let is_all_objects =
        schema.get("allOf").and_then(Value::as_array).is_some_and(|all| all.iter().all(is_object));
    let Some(Value::Array(parts)) = schema.remove("allOf").filter(|_| is_all_objects) else {
        return Value::Object(schema);
    };
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for mut part in parts {
        if let Value::Object(more) = part["properties"].take() {
            properties.extend(more);
        }
        if let Value::Array(more) = part["required"].take() {
            required.extend(more);
        }
    }
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("required".to_owned(), Value::Array(required));
    Value::Object(schema)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;
    use crate::event::Start;

    #[derive(Serialize, ToSchema)]
    struct Place {
        /// Which rack.
        #[schema(example = "R12")]
        rack: String,
    }

    /// A thing was moved.
    /// It is elsewhere now.
    ///
    /// Nobody knows why.
    #[derive(Serialize, ToSchema)]
    struct Moved {
        #[serde(flatten)]
        from: Place,
        to: Option<Place>,
        example: u8,
    }

    impl PublicEvent for Moved {
        const TYPE: &'static str = "thing.moved";
        const SCHEMA_VERSION: u16 = 2;
    }

    #[test]
    fn the_schema_of_an_event_is_complete_in_itself() {
        let event = EventType::of::<Moved>();
        assert_eq!((event.name, event.schema_version), ("thing.moved", 2));
        assert_eq!(event.summary(), "A thing was moved. It is elsewhere now.");
        let schema = event.schema();
        let rack = json!({"type": "string", "description": "Which rack.", "examples": ["R12"]});
        let place = json!({"type": "object", "required": ["rack"], "properties": {"rack": rack}});
        assert_eq!((&schema["type"], &schema["title"]), (&json!("object"), &json!("thing.moved")));
        assert_eq!(schema["properties"]["rack"], rack);
        assert_eq!(schema["properties"]["to"]["oneOf"], json!([place, {"type": "null"}]));
        assert_eq!(schema["properties"]["example"]["type"], "integer", "a field may be called so");
        assert_eq!(schema["required"], json!(["rack", "example"]));
        assert!(!schema.to_string().contains("$ref"), "{schema}");
    }

    mod other {
        /// Another one of the same name.
        #[derive(serde::Serialize, utoipa::ToSchema)]
        pub struct Place {
            shelf: u8,
        }
    }

    #[derive(Serialize, ToSchema)]
    struct Mixed {
        one: Place,
        other: other::Place,
    }

    impl PublicEvent for Mixed {
        const TYPE: &'static str = "thing.mixed";
    }

    #[test]
    fn types_of_one_name_are_not_taken_for_each_other() {
        let schema = EventType::of::<Mixed>().schema();
        assert!(schema["properties"]["one"]["$ref"].is_string(), "{schema}");
    }

    #[derive(Deserialize, ToSchema)]
    struct Watch {
        #[expect(dead_code, reason = "it is only read")]
        rack: String,
    }

    impl Subscription for Watch {
        const NAME: &'static str = "test.watch";
        const EVENTS: &'static [&'static str] = &["thing.moved"];
        const START: Start = Start::Now;
    }

    #[test]
    fn a_subscription_reads_what_it_names() {
        let watch = SubscriptionType::of::<Watch>();
        assert!(watch.takes("thing.moved") && !watch.takes("thing.mixed"));
        assert!(watch.read(&json!({"rack": "R12", "more": 1})).is_ok());
        assert!(watch.read(&json!({"more": 1})).unwrap_err().contains("rack"));
        assert_eq!(aggregate_of("server.credential.added"), "server");
    }
}
