//! Modify a server.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::find_server::ServerView;
use crate::domain::{ServerId, ServerRepository, Specification};

/// Replace all that is said about a server.
pub struct ModifyServer {
    pub id: ServerId,
    pub specification: Specification,
    pub precondition: Precondition,
}

impl Command for ModifyServer {
    type Output = ServerView;
    const NAME: &'static str = "server.modify_server";
    const NEEDS: Permission = Permission::new("update", "server");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<ModifyServer>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
}

#[async_trait]
impl CommandHandler<ModifyServer> for Handler {
    async fn handle(
        &self,
        command: ModifyServer,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ServerView, Failure> {
        let mut server = self.servers.get(command.id, uow).await?;
        command.precondition.require(server.revision())?;
        server.modify(command.specification, message.now)?;
        self.servers.save(&mut server, uow).await?;
        Ok(server.into())
    }
}
