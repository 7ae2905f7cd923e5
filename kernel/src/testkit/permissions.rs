//! Checkers that decide as a test says.

use async_trait::async_trait;

use crate::criteria::Filter;
use crate::message::Caller;
use crate::permission::{Condition, Grant, Grants, Permission, PermissionChecker};
use crate::problem::Failure;

/// Permits everything.
pub struct AllowAll;

/// Denies everything.
pub struct DenyAll;

/// Permits what a function of the permission says: nothing, some objects, or all.
pub struct Permit<F>(pub F);

/// For which objects something is permitted.
pub enum Objects {
    /// For none.
    None,
    /// For those that meet a condition.
    Some(Filter),
    /// For those that meet one of these conditions, each of a grant of its own.
    AnyOf(Vec<Filter>),
    /// For all.
    All,
}

#[async_trait]
impl PermissionChecker for AllowAll {
    async fn grants(&self, _: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        Ok(vec![Grants::everything("tester"); permissions.len()])
    }
}

#[async_trait]
impl PermissionChecker for DenyAll {
    async fn grants(&self, _: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        Ok(vec![Grants::none(); permissions.len()])
    }
}

#[async_trait]
impl<F: Fn(Permission) -> Objects + Send + Sync + 'static> PermissionChecker for Permit<F> {
    async fn grants(&self, _: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        let grants = |permission: &Permission| match (self.0)(*permission) {
            Objects::None => Grants::none(),
            Objects::Some(condition) => Grants::new(vec![grant(condition)]),
            Objects::AnyOf(conditions) => Grants::new(conditions.into_iter().map(grant).collect()),
            Objects::All => Grants::everything("tester"),
        };
        Ok(permissions.iter().map(grants).collect())
    }
}

fn grant(condition: Filter) -> Grant {
    Grant { role: "tester".into(), condition: Some(Condition::unwritten(condition)) }
}
