//! What the caller of one command or query may do, as its handler asks.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::{Grants, NotPermitted, Permission, PermissionChecker};
use crate::criteria::Filter;
use crate::message::Caller;
use crate::problem::{Failure, Problem};

/// The caller's grants for what a command or query needs, and for what else it depends on.
#[derive(Clone, Debug)]
pub struct Access {
    caller: Caller,
    needs: Permission,
    grants: Arc<[(Permission, Grants)]>,
}

impl Access {
    /// The permission step of the pipeline: goes on only for those who have a grant.
    pub(crate) async fn require(
        checker: &dyn PermissionChecker,
        caller: &Caller,
        needs: Permission,
        also: &[Permission],
    ) -> Result<Self, Failure> {
        if needs == Permission::OPEN || needs == Permission::LOCAL && caller.is_local_operator() {
            return Ok(Self { caller: caller.clone(), needs, grants: Arc::new([]) });
        }
        let own = [needs, needs.reading_whole(), needs.reading()];
        let permissions: Vec<Permission> = own.iter().chain(also).copied().collect();
        let grants = checker.grants(caller, &permissions).await?;
        if grants.first().is_none_or(Grants::is_empty) {
            let Permission { action, object_type } = needs;
            tracing::info!(%caller, action, object_type, "denied");
            return Err(NotPermitted { caller: caller.clone(), permission: needs }.into());
        }
        let grants = permissions.into_iter().zip(grants).collect();
        Ok(Self { caller: caller.clone(), needs, grants })
    }

    /// Nothing is permitted: what travels with a message before the bus has looked, and for subscribers, which nobody calls.
    pub(crate) fn none(caller: &Caller) -> Self {
        let needs = Permission::new("none", "none");
        Self { caller: caller.clone(), needs, grants: Arc::new([]) }
    }

    /// Goes on only if the caller may do this to the object as it is. What they may not even read is not there for them:
    /// `hidden` is what they would get if it were not. For a part, such as a credential, the object is the whole.
    pub fn permit<T: Serialize>(&self, object: impl Fn() -> T, hidden: impl Problem) -> Result<(), Failure> {
        let (whole, part) = (self.needs.reading_whole(), self.needs.reading());
        if part != whole && !self.has(part) {
            return Err(NotPermitted { caller: self.caller.clone(), permission: part }.into());
        }
        if !self.covers(whole, &object) || !self.covers(part, &object) {
            return Err(hidden.into());
        }
        self.permit_result(object)
    }

    /// Goes on only if the caller may do this to the object as it is to be: a new one, or one that was changed.
    pub fn permit_result<T: Serialize>(&self, object: impl Fn() -> T) -> Result<(), Failure> {
        self.permit_also(self.needs, object)
    }

    /// Goes on only if the caller may do something else, too, that the command or query declared.
    pub fn permit_also<T: Serialize>(
        &self,
        permission: Permission,
        object: impl Fn() -> T,
    ) -> Result<(), Failure> {
        if self.covers(permission, object) {
            return Ok(());
        }
        let Permission { action, object_type } = permission;
        tracing::info!(caller = %self.caller, action, object_type, "denied for this object");
        Err(NotPermitted { caller: self.caller.clone(), permission }.into())
    }

    /// Whether a grant for `permission` covers the object.
    pub fn covers<T: Serialize>(&self, permission: Permission, object: impl FnOnce() -> T) -> bool {
        let json = || serde_json::to_value(object()).unwrap_or(Value::Null);
        self.grants(permission).is_some_and(|grants| grants.covering_lazily(json).is_some())
    }

    /// Whether there is any grant for `permission`.
    pub fn has(&self, permission: Permission) -> bool {
        self.grants(permission).is_some_and(|grants| !grants.is_empty())
    }

    /// The objects that a list may show.
    pub fn scope(&self) -> Filter {
        self.scope_of(self.needs)
    }

    /// The objects that grants for `permission` cover.
    pub fn scope_of(&self, permission: Permission) -> Filter {
        self.grants(permission).map_or(Filter::Any(Vec::new()), Grants::scope)
    }

    /// None for what was not declared: it is not permitted.
    fn grants(&self, permission: Permission) -> Option<&Grants> {
        let declared = self.grants.iter().find(|(known, _)| *known == permission).map(|(_, grants)| grants);
        debug_assert!(declared.is_some() || self.grants.is_empty(), "{permission:?} is not declared in ALSO");
        declared
    }
}
