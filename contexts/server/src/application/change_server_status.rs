//! Say how a server is doing.

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
use crate::domain::{ServerId, ServerRepository, Status};

/// Say how a server is doing.
#[derive(Clone)]
pub struct ChangeServerStatus {
    pub id: ServerId,
    pub status: Status,
    pub precondition: Precondition,
}

impl Command for ChangeServerStatus {
    type Output = ServerView;
    const NAME: &'static str = "server.change_server_status";
    const NEEDS: Permission = Permission::new("update", "server");
    const ALSO: &'static [Permission] = &[find_credential::READ];
}

#[derive(Component)]
#[shaku(interface = CommandHandler<ChangeServerStatus>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
}

#[async_trait]
impl CommandHandler<ChangeServerStatus> for Handler {
    async fn handle(
        &self,
        command: ChangeServerStatus,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ServerView, Failure> {
        let mut server = self.servers.get_to_change(command.id, &command.precondition, uow, message).await?;
        server.change_status(command.status, message.now)?;
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
    async fn a_change_of_status_is_told_once() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let id = test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap().id;
        let change = |status| ChangeServerStatus { id, status, precondition: Precondition::Any };
        for _ in 0..2 {
            let server = test.dispatch(change(Status::Running)).await.unwrap();
            assert_eq!((server.status.as_str(), server.revision), ("running", 2));
        }
        let events = test.events().await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[1].event_type, "server.status.changed");
        assert_eq!(events[1].data.get(), r#"{"old":"stopped","new":"running"}"#);
        test.dispatch(DiscardServer { id, precondition: Precondition::Any }).await.unwrap();
        let refused = test.dispatch(change(Status::Error)).await.unwrap_err();
        assert_eq!(refused.problem().code, "server_discarded");
        test.finish().await;
    }
}
