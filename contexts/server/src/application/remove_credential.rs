//! Remove a credential of a server.

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
use crate::domain::{CredentialId, ServerId, ServerRepository};

/// One way less to reach a server. Unlike a server it is not kept: a password that nobody needs is a risk.
#[derive(Clone)]
pub struct RemoveCredential {
    pub server: ServerId,
    pub credential: CredentialId,
    pub precondition: Precondition,
}

impl Command for RemoveCredential {
    type Output = ();
    const NAME: &'static str = "server.remove_credential";
    const NEEDS: Permission = find_credential::DISCARD;
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RemoveCredential>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
}

#[async_trait]
impl CommandHandler<RemoveCredential> for Handler {
    async fn handle(
        &self,
        command: RemoveCredential,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let mut server =
            self.servers.get_to_change(command.server, &command.precondition, uow, message).await?;
        server.remove_credential(command.credential, message.now)?;
        self.servers.save_change(server, uow).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::find_server::FindServer;
    use crate::application::register_server::RegisterServer;
    use crate::domain::samples::{credential, draft};
    use crate::domain::{CredentialDrafts, ServerDraft};

    #[tokio::test]
    async fn it_is_gone_and_the_others_stay() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let one = |user: &str| credential(json!({"connection_type": "ssh", "username": user}));
        let draft = ServerDraft {
            credentials: CredentialDrafts::Replace(vec![one("a"), one("b")]),
            ..draft("web-1")
        };
        let server = test.dispatch(RegisterServer { draft }).await.unwrap();
        let remove = || RemoveCredential {
            server: server.id,
            credential: server.shown_credentials()[0].id,
            precondition: Precondition::Any,
        };
        test.dispatch(remove()).await.unwrap();
        let left = test.ask(FindServer { id: server.id }).await.unwrap();
        assert_eq!((left.revision, left.shown_credentials()), (2, &server.shown_credentials()[1..]));
        assert_eq!(test.dispatch(remove()).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(test.event_types().await.last().unwrap(), "server.credential.removed");
        test.finish().await;
    }
}
