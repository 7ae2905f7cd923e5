//! Who decides about permissions as long as no context does: whoever works on this machine may do everything, and
//! nobody else anything. The host then listens on loopback only.

use async_trait::async_trait;
use servertree_kernel::message::Caller;
use servertree_kernel::permission::{Grants, Permission, PermissionChecker};
use servertree_kernel::problem::Failure;

/// Permits the local operator.
pub struct LocalOperator;

#[async_trait]
impl PermissionChecker for LocalOperator {
    async fn grants(&self, caller: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        let is_known = *caller == Caller::local_operator();
        let grants = if is_known { Grants::everything("local-operator") } else { Grants::none() };
        Ok(vec![grants; permissions.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_else_is_permitted() {
        let permissions = [Permission::new("read", "server"), Permission::new("reveal", "server.credential")];
        let grants = async |caller| LocalOperator.grants(&caller, &permissions).await.unwrap();
        assert!(grants(Caller::local_operator()).await.iter().all(|grants| !grants.is_empty()));
        assert!(grants(Caller::named("mallory")).await.iter().all(Grants::is_empty));
    }
}
