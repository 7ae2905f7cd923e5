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

use super::find_credential;
use super::find_server::ServerView;
use super::permitted_change::Change;
use crate::domain::{ApplicationRepository, Server, ServerDraft, ServerRepository};

/// Enter a new server into the inventory.
#[derive(Clone)]
pub struct RegisterServer {
    pub draft: ServerDraft,
}

impl Command for RegisterServer {
    type Output = ServerView;
    const NAME: &'static str = "server.register_server";
    const NEEDS: Permission = Permission::new("create", "server");
    const ALSO: &'static [Permission] = &[find_credential::READ, find_credential::CREATE];
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RegisterServer>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
    #[shaku(inject)]
    applications: Arc<dyn ApplicationRepository>,
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
        let id = self.ids.next().into();
        let names_credentials = command.draft.names_credentials();
        let named: Vec<_> = command.draft.applications.ids().collect();
        let known = self.applications.find_many(&named, uow).await?;
        let server = Server::register(id, command.draft, &known, || self.ids.next().into(), message.now)?;
        let change = Change::of_nothing(server, message);
        if names_credentials {
            change.permit_naming_credentials()?;
        }
        self.servers.save_change(change, uow).await
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::clock::Clock;
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::domain::samples::draft;

    #[tokio::test]
    async fn a_server_enters_the_inventory() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let server = test.dispatch(RegisterServer { draft: draft("Web-1") }).await.unwrap();
        assert_eq!((server.name.as_str(), server.status.as_str(), server.revision), ("Web-1", "stopped", 1));
        assert_eq!(server.created_at, test.clock.now());
        let events = test.events().await;
        assert_eq!(events.len(), 1);
        assert_eq!(
            (events[0].event_type.as_str(), events[0].subject),
            ("server.registered", server.id.into())
        );
        test.finish().await;
    }

    #[tokio::test]
    async fn a_name_is_taken_once_whatever_its_case() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap();
        let failure = test.dispatch(RegisterServer { draft: draft("WEB-1") }).await.unwrap_err();
        assert_eq!((failure.kind(), failure.problem().code), (Kind::Conflict, "server_name_taken"));
        assert_eq!(test.event_types().await, ["server.registered"]);
        test.finish().await;
    }
}
