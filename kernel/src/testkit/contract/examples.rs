//! Values made from a schema.

use serde_json::{Map, Value, json};

/// Two values that are valid by the schema: one with all there can be, and one with only what there must be.
pub fn examples(schema: &Value) -> [Value; 2] {
    [example(schema, true), example(schema, false)]
}

fn example(schema: &Value, full: bool) -> Value {
    if schema["properties"].is_object() {
        return object(schema, full);
    }
    if let Some(alternatives) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let is_null = |alternative: &&Value| alternative["type"] == "null";
        let chosen = alternatives.iter().find(|alternative| is_null(alternative) != full);
        return chosen.or(alternatives.first()).map_or(Value::Null, |schema| example(schema, full));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    if types.contains(&"null") && !full {
        return Value::Null;
    }
    let given = [&schema["const"], &schema["enum"][0], &schema["examples"][0]];
    if let Some(given) = given.into_iter().find(|value| !value.is_null()) {
        return given.clone();
    }
    match types.into_iter().find(|name| *name != "null") {
        Some("string") => text(schema),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(full),
        Some("array") if full => json!([example(&schema["items"], full)]),
        Some("array") => json!([]),
        Some("object") => json!({}),
        // Where anything can be: what is hardest to read.
        _ if full => json!({"anything": [1, "text", null]}),
        _ => Value::Null,
    }
}

fn object(schema: &Value, full: bool) -> Value {
    let is_required =
        |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let properties = schema["properties"].as_object().into_iter().flatten();
    let of = |(name, schema): (&String, &Value)| (name.clone(), example(schema, full));
    Value::Object(properties.filter(|(name, _)| full || is_required(name)).map(of).collect::<Map<_, _>>())
}

fn text(schema: &Value) -> Value {
    match schema["format"].as_str() {
        Some("uuid") => json!("019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11"),
        Some("date-time") => json!("2026-01-31T10:00:00Z"),
        _ => json!("text"),
    }
}
