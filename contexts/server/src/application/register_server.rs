//! Register a server.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::clock::IdGenerator;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::find_server::ServerView;
use crate::domain::{Server, ServerRepository, Specification};

/// Enter a new server into the inventory.
pub struct RegisterServer {
    pub specification: Specification,
}

impl Command for RegisterServer {
    type Output = ServerView;
    const NAME: &'static str = "server.register_server";
    const NEEDS: Permission = Permission::new("create", "server");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RegisterServer>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<RegisterServer> for Handler {
    async fn handle(
        &self,
        command: RegisterServer,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ServerView, Failure> {
        let mut server = Server::register(self.ids.next().into(), command.specification, message.now);
        self.servers.save(&mut server, uow).await?;
        Ok(server.into())
    }
}
