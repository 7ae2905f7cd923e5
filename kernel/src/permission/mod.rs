//! Permissions: who may do what to which objects. Nobody, unless a grant says so.
//!
//! Each command and query names the [`Permission`] it needs. The bus asks the [`PermissionChecker`] for the caller's
//! [`Grants`] before anything else; without any it ends there. A grant may hold for some objects only: the handler asks
//! [`Access`] about the object itself, before and after a change, and a list is narrowed to the grants' scope.

mod access;
mod condition;
mod decision;
mod grant_table;
mod grants;
mod object_type;
mod slot;

use std::collections::HashMap;

use async_trait::async_trait;
use shaku::Interface;
use thiserror::Error;

pub use access::Access;
pub use condition::Condition;
pub use decision::{Decisions, Question, Verdict};
pub use grants::{Grant, Grants};
pub use object_type::{Audience, ObjectType};
pub use slot::PermissionSlot;

use crate::message::Caller;
use crate::problem::{Failure, NOT_PERMITTED, Problem, ProblemType};

/// What a command or query needs: an action on a type of object. Every one names it, so none is open by omission.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Permission {
    /// `read`, `create`, `update`, `discard`, …
    pub action: &'static str,
    /// `server`, `application`, …; a part of one after a dot: `server.credential`.
    pub object_type: &'static str,
}

impl Permission {
    /// What anybody may do, known or not: to log in. Whatever it is, it is about nobody's objects.
    pub const OPEN: Self = Self::new("any", "anybody");

    /// What whoever works on the machine itself may do, and nobody else.
    pub const LOCAL: Self = Self::new("administer", "installation");

    /// `action` on objects of `object_type`.
    pub const fn new(action: &'static str, object_type: &'static str) -> Self {
        Self { action, object_type }
    }

    /// To read what this is about.
    fn reading(self) -> Self {
        Self { action: "read", ..self }
    }

    /// To read the whole that it is a part of, if it is one.
    fn reading_whole(self) -> Self {
        let whole = self.object_type.split_once('.').map_or(self.object_type, |(whole, _)| whole);
        Self { action: "read", object_type: whole }
    }
}

/// Something for each of some permissions. Who asks does not choose the keys, so their hash need not withstand anybody.
pub type PermissionMap<V> = HashMap<Permission, V, foldhash::fast::RandomState>;

/// Knows who has which grants. A context may provide it; see [`PermissionSlot`].
#[async_trait]
pub trait PermissionChecker: Interface {
    /// The caller's grants for each of these permissions, in their order. An error counts as none.
    async fn grants(&self, caller: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure>;
}

/// The caller came with a token that is good for queries only.
#[derive(Debug, Error)]
#[error("this token only reads")]
pub struct ReadOnly;

impl Problem for ReadOnly {
    fn problem(&self) -> &'static ProblemType {
        &NOT_PERMITTED
    }
}

/// The caller has no grant, or none that covers this object.
#[derive(Debug, Error)]
#[error("{caller} may not {} this: {}", .permission.action, .permission.object_type)]
pub struct NotPermitted {
    caller: Caller,
    permission: Permission,
}

impl NotPermitted {
    /// This caller may not do this.
    pub fn new(caller: &Caller, permission: Permission) -> Self {
        Self { caller: caller.clone(), permission }
    }
}

impl Problem for NotPermitted {
    fn problem(&self) -> &'static ProblemType {
        &NOT_PERMITTED
    }
}
