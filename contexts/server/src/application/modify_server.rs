//! Modify a server.

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

use super::find_credential;
use super::find_server::ServerView;
use crate::domain::{ServerDraft, ServerId, ServerRepository};

/// Replace all that is said about a server.
#[derive(Clone)]
pub struct ModifyServer {
    pub id: ServerId,
    pub draft: ServerDraft,
    pub precondition: Precondition,
}

impl Command for ModifyServer {
    type Output = ServerView;
    const NAME: &'static str = "server.modify_server";
    const NEEDS: Permission = Permission::new("update", "server");
    const ALSO: &'static [Permission] =
        &[find_credential::READ, find_credential::CREATE, find_credential::UPDATE, find_credential::DISCARD];
}

#[derive(Component)]
#[shaku(interface = CommandHandler<ModifyServer>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<ModifyServer> for Handler {
    async fn handle(
        &self,
        command: ModifyServer,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ServerView, Failure> {
        let mut server = self.servers.get_to_change(command.id, &command.precondition, uow, message).await?;
        if command.draft.names_credentials() {
            server.permit_naming_credentials()?;
        }
        server.modify(command.draft, || self.ids.next().into(), message.now)?;
        self.servers.save_change(server, uow).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::discard_server::DiscardServer;
    use crate::application::find_server::FindServer;
    use crate::application::register_server::RegisterServer;
    use crate::domain::CredentialDrafts;
    use crate::domain::samples::{credential, draft};

    fn modify(id: ServerId, name: &str, precondition: Precondition) -> ModifyServer {
        ModifyServer { id, draft: draft(name), precondition }
    }

    #[tokio::test]
    async fn what_changed_is_stored_and_told() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let id = test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap().id;
        let modified = test.dispatch(modify(id, "web-2", Precondition::OneOf(vec![1]))).await.unwrap();
        assert_eq!((modified.name.as_str(), modified.revision), ("web-2", 2));
        assert_eq!(test.ask(FindServer { id }).await.unwrap(), modified);
        let events = test.events().await;
        assert_eq!(events[1].data.get(), r#"{"changes":[{"field":"name","old":"web-1","new":"web-2"}]}"#);
        assert_eq!(events[1].revision, 2);
        test.finish().await;
    }

    #[tokio::test]
    async fn to_change_nothing_is_no_change() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let server = test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap();
        let same = test.dispatch(modify(server.id, "web-1", Precondition::Any)).await.unwrap();
        assert_eq!(same, server);
        assert_eq!(test.event_types().await, ["server.registered"]);
        test.finish().await;
    }

    /// Those that are named change or stay, the others go; a password is never lost by not being named.
    #[tokio::test]
    async fn credentials_are_replaced_by_their_ids() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let with = |credentials: Vec<Value>| ServerDraft {
            credentials: CredentialDrafts::Replace(credentials.into_iter().map(credential).collect()),
            ..draft("web-1")
        };
        let ssh = |user: &str| json!({"connection_type": "ssh", "username": user, "password": "hunter2"});
        let registered = RegisterServer { draft: with(vec![ssh("a"), ssh("b"), ssh("c")]) };
        let server = test.dispatch(registered).await.unwrap();
        let modify = |draft| ModifyServer { id: server.id, draft, precondition: Precondition::Any };
        let shown: Vec<Value> = server
            .shown_credentials()
            .iter()
            .map(|credential| serde_json::to_value(credential).unwrap())
            .collect();

        let same = test.dispatch(modify(with(shown.clone()))).await.unwrap();
        assert_eq!(same, server, "what GET gave was put back");

        let mut changed = shown[1].clone();
        changed["username"] = json!("bb");
        let modified = test.dispatch(modify(with(vec![changed, shown[0].clone(), ssh("d")]))).await.unwrap();
        let users: Vec<&str> = modified.shown_credentials().iter().map(|one| one.username.as_str()).collect();
        assert_eq!((users, modified.revision), (vec!["a", "bb", "d"], 2));
        assert!(modified.shown_credentials().iter().all(|credential| credential.has_password));
        let credential_events =
            ["removed", "changed", "added"].map(|what| format!("server.credential.{what}"));
        assert_eq!(test.event_types().await[4..], credential_events);

        let foreign = json!({"id": uuid::Uuid::nil(), "connection_type": "ssh", "username": "x"});
        let failure =
            test.dispatch(modify(with(vec![shown[0].clone(), shown[0].clone(), foreign]))).await.unwrap_err();
        let faults: Vec<(&str, &str)> =
            failure.fields().iter().map(|error| (error.field.as_str(), error.code)).collect();
        assert_eq!(faults, [("credentials.1.id", "repeated"), ("credentials.2.id", "unknown_value")]);
        test.finish().await;
    }

    #[tokio::test]
    async fn what_must_not_change_does_not() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let id = test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap().id;
        test.dispatch(RegisterServer { draft: draft("web-2") }).await.unwrap();
        let stale = test.dispatch(modify(id, "web-3", Precondition::OneOf(vec![7]))).await.unwrap_err();
        assert_eq!(stale.kind(), Kind::PreconditionFailed);
        let taken = test.dispatch(modify(id, "WEB-2", Precondition::Any)).await.unwrap_err();
        assert_eq!(taken.problem().code, "server_name_taken");
        test.dispatch(DiscardServer { id, precondition: Precondition::Any }).await.unwrap();
        let discarded = test.dispatch(modify(id, "web-3", Precondition::Any)).await.unwrap_err();
        assert_eq!((discarded.kind(), discarded.problem().code), (Kind::Conflict, "server_discarded"));
        assert_eq!(test.ask(FindServer { id }).await.unwrap().name, "web-1");
        test.finish().await;
    }
}
