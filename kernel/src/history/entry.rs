//! An entry of a history: what it looks like, and what it is read from.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::changes::{Change, changes};
use crate::criteria::{Field, ListView};
use crate::domain::{Revision, Timestamp};
use crate::event::EventRow;

/// What somebody did to an object.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// When it happened.
    pub at: Timestamp,
    /// Who did it: a username; `servertree` is the service itself.
    #[schema(example = "ada")]
    pub actor: String,
    /// The request it happened in.
    #[schema(example = "deploy-42")]
    pub request_id: String,
    /// The event that tells of it.
    #[schema(example = "server.modified")]
    pub event_type: String,
    /// The revision of the object that it led to.
    #[schema(value_type = u64, example = 3, minimum = 1)]
    pub revision: Revision,
    /// What it changed. Nothing, where only that it happened matters.
    pub changes: Vec<Change>,
    /// Its place among what was done at once.
    #[serde(skip)]
    sequence: i64,
}

const REVISION: Field = Field::integer("revision", "revision").sortable();
const SEQUENCE: Field = Field::integer("sequence", "sequence").sortable();

impl ListView for HistoryEntry {
    const FIELDS: &'static [Field] = &[
        Field::time("at", "time").sortable(),
        // Names of users and of events are in lower case.
        Field::text("actor", "actor", "actor"),
        Field::text("event_type", "type", "type"),
        REVISION,
    ];
    const DEFAULT_SORT: &'static Field = &REVISION;
    const NEWEST_FIRST: bool = true;
    /// Of one object, no two entries have both the same revision and the same sequence.
    const ID: &'static Field = &SEQUENCE;
    const TIES: &'static [&'static Field] = &[&REVISION, &SEQUENCE];
    const SHOWN: &'static [&'static str] =
        &["at", "actor", "request_id", "event_type", "revision", "changes"];

    fn placed(&self) -> serde_json::Result<Value> {
        let mut json = serde_json::to_value(self)?;
        json[SEQUENCE.api_name()] = self.sequence.into();
        Ok(json)
    }
}

impl From<EventRow> for HistoryEntry {
    fn from(row: EventRow) -> Self {
        let (_, data) = row.newest_data();
        Self {
            at: row.time,
            actor: row.actor,
            request_id: row.request_id,
            // What a later version wrote may not be understood: that it happened is told all the same.
            changes: changes(&row.event_type, data.unwrap_or(Value::Null)),
            event_type: row.event_type,
            revision: row.revision.unsigned_abs(),
            sequence: row.sequence,
        }
    }
}
