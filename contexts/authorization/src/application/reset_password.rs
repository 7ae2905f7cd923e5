//! Set a password by hand.

use std::sync::Arc;

use async_trait::async_trait;
pub use servertree_kernel::administration::ResetPassword;
use servertree_kernel::command::CommandHandler;
use servertree_kernel::message::Message;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::create_administrator::parse;
use super::endings::Endings;
use super::sign_up::require_acceptable;
use crate::domain::{Actor, Asker, CloseReason, Passwords, Users};
use crate::error::Error;

#[derive(Component)]
#[shaku(interface = CommandHandler<ResetPassword>)]
pub struct Handler {
    #[shaku(inject)]
    passwords: Arc<dyn Passwords>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    endings: Arc<dyn Endings>,
}

#[async_trait]
impl CommandHandler<ResetPassword> for Handler {
    async fn handle(
        &self,
        command: ResetPassword,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let (username, password) = parse(command.username, &command.password)?;
        require_acceptable(&username, &password)?;
        let hash = self.passwords.hash(&password, Asker::Known).await?;
        let user = self.users.find(&username, uow).await?;
        let mut user = user.ok_or_else(|| Error::NoSuchUser(username))?;
        user.set_password(hash, Actor::LocalOperator, message.now)?;
        user.reactivate(Actor::LocalOperator, message.now)?;
        self.users.save(&mut user, uow).await?;
        Ok(self.endings.end_all(user.state().id, CloseReason::PasswordChanged, message.now, uow).await?)
    }
}
