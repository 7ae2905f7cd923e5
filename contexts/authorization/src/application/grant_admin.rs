//! Make a user an admin.

use std::sync::Arc;

use super::acting::{require_session, subordinate};
use super::find_user::UserView;
use crate::domain::{BuiltIn, UserId, Users};
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Give a user the role `admin`.
#[derive(Clone)]
pub struct GrantAdmin {
    pub id: UserId,
}

impl Command for GrantAdmin {
    type Output = UserView;
    const NAME: &'static str = "authorization.grant_admin";
    const NEEDS: Permission = Permission::new("grant_admin", "user");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<GrantAdmin>)]
pub struct Handler {
    #[shaku(inject)]
    users: Arc<dyn Users>,
}

#[async_trait]
impl CommandHandler<GrantAdmin> for Handler {
    async fn handle(
        &self,
        command: GrantAdmin,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<UserView, Failure> {
        require_session(message)?;
        let (mut user, actor) = subordinate(self.users.as_ref(), command.id, message, uow).await?;
        let mut roles = user.state().roles.clone();
        roles.push(BuiltIn::Admin.role()?);
        user.set_roles(roles, actor, message.now)?;
        self.users.save(&mut user, uow).await?;
        Ok(UserView::from(&user))
    }
}
