//! Create a user.

use std::sync::Arc;

use super::acting::{actor, require_grants_of, require_live_session, require_session};
use super::find_user::UserView;
use super::policy::Policy;
use super::sign_up::require_acceptable;
use crate::domain::{
    Asker, Password, Passwords, Registration, RoleName, Roles, Sessions, User, Username, Users,
};
use async_trait::async_trait;
use servertree_kernel::clock::IdGenerator;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Give somebody an account.
#[derive(Clone)]
pub struct CreateUser {
    pub username: Username,
    pub password: Password,
    pub roles: Vec<RoleName>,
}

impl Command for CreateUser {
    type Output = UserView;
    const NAME: &'static str = "authorization.create_user";
    const NEEDS: Permission = Permission::new("create", "user");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<CreateUser>)]
pub struct Handler {
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    passwords: Arc<dyn Passwords>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    roles: Arc<dyn Roles>,
    #[shaku(inject)]
    policy: Arc<dyn Policy>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<CreateUser> for Handler {
    async fn handle(
        &self,
        command: CreateUser,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<UserView, Failure> {
        require_session(message)?;
        let CreateUser { username, password, roles } = command;
        require_acceptable(&username, &password)?;
        let hash = self.passwords.hash(&password, Asker::Known).await?;
        let actor = actor(self.users.as_ref(), message, uow).await?;
        require_live_session(self.sessions.as_ref(), message, uow).await?;
        let roles = self.roles.named(&roles, uow).await?;
        require_grants_of(&roles, self.roles.as_ref(), self.policy.as_ref(), message, uow).await?;
        let id = self.ids.next().into();
        let mut user = User::register(id, (username, hash), roles, Registration::By(actor), message.now)?;
        message.access.permit_result(|| UserView::from(&user))?;
        self.users.save(&mut user, uow).await?;
        Ok(UserView::from(&user))
    }
}
