//! Restore a server.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::find_credential;
use super::find_server::ServerView;
use crate::domain::{ServerId, ServerRepository};

/// Take a discarded server back into the inventory.
#[derive(Clone)]
pub struct RestoreServer {
    pub id: ServerId,
    pub precondition: Precondition,
}

impl Command for RestoreServer {
    type Output = ServerView;
    const NAME: &'static str = "server.restore_server";
    const NEEDS: Permission = Permission::new("restore", "server");
    const ALSO: &'static [Permission] = &[find_credential::READ];
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RestoreServer>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
}

#[async_trait]
impl CommandHandler<RestoreServer> for Handler {
    async fn handle(
        &self,
        command: RestoreServer,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ServerView, Failure> {
        let mut server = self.servers.get_to_change(command.id, &command.precondition, uow, message).await?;
        server.restore(message.now);
        self.servers.save_change(server, uow).await
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::discard_server::DiscardServer;
    use crate::application::register_server::RegisterServer;
    use crate::domain::samples::draft;

    #[tokio::test]
    async fn a_restored_server_needs_its_name_to_be_free() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let register = || RegisterServer { draft: draft("web-1") };
        let id = test.dispatch(register()).await.unwrap().id;
        let restore = || RestoreServer { id, precondition: Precondition::Any };
        test.dispatch(DiscardServer { id, precondition: Precondition::Any }).await.unwrap();
        let other = test.dispatch(register()).await.unwrap().id;
        assert_eq!(test.dispatch(restore()).await.unwrap_err().problem().code, "server_name_taken");
        test.dispatch(DiscardServer { id: other, precondition: Precondition::Any }).await.unwrap();
        let restored = test.dispatch(restore()).await.unwrap();
        assert_eq!((restored.discarded, restored.revision), (false, 3));
        assert_eq!(test.dispatch(restore()).await.unwrap(), restored);
        assert_eq!(test.event_types().await.last().unwrap(), "server.restored");
        test.finish().await;
    }
}
