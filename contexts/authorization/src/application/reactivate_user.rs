//! Reactivate a user.

use std::sync::Arc;

use super::acting::subordinate;
use super::find_user::UserView;
use crate::domain::{UserId, Users};
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Let a user log in again.
#[derive(Clone)]
pub struct ReactivateUser {
    pub id: UserId,
}

impl Command for ReactivateUser {
    type Output = UserView;
    const NAME: &'static str = "authorization.reactivate_user";
    const NEEDS: Permission = Permission::new("reactivate", "user");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<ReactivateUser>)]
pub struct Handler {
    #[shaku(inject)]
    users: Arc<dyn Users>,
}

#[async_trait]
impl CommandHandler<ReactivateUser> for Handler {
    async fn handle(
        &self,
        command: ReactivateUser,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<UserView, Failure> {
        let (mut user, actor) = subordinate(self.users.as_ref(), command.id, message, uow).await?;
        user.reactivate(actor, message.now)?;
        self.users.save(&mut user, uow).await?;
        Ok(UserView::from(&user))
    }
}
