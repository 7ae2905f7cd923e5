//! Install an application on a server.

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
use crate::domain::{ApplicationId, ApplicationRepository, Directories, ServerId, ServerRepository};

/// An application is on a server from now on, in these directories; where it is there already, it is in these from now on.
#[derive(Clone)]
pub struct InstallApplication {
    pub server: ServerId,
    pub application: ApplicationId,
    pub directories: Directories,
    pub precondition: Precondition,
}

impl Command for InstallApplication {
    type Output = ServerView;
    const NAME: &'static str = "server.install_application";
    const NEEDS: Permission = Permission::new("update", "server");
    const ALSO: &'static [Permission] = &[find_credential::READ];
}

#[derive(Component)]
#[shaku(interface = CommandHandler<InstallApplication>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
    #[shaku(inject)]
    applications: Arc<dyn ApplicationRepository>,
}

#[async_trait]
impl CommandHandler<InstallApplication> for Handler {
    async fn handle(
        &self,
        command: InstallApplication,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ServerView, Failure> {
        let mut server =
            self.servers.get_to_change(command.server, &command.precondition, uow, message).await?;
        let known = self.applications.find_many(&[command.application], uow).await?;
        server.install_application(command.application, command.directories, &known, message.now)?;
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
    use crate::domain::ServerDraft;
    use crate::domain::samples::{application, directories, draft, installations, register_applications};

    fn install(server: ServerId, name: &str, into: &str) -> InstallApplication {
        InstallApplication {
            server,
            application: application(name).id,
            directories: directories(into),
            precondition: Precondition::Any,
        }
    }

    #[tokio::test]
    async fn it_is_installed_once_and_then_moved() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        register_applications(&test, &["nginx"]).await;
        let id = test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap().id;
        let installed = test.dispatch(install(id, "nginx", "nginx")).await.unwrap();
        let shown = json!([{"application_id": application("nginx").id, "name": "nginx", "version": "1.27",
            "application_discarded": false, "install_dir": "/opt/nginx", "log_dir": "/var/log/nginx"}]);
        assert_eq!((serde_json::to_value(&installed.applications).unwrap(), installed.revision), (shown, 2));
        assert_eq!(test.ask(FindServer { id }).await.unwrap(), installed);

        let again = test.dispatch(install(id, "nginx", "nginx")).await.unwrap();
        assert_eq!(again, installed, "it was so already");
        let moved = test.dispatch(install(id, "nginx", "nginx-2")).await.unwrap();
        assert_eq!((moved.applications[0].install_dir.as_str(), moved.revision), ("/opt/nginx-2", 3));
        assert_eq!(test.ask(FindServer { id }).await.unwrap(), moved);

        let events = test.events().await;
        let happened = events.iter().filter(|event| event.subject == uuid::Uuid::from(id)).skip(1);
        let happened: Vec<(&str, Value)> = happened
            .map(|event| (event.event_type.as_str(), serde_json::from_str(event.data.get()).unwrap()))
            .collect();
        let of = application("nginx").id;
        let change = |name: &str, old: &str| json!({"field": format!("applications.{of}.{name}"), "old": old, "new": format!("{old}-2")});
        assert_eq!(
            happened,
            [
                (
                    "server.application.installed",
                    json!({"application_id": of, "install_dir": "/opt/nginx", "log_dir": "/var/log/nginx"})
                ),
                (
                    "server.modified",
                    json!({"changes": [change("install_dir", "/opt/nginx"), change("log_dir", "/var/log/nginx")]})
                ),
            ]
        );
        test.finish().await;
    }

    /// Whoever installs what was registered a moment ago need not wait for the event that tells of it.
    #[tokio::test]
    async fn what_is_on_its_way_is_waited_for() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let id = test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap().id;
        let data = json!({"name": "nginx", "version": "1.27"});
        let registered = async {
            // It asked at least once before.
            tokio::task::yield_now().await;
            test.publish("application.registered", application("nginx").id, 1, data).await;
        };
        let (installed, ()) = tokio::join!(test.dispatch(install(id, "nginx", "nginx")), registered);
        assert_eq!(installed.unwrap().applications.len(), 1);
        test.finish().await;
    }

    #[tokio::test]
    async fn what_cannot_be_installed_is_named() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        register_applications(&test, &["old", "nginx"]).await;
        let id = test
            .dispatch(RegisterServer {
                draft: ServerDraft { applications: installations(&["old"]), ..draft("web-1") },
            })
            .await
            .unwrap()
            .id;
        let other = test.dispatch(RegisterServer { draft: draft("web-2") }).await.unwrap().id;
        let old = application("old").id;
        test.publish("application.discarded", old, 2, json!({"name": "old", "version": "1.27"})).await;
        test.delivered().await;
        for (name, code) in [("unknown", "unknown_application"), ("old", "discarded_application")] {
            let refused = test.dispatch(install(other, name, "x")).await.unwrap_err();
            let faults: Vec<(&str, &str)> =
                refused.fields().iter().map(|error| (error.field.as_str(), error.code)).collect();
            assert_eq!((refused.kind(), faults), (Kind::Invalid, vec![("application_id", code)]));
        }
        // Where it is installed it stays, also in other directories.
        let moved = test.dispatch(install(id, "old", "older")).await.unwrap();
        assert_eq!((moved.applications[0].application_discarded, moved.revision), (true, 2));

        let stale =
            InstallApplication { precondition: Precondition::OneOf(vec![7]), ..install(id, "nginx", "x") };
        assert_eq!(test.dispatch(stale).await.unwrap_err().kind(), Kind::PreconditionFailed);
        test.dispatch(DiscardServer { id, precondition: Precondition::Any }).await.unwrap();
        let refused = test.dispatch(install(id, "nginx", "x")).await.unwrap_err();
        assert_eq!(refused.problem().code, "server_discarded");
        test.finish().await;
    }

    #[tokio::test]
    async fn there_are_only_so_many() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let names: Vec<String> = (0..101).map(|number| format!("a{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        register_applications(&test, &names).await;
        let with = |names: &[&str]| RegisterServer {
            draft: ServerDraft { applications: installations(names), ..draft("web-1") },
        };
        let too_many = |failure: Failure| (failure.fields()[0].field.clone(), failure.fields()[0].code);
        let refused = test.dispatch(with(&names)).await.unwrap_err();
        assert_eq!(too_many(refused), ("applications".to_owned(), "too_many"));
        let server = test.dispatch(with(&names[..100])).await.unwrap();
        assert_eq!(server.applications.len(), 100);
        let refused = test.dispatch(install(server.id, "a100", "x")).await.unwrap_err();
        assert_eq!(too_many(refused), ("applications".to_owned(), "too_many"));
        test.finish().await;
    }
}
