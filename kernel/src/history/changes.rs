//! What an event changed, told by its name and its fields. Contexts need not say it again:
//!
//! - `server.registered`: each field of the event, from null to its value; fields of fields by dot.
//! - `server.modified`: its `changes`.
//! - `server.discarded`, `server.restored`: the field `discarded`.
//! - `server.status.changed`, with `old` and `new`: the field `status`.
//! - `server.credential.added`, with `credential_id`: the fields of the event, below `credentials.<id>`, from null;
//!   `server.credential.removed`: the same, to null; `server.credential.changed`: its `changes`, there.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What takes something away: what an event of these says is no more.
const TAKING_AWAY: [&str; 2] = ["removed", "uninstalled"];

/// A field with its value before and after.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[schema(as = HistoryChange, example = json!({"field": "cpu_cores", "old": 4, "new": 8}))]
pub struct Change {
    /// The field; nested ones by dot, and those of a part by its id: `credentials.<id>.username`.
    pub field: String,
    /// Its value before; null: it had none.
    pub old: Value,
    /// Its value after; null: it has none.
    pub new: Value,
}

impl Change {
    fn new(field: impl Into<String>, old: impl Into<Value>, new: impl Into<Value>) -> Self {
        Self { field: field.into(), old: old.into(), new: new.into() }
    }

    /// Whether it is of this field, or of a field of it.
    pub(super) fn is_of(&self, field: &str) -> bool {
        self.field.strip_prefix(field).is_some_and(|below| below.is_empty() || below.starts_with('.'))
    }
}

/// The field of an object that has its parts of this name.
pub(super) fn field_of(part: &str) -> String {
    format!("{part}s")
}

/// What the event of this name, with these fields, changed.
pub(super) fn changes(event_type: &str, data: Value) -> Vec<Change> {
    let Value::Object(mut data) = data else { return Vec::new() };
    let (whole, what) = event_type.rsplit_once('.').unwrap_or(("", event_type));
    match (whole.split_once('.'), what) {
        (None, "discarded") => vec![Change::new("discarded", false, true)],
        (None, "restored") => vec![Change::new("discarded", true, false)],
        (None, _) => within("", what, data),
        (Some((_, part)), _) => {
            match (data.remove(&format!("{part}_id")), data.get("old"), data.get("new")) {
                (Some(id), ..) => {
                    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                    within(&format!("{}.{id}.", field_of(part)), what, data)
                }
                (None, Some(old), Some(new)) => vec![Change::new(part, old.clone(), new.clone())],
                (None, ..) => within(&format!("{part}."), what, data),
            }
        }
    }
}

/// The changes that an event names, and all else that it says: that was not, before, or is not any more.
fn within(prefix: &str, what: &str, mut data: Map<String, Value>) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(Value::Array(named)) = data.remove("changes") {
        changes.extend(named.into_iter().filter_map(|change| as_named(prefix, change)));
        // What it says besides: whether something changed whose value is not told.
        data.retain(|_, value| *value != Value::Bool(false));
    }
    let mut leaves = Vec::new();
    data.into_iter().for_each(|(name, value)| flatten(format!("{prefix}{name}"), value, &mut leaves));
    let taken_away = TAKING_AWAY.contains(&what);
    changes.extend(leaves.into_iter().map(|(field, value)| match taken_away {
        true => Change::new(field, value, Value::Null),
        false => Change::new(field, Value::Null, value),
    }));
    changes
}

fn as_named(prefix: &str, mut change: Value) -> Option<Change> {
    let field = format!("{prefix}{}", change.get("field")?.as_str()?);
    Some(Change { field, old: change["old"].take(), new: change["new"].take() })
}

/// The fields of a field, by dot. One that is null is none.
fn flatten(field: String, value: Value, leaves: &mut Vec<(String, Value)>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            fields.into_iter().for_each(|(name, value)| flatten(format!("{field}.{name}"), value, leaves));
        }
        value => leaves.push((field, value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Field, old and new value.
    fn told(event_type: &str, data: Value) -> Vec<(String, Value, Value)> {
        changes(event_type, data).into_iter().map(|Change { field, old, new }| (field, old, new)).collect()
    }

    fn row(field: &str, old: Value, new: Value) -> (String, Value, Value) {
        (field.to_owned(), old, new)
    }

    #[test]
    fn what_is_registered_had_no_values_before() {
        let data = json!({"name": "web-1", "system": {"name": "Debian", "old": null}, "tags": ["a"]});
        let expected = [
            row("name", json!(null), json!("web-1")),
            row("system.name", json!(null), json!("Debian")),
            row("tags", json!(null), json!(["a"])),
        ];
        assert_eq!(told("server.registered", data), expected);
    }

    #[test]
    fn changes_are_told_as_they_are() {
        let data = json!({"changes": [{"field": "system.version", "old": "12", "new": null}]});
        assert_eq!(told("server.modified", data), [row("system.version", json!("12"), json!(null))]);
        let status = json!({"old": "stopped", "new": "running"});
        assert_eq!(
            told("server.status.changed", status),
            [row("status", json!("stopped"), json!("running"))]
        );
    }

    #[test]
    fn to_discard_and_to_restore_change_one_field() {
        let name = || json!({"name": "web-1"});
        assert_eq!(told("server.discarded", name()), [row("discarded", json!(false), json!(true))]);
        assert_eq!(told("server.restored", name()), [row("discarded", json!(true), json!(false))]);
    }

    #[test]
    fn parts_are_told_apart_by_their_ids() {
        let port = |port: Value| json!({"credential_id": "7", "port": port, "ip": null});
        let expected = [row("credentials.7.port", json!(null), json!(22))];
        assert_eq!(told("server.credential.added", port(json!(22))), expected);
        let expected = [row("credentials.7.port", json!(22), json!(null))];
        assert_eq!(told("server.credential.removed", port(json!(22))), expected);
        let changed = |secret: bool| {
            let change = json!({"field": "port", "old": 22, "new": 23});
            json!({"credential_id": "7", "changes": [change], "password_changed": secret})
        };
        let port = row("credentials.7.port", json!(22), json!(23));
        assert_eq!(told("server.credential.changed", changed(false)), std::slice::from_ref(&port));
        let password = row("credentials.7.password_changed", json!(null), json!(true));
        assert_eq!(told("server.credential.changed", changed(true)), [port, password]);
    }

    #[test]
    fn what_is_not_understood_changes_nothing_that_is_known() {
        for data in [json!(null), json!([1]), json!({}), json!({"changes": [1, {"field": 7}]})] {
            assert_eq!(told("server.modified", data), []);
        }
        let changes = json!({"changes": 7});
        assert_eq!(told("server.modified", changes), []);
    }

    #[test]
    fn fields_of_a_part_begin_with_its_name() {
        for (field, expected) in
            [("credentials", true), ("credentials.7.port", true), ("credentials_old", false)]
        {
            assert_eq!(Change::new(field, 1, 2).is_of("credentials"), expected, "{field}");
        }
    }
}
