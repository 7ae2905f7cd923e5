//! Create a role.

use std::sync::Arc;

use super::acting::{actor, require_grants};
use super::find_role::RoleView;
use super::policy::Policy;
use crate::domain::{Role, RoleDraft, Roles, Users};
use async_trait::async_trait;
use servertree_kernel::clock::IdGenerator;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Make a role of these grants.
#[derive(Clone)]
pub struct CreateRole {
    pub draft: RoleDraft,
}

impl Command for CreateRole {
    type Output = RoleView;
    const NAME: &'static str = "authorization.create_role";
    const NEEDS: Permission = Permission::new("create", "role");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<CreateRole>)]
pub struct Handler {
    #[shaku(inject)]
    roles: Arc<dyn Roles>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    policy: Arc<dyn Policy>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<CreateRole> for Handler {
    async fn handle(
        &self,
        command: CreateRole,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<RoleView, Failure> {
        let actor = actor(self.users.as_ref(), message, uow).await?;
        require_grants(self.policy.as_ref(), message, command.draft.grants.iter()).await?;
        let mut role = Role::create(self.ids.next().into(), command.draft, actor, message.now)?;
        self.roles.save(&mut role, uow).await?;
        Ok(RoleView::from(&role))
    }
}
