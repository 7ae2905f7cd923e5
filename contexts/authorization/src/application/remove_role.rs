//! Remove a role.

use std::sync::Arc;

use super::acting::actor;
use crate::domain::{RoleId, Roles, Users};
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Remove a role that nobody has.
#[derive(Clone)]
pub struct RemoveRole {
    pub id: RoleId,
    pub precondition: Precondition,
}

impl Command for RemoveRole {
    type Output = ();
    const NAME: &'static str = "authorization.remove_role";
    const NEEDS: Permission = Permission::new("remove", "role");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RemoveRole>)]
pub struct Handler {
    #[shaku(inject)]
    roles: Arc<dyn Roles>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
}

#[async_trait]
impl CommandHandler<RemoveRole> for Handler {
    async fn handle(
        &self,
        command: RemoveRole,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let actor = actor(self.users.as_ref(), message, uow).await?;
        self.roles.lock(command.id, uow).await?;
        let mut role = self.roles.get(command.id, uow).await?;
        command.precondition.require(role.revision())?;
        role.remove(actor)?;
        Ok(self.roles.remove(&mut role, uow).await?)
    }
}
