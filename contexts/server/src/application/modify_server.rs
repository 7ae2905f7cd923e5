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
use crate::domain::{ApplicationRepository, ServerDraft, ServerId, ServerRepository};

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
    applications: Arc<dyn ApplicationRepository>,
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
        let known = self.applications.find_many(&server.not_installed(&command.draft), uow).await?;
        server.modify(command.draft, &known, || self.ids.next().into(), message.now)?;
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
    use crate::domain::samples::{application, credential, draft, installations, register_applications};
    use crate::domain::{CredentialDrafts, InstallationDrafts};

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

    /// Those that are named stay or move, the others go; what GET gave can be put back, also when an application was discarded.
    #[tokio::test]
    async fn applications_are_replaced() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        register_applications(&test, &["a", "b", "c", "old"]).await;
        let with = |applications| ServerDraft { applications, ..draft("web-1") };
        let registered = RegisterServer { draft: with(installations(&["b", "old", "a"])) };
        let server = test.dispatch(registered).await.unwrap();
        let modify = |draft| ModifyServer { id: server.id, draft, precondition: Precondition::Any };
        let names = |server: &ServerView| -> Vec<String> {
            server.applications.iter().map(|installation| installation.name.clone()).collect()
        };
        assert_eq!(names(&server), ["a", "b", "old"]);
        let discarded = json!({"name": "old", "version": "1.27"});
        test.publish("application.discarded", application("old").id, 2, discarded).await;
        test.delivered().await;

        let found = test.ask(FindServer { id: server.id }).await.unwrap();
        let mut body = serde_json::to_value(&found).unwrap();
        let put_back =
            |body: &Value| servertree_kernel::fields::parse(body.clone()).map(InstallationDrafts::Replace);
        let same = test.dispatch(modify(with(put_back(&body["applications"]).unwrap()))).await.unwrap();
        assert_eq!((&same, same.revision), (&found, 1));
        let kept = test.dispatch(modify(draft("web-1"))).await.unwrap();
        assert_eq!(kept, found, "nothing was said of them");

        body["applications"][1]["log_dir"] = json!("/srv/log");
        body["applications"][0] =
            json!({"application_id": application("c").id, "install_dir": "/c", "log_dir": "/c"});
        let modified = test.dispatch(modify(with(put_back(&body["applications"]).unwrap()))).await.unwrap();
        assert_eq!((names(&modified), modified.revision), (vec!["b".into(), "c".into(), "old".into()], 2));
        assert_eq!(test.ask(FindServer { id: server.id }).await.unwrap(), modified);
        let events = test.event_types().await;
        let expected = ["server.application.uninstalled", "server.application.installed", "server.modified"];
        assert_eq!(events[events.len() - 3..], expected);

        let faulty = installations(&["b", "unknown", "b", "old", "a", "unknown"]);
        test.dispatch(modify(with(installations(&["b"])))).await.unwrap();
        let failure = test.dispatch(modify(with(faulty))).await.unwrap_err();
        let faults: Vec<(&str, &str)> =
            failure.fields().iter().map(|error| (error.field.as_str(), error.code)).collect();
        assert_eq!(
            faults,
            [
                ("applications.1.application_id", "unknown_application"),
                ("applications.2.application_id", "repeated"),
                ("applications.3.application_id", "discarded_application"),
                ("applications.5.application_id", "repeated"),
            ]
        );
        let none = test.dispatch(modify(with(installations(&[])))).await.unwrap();
        assert_eq!(names(&none), Vec::<String>::new());
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
