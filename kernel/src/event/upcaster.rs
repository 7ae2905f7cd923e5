//! Upcasters: make of the data of an old event what a newer version of it has. The log is kept as it was written; what is read from
//! it, however long it lay there, is brought up to date.

use std::sync::LazyLock;

use serde_json::Value;
use serde_json::value::to_raw_value;

use super::Envelope;
use super::not_taken::NotTaken;
use crate::plugin::Registered;

/// Makes version `from + 1` of version `from`.
#[derive(Clone, Copy, Debug)]
pub struct Upcaster {
    /// The name of the event.
    pub event_type: &'static str,
    /// The version it takes.
    pub from: u16,
    /// Makes the data of the next version.
    pub upcast: fn(Value) -> Value,
}

/// The upcasters there are.
pub(super) struct Upcasters(Vec<Upcaster>);

impl Upcasters {
    /// Those of all contexts in this program, enabled or not: events are read that other processes wrote.
    pub(super) fn all() -> &'static Self {
        static ALL: LazyLock<Upcasters> = LazyLock::new(|| {
            let contexts = inventory::iter::<Registered>.into_iter().map(|registered| registered.0);
            Upcasters(contexts.flat_map(|context| context.upcasters).copied().collect())
        });
        &ALL
    }

    /// The event in this version; without one, in the newest that can be made of it.
    pub(super) fn bring_up(&self, mut event: Envelope, version: Option<u16>) -> Result<Envelope, NotTaken> {
        while version.is_none_or(|version| event.schemaversion < version) {
            let Some(upcaster) = self.of(&event) else { break };
            let data = serde_json::from_str(event.data.get()).map(upcaster.upcast);
            event.data = data.and_then(|data| to_raw_value(&data)).map_err(|error| {
                NotTaken::NotUnderstood(format!(
                    "{} {} has no valid data: {error}",
                    event.event_type, event.id
                ))
            })?;
            event.schemaversion += 1;
        }
        match version {
            Some(version) if event.schemaversion != version => Err(NotTaken::NotUnderstood(format!(
                "{} {} has schema version {}, and version {version} is understood here: run a program that knows it, then \
                 resubmit the event",
                event.event_type, event.id, event.schemaversion
            ))),
            _ => Ok(event),
        }
    }

    fn of(&self, event: &Envelope) -> Option<&Upcaster> {
        self.0
            .iter()
            .find(|upcaster| upcaster.event_type == event.event_type && upcaster.from == event.schemaversion)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::event;
    use super::*;

    fn upcasters() -> Upcasters {
        let upcast = |from, upcast| Upcaster { event_type: "test.happened", from, upcast };
        Upcasters(vec![
            upcast(2, |data| json!({"name": {"first": data["name"]}})),
            upcast(1, |data| json!({"name": data["title"]})),
        ])
    }

    fn old() -> Envelope {
        Envelope { data: to_raw_value(&json!({"title": "web"})).unwrap(), ..event(1, 1, 1) }
    }

    #[test]
    fn old_events_are_read_as_new_ones() {
        for (version, expected) in [
            (Some(1), json!({"title": "web"})),
            (Some(2), json!({"name": "web"})),
            (Some(3), json!({"name": {"first": "web"}})),
            (None, json!({"name": {"first": "web"}})),
        ] {
            let event = upcasters().bring_up(old(), version).unwrap();
            assert_eq!(serde_json::from_str::<Value>(event.data.get()).unwrap(), expected);
            assert_eq!(event.schemaversion, version.unwrap_or(3));
        }
    }

    #[test]
    fn versions_that_nobody_knows_are_not_understood() {
        let newer = Envelope { schemaversion: 4, ..old() };
        for (event, version) in [(old(), 4), (newer, 3)] {
            let fault = upcasters().bring_up(event, Some(version)).unwrap_err().to_string();
            assert!(fault.contains("schema version"), "{fault}");
        }
    }
}
