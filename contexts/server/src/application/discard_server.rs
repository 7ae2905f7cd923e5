//! Discard a server.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use crate::domain::{ServerId, ServerRepository};

/// Take a server out of the inventory.
pub struct DiscardServer {
    pub id: ServerId,
    pub precondition: Precondition,
}

impl Command for DiscardServer {
    type Output = ();
    const NAME: &'static str = "server.discard_server";
    const NEEDS: Permission = Permission::new("discard", "server");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<DiscardServer>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
}

#[async_trait]
impl CommandHandler<DiscardServer> for Handler {
    async fn handle(
        &self,
        command: DiscardServer,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let mut server = self.servers.get(command.id, uow).await?;
        command.precondition.require(server.revision())?;
        server.discard(message.now);
        Ok(self.servers.save(&mut server, uow).await?)
    }
}
