//! Find one's own account.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::message::Message;
use servertree_kernel::permission::{Audience, ObjectType, Permission};
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::acting::account_of;
use super::find_user::{UserView, UserViews};
use crate::error::Error;

/// What permissions on one's own account are about.
pub const OBJECT: ObjectType =
    ObjectType { name: "account", actions: &["read", "update"], fields: &[], audience: Audience::Account };

/// To see it.
pub const READ: Permission = Permission::new("read", "account");
/// To change it.
pub const UPDATE: Permission = Permission::new("update", "account");

/// Find the caller's own account.
pub struct FindAccount;

impl Query for FindAccount {
    type Output = UserView;
    const NAME: &'static str = "authorization.find_account";
    const NEEDS: Permission = READ;
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindAccount>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn UserViews>,
}

#[async_trait]
impl QueryHandler<FindAccount> for Handler {
    async fn handle(
        &self,
        _: FindAccount,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<UserView, Failure> {
        let found = self.views.find(account_of(message)?, uow).await?;
        Ok(found.ok_or(Error::NoAccount)?)
    }
}
