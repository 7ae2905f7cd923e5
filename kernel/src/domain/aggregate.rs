//! Aggregates: they decide, and record what they decided as events.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::event::Publication;
use crate::problem::StaleRevision;

/// Counts the commits that changed an aggregate: 1 when it is new.
pub type Revision = u64;

/// An aggregate, as the unit of work sees it: who it is, and what it recorded.
///
/// Its own events are private to its context. `Into<Publication>` is the one exhaustive `match` that turns each
/// into a public one, so that nobody can add an event and forget to publish it.
pub trait Aggregate {
    /// The private events of the aggregate.
    type Event: Into<Publication>;
    /// The context it belongs to: the `source` of its events.
    const CONTEXT: &'static str;

    /// Its identity: the `subject` of its events.
    fn identity(&self) -> Uuid;
    /// Where it records.
    fn recorder(&mut self) -> &mut Recorder<Self::Event>;
}

/// Keeps an aggregate's revision and the events not yet handed to the unit of work.
#[derive(Clone, Debug)]
pub struct Recorder<E> {
    stored: Revision,
    events: Vec<E>,
}

impl<E> Recorder<E> {
    /// For an aggregate that is not stored yet.
    pub fn new() -> Self {
        Self::stored_at(0)
    }

    /// For an aggregate read from its store at `revision`.
    pub fn stored_at(revision: Revision) -> Self {
        Self { stored: revision, events: Vec::new() }
    }

    /// Records an event; the first one since the aggregate was stored raises its revision.
    pub fn record(&mut self, event: E) {
        self.events.push(event);
    }

    /// The revision in the store, 0 when there is none: what a save must find there.
    pub fn stored(&self) -> Revision {
        self.stored
    }

    /// The revision after what was recorded.
    pub fn revision(&self) -> Revision {
        self.stored + u64::from(!self.events.is_empty())
    }

    /// Whether there is anything to save.
    pub fn has_changes(&self) -> bool {
        !self.events.is_empty()
    }

    /// What was recorded, in order.
    pub fn events(&self) -> &[E] {
        &self.events
    }

    /// Hands the events over; from here on the aggregate counts as stored at its new revision.
    pub(crate) fn take(&mut self) -> Vec<E> {
        self.stored = self.revision();
        std::mem::take(&mut self.events)
    }
}

impl<E> Default for Recorder<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// What a decision came to. "Already so" is no error: whoever asked has what they wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Something changed and was recorded.
    Changed,
    /// It was so already; nothing was recorded.
    AlreadySo,
}

/// Which revisions of an aggregate a caller is willing to change (the `If-Match` header).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Precondition {
    /// Whichever is there.
    #[default]
    Any,
    /// One of these. None at all when the tag given could not be one of ours: then nothing matches.
    OneOf(Vec<Revision>),
}

impl Precondition {
    /// Goes on only if `revision` is one the caller is willing to change.
    pub fn require(&self, revision: Revision) -> Result<(), StaleRevision> {
        match self {
            Self::OneOf(revisions) if !revisions.contains(&revision) => Err(StaleRevision { revision }),
            _ => Ok(()),
        }
    }
}

/// One changed field, with its value before and after.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Change {
    /// The field, as the API names it; nested ones with dots.
    #[schema(value_type = String, example = "cpu_cores")]
    pub field: Cow<'static, str>,
    /// Its value before.
    #[schema(example = 4)]
    pub old: Value,
    /// Its value after.
    #[schema(example = 8)]
    pub new: Value,
}

/// Collects the fields that differ: `Changes::default().compare("name", &old.name, &new.name)`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Changes(Vec<Change>);

impl Changes {
    /// Adds the field if its values differ.
    pub fn compare<T: PartialEq + Serialize>(
        mut self,
        field: impl Into<Cow<'static, str>>,
        old: &T,
        new: &T,
    ) -> Self {
        if old != new {
            self.0.push(Change { field: field.into(), old: json(old), new: json(new) });
        }
        self
    }

    /// Whether no field differs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A value object is a text or a number: its JSON cannot fail. Were it ever to, the change is still recorded.
fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_commit_share_its_revision() {
        let mut recorder = Recorder::stored_at(3);
        assert_eq!(recorder.revision(), 3);
        recorder.record("renamed");
        recorder.record("moved");
        assert_eq!((recorder.stored(), recorder.revision()), (3, 4));
        assert_eq!(recorder.take(), ["renamed", "moved"]);
        assert_eq!((recorder.stored(), recorder.revision()), (4, 4));
    }

    #[test]
    fn changes_name_the_fields_that_differ() {
        let changes = Changes::default().compare("a", &1, &1).compare("b", &1, &2);
        assert_eq!(serde_json::to_string(&changes).unwrap(), r#"[{"field":"b","old":1,"new":2}]"#);
    }

    #[test]
    fn an_empty_precondition_allows_nothing() {
        assert!(Precondition::Any.require(7).is_ok());
        assert!(Precondition::OneOf(vec![6, 7]).require(7).is_ok());
        assert!(Precondition::OneOf(vec![]).require(7).is_err());
    }
}
