//! Change a role.

use std::sync::Arc;

use super::acting::{actor, require_grants};
use super::find_role::RoleView;
use super::policy::Policy;
use crate::domain::{RoleDraft, RoleId, Roles, Users};
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Replace what a role is called, and what it holds. For all who have it, that is so at once.
#[derive(Clone)]
pub struct ChangeRole {
    pub id: RoleId,
    pub draft: RoleDraft,
    pub precondition: Precondition,
}

impl Command for ChangeRole {
    type Output = RoleView;
    const NAME: &'static str = "authorization.change_role";
    const NEEDS: Permission = Permission::new("update", "role");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<ChangeRole>)]
pub struct Handler {
    #[shaku(inject)]
    roles: Arc<dyn Roles>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    policy: Arc<dyn Policy>,
}

#[async_trait]
impl CommandHandler<ChangeRole> for Handler {
    async fn handle(
        &self,
        command: ChangeRole,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<RoleView, Failure> {
        let actor = actor(self.users.as_ref(), message, uow).await?;
        self.roles.lock(command.id, uow).await?;
        let mut role = self.roles.get(command.id, uow).await?;
        command.precondition.require(role.revision())?;
        require_grants(self.policy.as_ref(), message, command.draft.grants.iter()).await?;
        role.change(command.draft, actor, message.now)?;
        self.roles.save(&mut role, uow).await?;
        Ok(RoleView::from(&role))
    }
}
