//! Make an admin a user again.

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

/// Take the role `admin` from a user.
#[derive(Clone)]
pub struct RevokeAdmin {
    pub id: UserId,
}

impl Command for RevokeAdmin {
    type Output = UserView;
    const NAME: &'static str = "authorization.revoke_admin";
    const NEEDS: Permission = Permission::new("revoke_admin", "user");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RevokeAdmin>)]
pub struct Handler {
    #[shaku(inject)]
    users: Arc<dyn Users>,
}

#[async_trait]
impl CommandHandler<RevokeAdmin> for Handler {
    async fn handle(
        &self,
        command: RevokeAdmin,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<UserView, Failure> {
        require_session(message)?;
        let (mut user, actor) = subordinate(self.users.as_ref(), command.id, message, uow).await?;
        let mut roles = user.state().roles.clone();
        roles.retain(|role| role.id != BuiltIn::Admin.id());
        user.set_roles(roles, actor, message.now)?;
        self.users.save(&mut user, uow).await?;
        Ok(UserView::from(&user))
    }
}
