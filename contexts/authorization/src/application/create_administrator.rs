//! Create an administrator by hand.

use std::sync::Arc;

use async_trait::async_trait;
pub use servertree_kernel::administration::CreateAdministrator;
use servertree_kernel::clock::IdGenerator;
use servertree_kernel::command::CommandHandler;
use servertree_kernel::domain::{Invalid, Secret};
use servertree_kernel::message::Message;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::sign_up::require_acceptable;
use crate::domain::{Actor, Asker, BuiltIn, Password, Passwords, Registration, User, Username, Users};
use crate::error::Error;

#[derive(Component)]
#[shaku(interface = CommandHandler<CreateAdministrator>)]
pub struct Handler {
    #[shaku(inject)]
    passwords: Arc<dyn Passwords>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<CreateAdministrator> for Handler {
    async fn handle(
        &self,
        command: CreateAdministrator,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let (username, password) = parse(command.username, &command.password)?;
        require_acceptable(&username, &password)?;
        let named = (username, self.passwords.hash(&password, Asker::Known).await?);
        let by = Registration::By(Actor::LocalOperator);
        let roles = vec![BuiltIn::SuperAdmin.role()?];
        let mut user = User::register(self.ids.next().into(), named, roles, by, message.now)?;
        Ok(self.users.save(&mut user, uow).await?)
    }
}

/// What was typed, if it can be a name and a password.
pub fn parse(username: String, password: &Secret) -> Result<(Username, Password), Error> {
    let fault = |field: &'static str| move |fault: Invalid| Error::field(field, fault);
    let username = Username::parse(username).map_err(fault("username"))?;
    let password = Password::parse(password.expose().to_owned()).map_err(fault("password"))?;
    Ok((username, password))
}
