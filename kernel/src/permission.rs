//! Permissions: who may do what to which type of object. Nobody, unless somebody who decides says so.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use shaku::{Component, Interface};
use thiserror::Error;

use crate::message::Caller;
use crate::problem::{Failure, NOT_PERMITTED, Problem, ProblemType};

/// What a command or query needs: an action on a type of object. Every one names it, so none is open by omission.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Permission {
    /// `read`, `create`, `update`, `discard`, …
    pub action: &'static str,
    /// `server`, `application`, …
    pub object_type: &'static str,
}

impl Permission {
    /// `action` on objects of `object_type`.
    pub const fn new(action: &'static str, object_type: &'static str) -> Self {
        Self { action, object_type }
    }
}

/// What was decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The caller may.
    Allowed,
    /// The caller may not; the reason is for the log.
    Denied {
        /// Why not.
        reason: &'static str,
    },
}

/// Decides. A context may provide it; see [`PermissionSlot`].
#[async_trait]
pub trait PermissionChecker: Interface {
    /// Whether the caller may. An error counts as a no.
    async fn check(&self, caller: &Caller, permission: Permission) -> Result<Decision, Failure>;
}

/// The kernel's place for whoever decides. Denies everything until it is filled.
#[derive(Component, Clone)]
#[shaku(interface = PermissionChecker)]
pub struct PermissionSlot {
    /// Set once, by whoever puts the application together.
    #[shaku(default)]
    checker: Arc<OnceLock<Arc<dyn PermissionChecker>>>,
}

impl PermissionSlot {
    /// A slot that denies everything.
    pub fn empty() -> Self {
        Self { checker: Arc::default() }
    }

    /// Puts in who decides. Answers false if somebody does already.
    pub fn fill(&self, checker: Arc<dyn PermissionChecker>) -> bool {
        self.checker.set(checker).is_ok()
    }
}

#[async_trait]
impl PermissionChecker for PermissionSlot {
    async fn check(&self, caller: &Caller, permission: Permission) -> Result<Decision, Failure> {
        match self.checker.get() {
            Some(checker) => checker.check(caller, permission).await,
            None => Ok(Decision::Denied { reason: "nobody decides about permissions yet" }),
        }
    }
}

/// The caller has no grant.
#[derive(Debug, Error)]
#[error("{caller} may not {action} objects of type {object_type}")]
pub struct NotPermitted {
    caller: Caller,
    action: &'static str,
    object_type: &'static str,
}

impl Problem for NotPermitted {
    fn problem(&self) -> &'static ProblemType {
        &NOT_PERMITTED
    }
}

/// The permission step of the pipeline: goes on only for those who may.
pub(crate) async fn require(
    checker: &dyn PermissionChecker,
    caller: &Caller,
    permission: Permission,
) -> Result<(), Failure> {
    match checker.check(caller, permission).await? {
        Decision::Allowed => Ok(()),
        Decision::Denied { reason } => {
            let Permission { action, object_type } = permission;
            tracing::info!(%caller, action, object_type, reason, "denied");
            Err(NotPermitted { caller: caller.clone(), action, object_type }.into())
        }
    }
}
