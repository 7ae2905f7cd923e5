//! Add a credential to a server.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::clock::IdGenerator;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::find_credential::{self, ServerCredential};
use crate::domain::{CredentialDraft, ServerId, ServerRepository};

/// One more way to reach a server.
#[derive(Clone)]
pub struct AddCredential {
    pub server: ServerId,
    pub draft: CredentialDraft,
    pub precondition: Precondition,
}

impl Command for AddCredential {
    type Output = ServerCredential;
    const NAME: &'static str = "server.add_credential";
    const NEEDS: Permission = find_credential::CREATE;
}

#[derive(Component)]
#[shaku(interface = CommandHandler<AddCredential>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<AddCredential> for Handler {
    async fn handle(
        &self,
        command: AddCredential,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ServerCredential, Failure> {
        let mut server =
            self.servers.get_to_change(command.server, &command.precondition, uow, message).await?;
        let id = self.ids.next().into();
        server.add_credential(command.draft, id, message.now)?;
        let credential = ServerCredential::of(&server, id)?;
        self.servers.save_change(server, uow).await?;
        Ok(credential)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::find_server::FindServer;
    use crate::application::register_server::RegisterServer;
    use crate::domain::CredentialDrafts;
    use crate::domain::samples::{credential, draft};

    #[tokio::test]
    async fn a_credential_becomes_a_part_of_its_server() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let server = test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap().id;
        let ssh = json!({"connection_type": "ssh", "username": "root", "password": "hunter2",
            "local_ip": "2001:DB8::5", "local_port": 22});
        let add = |precondition| AddCredential { server, draft: credential(ssh.clone()), precondition };
        let added = test.dispatch(add(Precondition::OneOf(vec![1]))).await.unwrap();
        assert_eq!((added.revision, added.credential.has_password), (2, true));
        assert_eq!(added.credential.local_ip.as_deref(), Some("2001:db8::5"));
        assert!(test.dispatch(add(Precondition::OneOf(vec![1]))).await.is_err());
        let found = test.ask(FindServer { id: server }).await.unwrap();
        assert_eq!((found.shown_credentials(), found.revision), (&[added.credential][..], 2));
        let events = test.events().await;
        assert_eq!(events[1].event_type, "server.credential.added");
        assert!(!format!("{events:?}").contains("hunter2"));
        test.finish().await;
    }

    #[tokio::test]
    async fn there_are_only_so_many() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let one = || credential(json!({"connection_type": "ssh", "username": "root"}));
        let mut draft = draft("web-1");
        draft.credentials = CredentialDrafts::Replace((0..100).map(|_| one()).collect());
        let server = test.dispatch(RegisterServer { draft }).await.unwrap();
        assert_eq!(server.shown_credentials().len(), 100);
        let add = AddCredential { server: server.id, draft: one(), precondition: Precondition::Any };
        let failure = test.dispatch(add).await.unwrap_err();
        assert_eq!(
            (failure.fields()[0].field.as_str(), failure.fields()[0].code),
            ("credentials", "too_many")
        );
        test.finish().await;
    }
}
