//! Create the first administrator.

use std::sync::Arc;

use async_trait::async_trait;
pub use servertree_kernel::administration::CreateFirstAdministrator;
use servertree_kernel::administration::FirstAdministrator;
use servertree_kernel::clock::IdGenerator;
use servertree_kernel::command::CommandHandler;
use servertree_kernel::message::Message;
use servertree_kernel::problem::{Failure, Internal};
use servertree_kernel::secrets::Secrets;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use crate::domain::{Actor, Asker, BuiltIn, Password, Passwords, Registration, Roles, User, Username, Users};
use crate::error::Error;

/// What the first administrator is called.
const USERNAME: &str = "admin";

#[derive(Component)]
#[shaku(interface = CommandHandler<CreateFirstAdministrator>)]
pub struct Handler {
    #[shaku(inject)]
    passwords: Arc<dyn Passwords>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    roles: Arc<dyn Roles>,
    #[shaku(inject)]
    secrets: Arc<dyn Secrets>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<CreateFirstAdministrator> for Handler {
    async fn handle(
        &self,
        command: CreateFirstAdministrator,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<Option<FirstAdministrator>, Failure> {
        // Of several processes that start on an empty database, one has the transaction that finds it so: the others wait for the
        // role that they would give.
        self.roles.lock(BuiltIn::SuperAdmin.id(), uow).await?;
        if self.users.has_any(uow).await? {
            return Ok(None);
        }
        let made_up = self.secrets.random_token("")?;
        let invalid = |fault: servertree_kernel::domain::Invalid| Error::Corrupt(fault.to_string());
        let password = Password::parse(made_up.expose().to_owned()).map_err(invalid)?;
        let username = Username::parse(USERNAME.to_owned()).map_err(invalid)?;
        // In the transaction, for once: nobody else is there yet.
        let named = (username.clone(), self.passwords.hash(&password, Asker::Known).await?);
        let by = Registration::By(Actor::LocalOperator);
        let roles = vec![BuiltIn::SuperAdmin.role()?];
        let mut user = User::register(self.ids.next().into(), named, roles, by, message.now)?;
        self.users.save(&mut user, uow).await?;
        (command.keep)(&made_up)
            .map_err(|error| Internal(format!("the password cannot be kept: {error}")))?;
        Ok(Some(FirstAdministrator { username: username.to_string(), password: made_up }))
    }
}
