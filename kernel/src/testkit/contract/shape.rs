//! What schemas say of the values that they are of, compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What whoever reads by the schema `read` relies on, and the schema `given` does not promise: a line each.
pub fn unmet(read: &Value, given: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    compare(read, given, "", &mut faults);
    faults
}

/// What a schema says of a value, all alternatives together.
#[derive(Default)]
struct Shape<'s> {
    is_anything: bool,
    types: BTreeSet<&'s str>,
    /// Those there can be, where they are named.
    values: Option<Vec<&'s Value>>,
    format: Option<&'s str>,
    properties: BTreeMap<&'s str, &'s Value>,
    required: BTreeSet<&'s str>,
    items: Option<&'s Value>,
}

impl<'s> Shape<'s> {
    fn of(schema: &'s Value) -> Self {
        let mut shape = Self::default();
        shape.add(schema);
        shape
    }

    fn add(&mut self, schema: &'s Value) {
        let types = || schema["type"].as_array().map_or(std::slice::from_ref(&schema["type"]), Vec::as_slice);
        let alternatives = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| schema[key].as_array());
        let alternatives: Vec<&Value> = alternatives.flatten().collect();
        self.is_anything |=
            alternatives.is_empty() && schema.get("type").is_none() && schema.get("enum").is_none();
        self.types.extend(types().iter().filter_map(Value::as_str));
        if let Some(values) = schema["enum"].as_array() {
            self.values.get_or_insert_default().extend(values);
        }
        self.format = schema["format"].as_str().or(self.format);
        let properties = schema["properties"].as_object().into_iter().flatten();
        self.properties.extend(properties.map(|(name, schema)| (name.as_str(), schema)));
        self.required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
        self.items = schema.get("items").or(self.items);
        alternatives.into_iter().for_each(|alternative| self.add(alternative));
    }

    fn accepts(&self, type_name: &str) -> bool {
        self.types.contains(type_name) || type_name == "integer" && self.types.contains("number")
    }

    fn types(&self) -> String {
        self.types.iter().copied().collect::<Vec<_>>().join(" or ")
    }
}

fn compare(read: &Value, given: &Value, place: &str, faults: &mut Vec<String>) {
    let (read, given) = (Shape::of(read), Shape::of(given));
    if read.is_anything {
        return;
    }
    if given.is_anything {
        faults.push(format!("{place} can be anything, and is read as {}", read.types()));
        return;
    }
    let refused = given.types.iter().filter(|name| !read.accepts(name));
    faults.extend(refused.map(|name| format!("{place} can be {name}, and is read as {}", read.types())));
    compare_texts(&read, &given, place, faults);
    for (name, schema) in &read.properties {
        let place = if place.is_empty() { (*name).to_owned() } else { format!("{place}.{name}") };
        let Some(given_schema) = given.properties.get(name) else {
            faults.push(format!("{place} is read, and is not there"));
            continue;
        };
        if read.required.contains(name) && !given.required.contains(name) {
            faults.push(format!("{place} may be missing, and is relied on"));
        }
        compare(schema, given_schema, &place, faults);
    }
    if let (Some(read), Some(given)) = (read.items, given.items) {
        compare(read, given, &format!("{place}[]"), faults);
    }
}

/// What counts for texts alone: the values there are, and those formats that are more than any text.
fn compare_texts(read: &Shape<'_>, given: &Shape<'_>, place: &str, faults: &mut Vec<String>) {
    if !read.types.contains("string") || !given.types.contains("string") {
        return;
    }
    if let Some(format) = read.format.filter(|format| given.format != Some(format)) {
        faults.push(format!("{place} is not always of the format {format}"));
    }
    match (&read.values, &given.values) {
        (None, _) => {}
        (Some(_), None) => faults.push(format!("{place} can be any text, and is read as one of a few")),
        (Some(known), Some(values)) => {
            let unknown = values.iter().filter(|value| !known.contains(value));
            faults.extend(unknown.map(|value| format!("{place} can be {value}, which is not known")));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A promise is kept by whoever promises more, and broken by whoever promises less.
    #[test]
    fn promises_are_kept_by_those_who_promise_more() {
        let old = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "number"}}});
        let more = json!({"type": "object", "required": ["a", "b"],
            "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}});
        assert_eq!(unmet(&old, &old), Vec::<String>::new());
        assert_eq!(unmet(&old, &more), Vec::<String>::new());
        let faults = ["a can be number, and is read as integer", "b is read, and is not there"];
        assert_eq!(unmet(&more, &old), faults);
        let less = json!({"type": "object", "properties": {"a": {"type": ["number", "null"]}}});
        let faults = ["a may be missing, and is relied on", "a can be null, and is read as number"];
        assert_eq!(unmet(&old, &less), faults);
    }

    #[test]
    fn what_is_not_said_can_be_anything() {
        let text = json!({"type": "string"});
        for anything in
            [json!({}), json!({"description": "whatever"}), json!({"oneOf": [{"type": "null"}, {}]})]
        {
            assert_eq!(unmet(&anything, &text), Vec::<String>::new());
            assert_eq!(unmet(&text, &anything), [" can be anything, and is read as string"]);
        }
    }
}
