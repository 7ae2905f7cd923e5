//! JSON Merge Patch (RFC 7396): a part of an entity, as it is to be. Null removes.

use deserr::Deserr;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::fields::{self, FieldError, FieldErrors, Replaceable, ignore_filled_in};
use crate::problem::{Failure, Internal, InvalidFields};

/// A patch of an object.
#[derive(Clone, PartialEq, Debug)]
pub struct MergePatch(Map<String, Value>);

impl MergePatch {
    /// A patch that is no object would replace the whole entity, which is what PUT is for.
    pub fn new(json: Value) -> Result<Self, InvalidFields> {
        match json {
            Value::Object(fields) => Ok(Self(fields)),
            _ => {
                let message = "must be an object with the fields to change".to_owned();
                Err(InvalidFields(vec![FieldError { field: "body".to_owned(), code: "wrong_type", message }]))
            }
        }
    }

    /// Whether it is about this field of the object.
    pub fn names(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// What `whole` shows, with this patch merged into it, read as it would be from a PUT: what is not valid about it is
    /// named.
    pub fn apply<T: Replaceable + Deserr<FieldErrors>>(self, whole: &impl Serialize) -> Result<T, Failure> {
        let mut whole = serde_json::to_value(whole).map_err(|error| Internal(error.to_string()))?;
        ignore_filled_in::<T>(&mut whole);
        let patch = Value::Object(self.0);
        let mut merged = merge(whole.clone(), patch.clone());
        keep_foreign_nulls(&mut merged, &whole, &patch);
        Ok(fields::parse(merged)?)
    }
}

/// By the RFC, to remove what is not there is nothing. Here a name that the whole does not have is a mistake: it stays,
/// and is named as unknown when the whole is read.
fn keep_foreign_nulls(merged: &mut Value, whole: &Value, patch: &Value) {
    let (Value::Object(merged), Value::Object(patch)) = (merged, patch) else { return };
    for (name, value) in patch {
        match merged.get_mut(name) {
            Some(below) => keep_foreign_nulls(below, &whole[name], value),
            None if whole.get(name).is_none() => {
                merged.insert(name.clone(), Value::Null);
            }
            // An array that is removed has no elements; were it left out, nothing would have been said about it.
            None if whole[name].is_array() => {
                merged.insert(name.clone(), Value::Array(Vec::new()));
            }
            None => {}
        }
    }
}

/// The algorithm of RFC 7396, section 2.
fn merge(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut target = match target {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            let old = target.remove(&name).unwrap_or(Value::Null);
            target.insert(name, merge(old, value));
        }
    }
    Value::Object(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn merges_as_the_rfc_says() {
        for (target, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r"{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            (r"{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(merge(json(target), json(patch)), json(expected), "{target} + {patch}");
        }
    }
}
