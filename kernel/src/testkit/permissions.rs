//! Checkers that always decide the same.

use async_trait::async_trait;

use crate::message::Caller;
use crate::permission::{Decision, Permission, PermissionChecker};
use crate::problem::Failure;

/// Permits everything.
pub struct AllowAll;

/// Denies everything.
pub struct DenyAll;

#[async_trait]
impl PermissionChecker for AllowAll {
    async fn check(&self, _: &Caller, _: Permission) -> Result<Decision, Failure> {
        Ok(Decision::Allowed)
    }
}

#[async_trait]
impl PermissionChecker for DenyAll {
    async fn check(&self, _: &Caller, _: Permission) -> Result<Decision, Failure> {
        Ok(Decision::Denied { reason: "this test denies everything" })
    }
}
