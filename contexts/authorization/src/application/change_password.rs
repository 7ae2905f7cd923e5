//! Change one's own password.

use std::sync::Arc;

use super::acting::Owner;
use super::endings::Endings;
use super::find_account;
use super::log_in::LogIns;
use crate::domain::{
    Asker, Attempts, CloseReason, Password, PasswordAttempt, Passwords, Sessions, Username, Users,
};
use crate::error::Error;
use async_trait::async_trait;
use servertree_kernel::clock::Clock;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Have another password from now on. All sessions and tokens end.
#[derive(Clone)]
pub struct ChangePassword {
    pub current: PasswordAttempt,
    pub new: Password,
}

impl Command for ChangePassword {
    type Output = ();
    const NAME: &'static str = "authorization.change_password";
    const NEEDS: Permission = find_account::UPDATE;
}

#[derive(Component)]
#[shaku(interface = CommandHandler<ChangePassword>)]
pub struct Handler {
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    attempts: Arc<dyn Attempts>,
    #[shaku(inject)]
    passwords: Arc<dyn Passwords>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    endings: Arc<dyn Endings>,
    #[shaku(inject)]
    log_ins: Arc<dyn LogIns>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<ChangePassword> for Handler {
    async fn handle(
        &self,
        command: ChangePassword,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let owner = Owner::of(message)?;
        let username = message.caller.subject();
        command.new.require_unlike(username).map_err(|fault| Error::field("new_password", fault))?;
        let name = Username::parse(username.to_owned()).map_err(|_| Error::NoAccount)?;
        let state = self.log_ins.find(&name, None).await?.ok_or(Error::NoAccount)?;
        // Whoever found an open session does not get to guess the password with it.
        let admitted = self.attempts.admit_confirmation(username, self.clock.now())?;
        let is_right = self.passwords.verify(&command.current, Some(&state.password), Asker::Known).await;
        // Nothing was guessed when nothing could be compared.
        if !matches!(is_right, Ok(false)) {
            self.attempts.succeeded(admitted);
        }
        if !is_right? {
            return Err(Error::WrongPassword.into());
        }
        let hash = self.passwords.hash(&command.new, Asker::Known).await?;
        Owner::live(self.users.as_ref(), self.sessions.as_ref(), message, uow).await?;
        let mut user = self.users.get(owner.user, uow).await?;
        if user.state().password.as_str() != state.password.as_str() {
            return Err(Error::ConcurrentChange.into());
        }
        let actor = user.as_actor();
        user.set_password(hash, actor, message.now)?;
        self.users.save(&mut user, uow).await?;
        Ok(self.endings.end_all(owner.user, CloseReason::PasswordChanged, message.now, uow).await?)
    }
}
