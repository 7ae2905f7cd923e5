//! The kernel's place for whoever knows the grants.

use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

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

/// Written out, as `async_trait` has it: the future is that of whoever is asked, without another one around it.
impl PermissionChecker for PermissionSlot {
    fn grants<'s, 'c, 'p, 'f>(
        &'s self,
        caller: &'c Caller,
        permissions: &'p [Permission],
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Grants>, Failure>> + Send + 'f>>
    where
        's: 'f,
        'c: 'f,
        'p: 'f,
        Self: 'f,
    {
        match self.checker.get() {
            Some(checker) => checker.grants(caller, permissions),
            None => Box::pin(ready(Ok(vec![Grants::none(); permissions.len()]))),
        }
    }
}
