//! Who decides about permissions as long as no context does: whoever works on this machine may do everything, and
//! nobody else anything. The host then listens on loopback only.

use async_trait::async_trait;
use servertree_kernel::message::Caller;
use servertree_kernel::permission::{Decision, Permission, PermissionChecker};
use servertree_kernel::problem::Failure;

/// Permits the local operator.
pub struct LocalOperator;

#[async_trait]
impl PermissionChecker for LocalOperator {
    async fn check(&self, caller: &Caller, _: Permission) -> Result<Decision, Failure> {
        if *caller == Caller::local_operator() {
            Ok(Decision::Allowed)
        } else {
            Ok(Decision::Denied { reason: "only the local operator is known" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_else_is_permitted() {
        let permission = Permission::new("read", "server");
        let decide = async |caller| LocalOperator.check(&caller, permission).await.unwrap();
        assert_eq!(decide(Caller::local_operator()).await, Decision::Allowed);
        assert!(matches!(decide(Caller::named("mallory")).await, Decision::Denied { .. }));
    }
}
