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

use super::find_credential;
use crate::domain::{ServerId, ServerRepository};

/// Take a server out of the inventory.
#[derive(Clone)]
pub struct DiscardServer {
    pub id: ServerId,
    pub precondition: Precondition,
}

impl Command for DiscardServer {
    type Output = ();
    const NAME: &'static str = "server.discard_server";
    const NEEDS: Permission = Permission::new("discard", "server");
    const ALSO: &'static [Permission] = &[find_credential::READ];
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
        let mut server = self.servers.get_to_change(command.id, &command.precondition, uow, message).await?;
        server.discard(message.now);
        self.servers.save_change(server, uow).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;
    use uuid::Uuid;

    use super::*;
    use crate::CONTEXT;
    use crate::application::find_server::FindServer;
    use crate::application::register_server::RegisterServer;
    use crate::domain::samples::draft;

    #[tokio::test]
    async fn a_discarded_server_frees_its_name_and_can_still_be_found() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let id = test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap().id;
        for _ in 0..2 {
            test.dispatch(DiscardServer { id, precondition: Precondition::Any }).await.unwrap();
        }
        let discarded = test.ask(FindServer { id }).await.unwrap();
        assert_eq!((discarded.discarded, discarded.revision), (true, 2));
        test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap();
        assert_eq!(test.event_types().await, ["server.registered", "server.discarded", "server.registered"]);
        test.finish().await;
    }

    #[tokio::test]
    async fn what_is_not_there_cannot_be_discarded() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let nobody = DiscardServer { id: Uuid::nil().into(), precondition: Precondition::Any };
        assert_eq!(test.dispatch(nobody).await.unwrap_err().kind(), Kind::NotFound);
        test.finish().await;
    }
}
