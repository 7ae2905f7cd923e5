//! A role: the aggregate.

use deserr::Deserr;
use serde::Serialize;
use servertree_kernel::domain::{Aggregate, Changes, Outcome, Recorder, Revision, Timestamp, Uuid};
use servertree_kernel::fields::{FieldErrors, Replaceable};
use utoipa::ToSchema;

use super::{Actor, BuiltIn, Grants, Rank, RoleId, RoleName};
use crate::error::Error;

/// A role: grants that users are given together.
#[derive(Clone, Debug)]
pub struct Role {
    state: RoleState,
    recorder: Recorder<RoleEvent>,
}

/// All there is to know about a role.
#[derive(Clone, Debug)]
pub struct RoleState {
    pub id: RoleId,
    pub specification: RoleDraft,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
}

/// What people say about a role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
#[schema(example = json!({"name": "staging-operator", "grants": [
    {"action": "update", "object_type": "server", "condition": {"environment": {"in": ["staging", "test"]}}}]}))]
pub struct RoleDraft {
    /// Unique among roles.
    pub name: RoleName,
    /// What it gives: nothing, without any.
    pub grants: Grants,
}

impl Replaceable for RoleDraft {
    const FILLED_IN: &'static [&'static str] = &["id", "built_in", "revision", "created_at", "modified_at"];
}

/// What happens to a role, as only this context knows it; [`crate::events`] makes the public events of it.
#[derive(Clone, Debug)]
pub enum RoleEvent {
    Created { role: RoleDraft },
    Changed { changes: Changes },
    Removed { name: RoleName },
}

impl Role {
    /// A new role.
    pub fn create(id: RoleId, draft: RoleDraft, actor: Actor, now: Timestamp) -> Result<Self, Error> {
        actor.require_above(Rank::Member)?;
        let mut recorder = Recorder::new();
        recorder.record(RoleEvent::Created { role: draft.clone() });
        Ok(Self {
            state: RoleState { id, specification: draft, created_at: now, modified_at: now },
            recorder,
        })
    }

    /// A role as it is stored at `revision`.
    pub fn stored(state: RoleState, revision: Revision) -> Self {
        Self { state, recorder: Recorder::stored_at(revision) }
    }

    /// Another name, other grants.
    pub fn change(&mut self, draft: RoleDraft, actor: Actor, now: Timestamp) -> Result<Outcome, Error> {
        self.require_own(actor)?;
        let old = &self.state.specification;
        let changes = Changes::default().compare("name", &old.name, &draft.name).compare(
            "grants",
            &old.grants,
            &draft.grants,
        );
        if changes.is_empty() {
            return Ok(Outcome::AlreadySo);
        }
        self.state.specification = draft;
        self.state.modified_at = now;
        self.recorder.record(RoleEvent::Changed { changes });
        Ok(Outcome::Changed)
    }

    /// It is no more. Whether users still have it is for the repository.
    pub fn remove(&mut self, actor: Actor) -> Result<(), Error> {
        self.require_own(actor)?;
        self.recorder.record(RoleEvent::Removed { name: self.state.specification.name.clone() });
        Ok(())
    }

    /// What it is now.
    pub fn state(&self) -> &RoleState {
        &self.state
    }

    /// Its revision, with what was decided since it was read.
    pub fn revision(&self) -> Revision {
        self.recorder.revision()
    }

    fn require_own(&self, actor: Actor) -> Result<(), Error> {
        if BuiltIn::find(self.state.id).is_some() {
            return Err(Error::BuiltInRole(self.state.specification.name.clone()));
        }
        actor.require_above(Rank::Member)
    }
}

impl Aggregate for Role {
    type Event = RoleEvent;
    const CONTEXT: &'static str = "authorization";

    fn identity(&self) -> Uuid {
        self.state.id.into()
    }

    fn recorder(&mut self) -> &mut Recorder<RoleEvent> {
        &mut self.recorder
    }
}
