//! Inactivate an administrator by hand.

use std::sync::Arc;

use async_trait::async_trait;
pub use servertree_kernel::administration::InactivateAdministrator;
use servertree_kernel::command::CommandHandler;
use servertree_kernel::message::Message;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::endings::Endings;
use crate::domain::{Actor, CloseReason, Rank, Username, Users};
use crate::error::Error;

#[derive(Component)]
#[shaku(interface = CommandHandler<InactivateAdministrator>)]
pub struct Handler {
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    endings: Arc<dyn Endings>,
}

#[async_trait]
impl CommandHandler<InactivateAdministrator> for Handler {
    async fn handle(
        &self,
        command: InactivateAdministrator,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let username = Username::parse(command.username).map_err(|fault| Error::field("username", fault))?;
        // Before the one to inactivate is locked: all of them are, in one order.
        let super_admins = self.users.active_super_admins(uow).await?;
        let user = self.users.find(&username, uow).await?;
        let mut user = user.ok_or_else(|| Error::NoSuchUser(username))?;
        if user.state().active && user.rank() == Rank::SuperAdmin && super_admins <= 1 {
            return Err(Error::LastSuperAdmin.into());
        }
        user.inactivate(Actor::LocalOperator, message.now)?;
        self.users.save(&mut user, uow).await?;
        let id = user.state().id;
        Ok(self.endings.end_all(id, CloseReason::UserInactivated, message.now, uow).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{operator, somebody, testbed};

    #[tokio::test]
    async fn the_last_one_stays() {
        let test = testbed().start().await;
        somebody(&test, "root", &["super_admin"]).await;
        let inactivate = async |name: &str| {
            let command = InactivateAdministrator { username: name.to_owned() };
            test.dispatch_as(&operator(), command).await.map_err(|failure| failure.problem().code)
        };
        assert_eq!(inactivate("root").await, Err("last_super_admin"));
        somebody(&test, "grace", &["super_admin"]).await;
        assert_eq!(inactivate("root").await, Ok(()));
        assert_eq!(inactivate("root").await, Ok(()));
        assert_eq!(inactivate("grace").await, Err("last_super_admin"));
        assert_eq!(inactivate("nobody").await, Err("not_found"));
        test.finish().await;
    }
}
