//! The kernel's place for whoever knows the grants.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use shaku::Component;

use super::{Grants, Permission, PermissionChecker};
use crate::message::Caller;
use crate::problem::Failure;

/// Nobody has any grants until it is filled.
#[derive(Component, Clone)]
#[shaku(interface = PermissionChecker)]
pub struct PermissionSlot {
    /// Set once, by whoever puts the application together.
    #[shaku(default)]
    checker: Arc<OnceLock<Arc<dyn PermissionChecker>>>,
}

impl PermissionSlot {
    /// An empty slot.
    pub fn empty() -> Self {
        Self { checker: Arc::default() }
    }

    /// Puts in who knows the grants. Answers false if somebody does already.
    pub fn fill(&self, checker: Arc<dyn PermissionChecker>) -> bool {
        self.checker.set(checker).is_ok()
    }
}

#[async_trait]
impl PermissionChecker for PermissionSlot {
    async fn grants(&self, caller: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        match self.checker.get() {
            Some(checker) => checker.grants(caller, permissions).await,
            None => Ok(vec![Grants::none(); permissions.len()]),
        }
    }
}
