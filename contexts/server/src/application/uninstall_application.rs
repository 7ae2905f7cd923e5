//! Uninstall an application from a server.

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
use crate::domain::{ApplicationId, ServerId, ServerRepository};

/// An application is not on a server any more.
#[derive(Clone)]
pub struct UninstallApplication {
    pub server: ServerId,
    pub application: ApplicationId,
    pub precondition: Precondition,
}

impl Command for UninstallApplication {
    type Output = ();
    const NAME: &'static str = "server.uninstall_application";
    const NEEDS: Permission = Permission::new("update", "server");
    const ALSO: &'static [Permission] = &[find_credential::READ];
}

#[derive(Component)]
#[shaku(interface = CommandHandler<UninstallApplication>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
}

#[async_trait]
impl CommandHandler<UninstallApplication> for Handler {
    async fn handle(
        &self,
        command: UninstallApplication,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let mut server =
            self.servers.get_to_change(command.server, &command.precondition, uow, message).await?;
        server.uninstall_application(command.application, message.now)?;
        self.servers.save_change(server, uow).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::find_server::FindServer;
    use crate::application::register_server::RegisterServer;
    use crate::domain::ServerDraft;
    use crate::domain::samples::{application, draft, installations, register_applications};

    #[tokio::test]
    async fn it_is_gone_and_the_others_stay() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        register_applications(&test, &["a", "b"]).await;
        let draft = ServerDraft { applications: installations(&["a", "b"]), ..draft("web-1") };
        let server = test.dispatch(RegisterServer { draft }).await.unwrap();
        let uninstall = || UninstallApplication {
            server: server.id,
            application: application("a").id,
            precondition: Precondition::Any,
        };
        test.dispatch(uninstall()).await.unwrap();
        let left = test.ask(FindServer { id: server.id }).await.unwrap();
        assert_eq!((left.revision, &left.applications[..]), (2, &server.applications[1..]));
        let events = test.events().await;
        let last = events.last().unwrap();
        assert_eq!(last.event_type, "server.application.uninstalled");
        let data =
            json!({"application_id": application("a").id, "install_dir": "/opt/a", "log_dir": "/var/log/a"});
        assert_eq!(serde_json::from_str::<Value>(last.data.get()).unwrap(), data);
        assert_eq!(test.dispatch(uninstall()).await.unwrap_err().kind(), Kind::NotFound);
        test.finish().await;
    }
}
