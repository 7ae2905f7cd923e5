//! Set the password of somebody else.

use std::sync::Arc;

use super::acting::{require_live_session, require_session, subordinate};
use super::endings::Endings;
use crate::domain::{Asker, CloseReason, Password, Passwords, Sessions, UserId, Users};
use crate::error::Error;
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Give a user another password. All their sessions and tokens end.
#[derive(Clone)]
pub struct SetPassword {
    pub id: UserId,
    pub password: Password,
}

impl Command for SetPassword {
    type Output = ();
    const NAME: &'static str = "authorization.set_password";
    const NEEDS: Permission = Permission::new("set_password", "user");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<SetPassword>)]
pub struct Handler {
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    passwords: Arc<dyn Passwords>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    endings: Arc<dyn Endings>,
}

#[async_trait]
impl CommandHandler<SetPassword> for Handler {
    async fn handle(
        &self,
        command: SetPassword,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        require_session(message)?;
        let hash = self.passwords.hash(&command.password, Asker::Known).await?;
        let (mut user, actor) = subordinate(self.users.as_ref(), command.id, message, uow).await?;
        require_live_session(self.sessions.as_ref(), message, uow).await?;
        let username = user.state().username.as_str();
        command.password.require_unlike(username).map_err(|fault| Error::field("new_password", fault))?;
        // One's own takes the current one: `PUT /account/password`.
        actor.require_above(user.rank())?;
        user.set_password(hash, actor, message.now)?;
        self.users.save(&mut user, uow).await?;
        Ok(self.endings.end_all(command.id, CloseReason::PasswordChanged, message.now, uow).await?)
    }
}
