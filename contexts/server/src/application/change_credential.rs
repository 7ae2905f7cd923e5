//! Change a credential of a server.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::find_credential::{self, ServerCredential};
use crate::domain::{CredentialDraft, CredentialId, ServerId, ServerRepository};

/// Replace a credential; its password stays unless the draft says otherwise.
#[derive(Clone)]
pub struct ChangeCredential {
    pub server: ServerId,
    pub credential: CredentialId,
    pub draft: CredentialDraft,
    pub precondition: Precondition,
}

impl Command for ChangeCredential {
    type Output = ServerCredential;
    const NAME: &'static str = "server.change_credential";
    const NEEDS: Permission = find_credential::UPDATE;
}

#[derive(Component)]
#[shaku(interface = CommandHandler<ChangeCredential>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
}

#[async_trait]
impl CommandHandler<ChangeCredential> for Handler {
    async fn handle(
        &self,
        command: ChangeCredential,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ServerCredential, Failure> {
        let mut server =
            self.servers.get_to_change(command.server, &command.precondition, uow, message).await?;
        server.change_credential(command.credential, command.draft, message.now)?;
        let credential = ServerCredential::of(&server, command.credential)?;
        self.servers.save_change(server, uow).await?;
        Ok(credential)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::register_server::RegisterServer;
    use crate::application::reveal_credential::RevealCredential;
    use crate::domain::samples::{credential, draft};
    use crate::domain::{CredentialDrafts, RevealReason, ServerDraft};

    #[tokio::test]
    async fn its_password_stays_unless_something_is_said_about_it() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let ssh = |json: Value| {
            let mut whole = json!({"connection_type": "ssh", "username": "root"});
            whole.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
            credential(whole)
        };
        let credentials = CredentialDrafts::Replace(vec![ssh(json!({"password": "first"}))]);
        let registered =
            test.dispatch(RegisterServer { draft: ServerDraft { credentials, ..draft("web-1") } });
        let registered = registered.await.unwrap();
        let (server, credential) = (registered.id, registered.shown_credentials()[0].id);
        let change = |draft| ChangeCredential { server, credential, draft, precondition: Precondition::Any };
        let reveal = async || {
            let reason = RevealReason::parse("test".to_owned()).unwrap();
            let revealed = test.dispatch(RevealCredential { server, credential, reason }).await;
            revealed.map(|secret| secret.expose().to_owned()).map_err(|failure| failure.problem().code)
        };
        let same = test.dispatch(change(ssh(json!({})))).await.unwrap();
        assert_eq!(same.revision, 1);
        test.dispatch(change(ssh(json!({"username": "admin"})))).await.unwrap();
        assert_eq!(reveal().await.unwrap(), "first");
        test.dispatch(change(ssh(json!({"username": "admin", "password": "second"})))).await.unwrap();
        assert_eq!(reveal().await.unwrap(), "second");
        let removed =
            test.dispatch(change(ssh(json!({"username": "admin", "password": null})))).await.unwrap();
        assert!(!removed.credential.has_password);
        assert_eq!(reveal().await.unwrap_err(), "credential_without_password");

        let events = test.events().await;
        let changed = events.iter().filter(|event| event.event_type == "server.credential.changed");
        let data: Vec<Value> = changed.map(|event| serde_json::from_str(event.data.get()).unwrap()).collect();
        assert_eq!(data[0]["changes"], json!([{"field": "username", "old": "root", "new": "admin"}]));
        assert_eq!((&data[1]["changes"], &data[1]["password_changed"]), (&json!([]), &json!(true)));
        assert_eq!(data[2]["changes"], json!([{"field": "has_password", "old": true, "new": false}]));
        assert_eq!(data.len(), 3);
        test.finish().await;
    }
}
