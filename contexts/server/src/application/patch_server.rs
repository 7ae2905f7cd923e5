//! Patch a server.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::clock::IdGenerator;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::merge_patch::MergePatch;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::find_credential;
use super::find_server::ServerView;
use crate::domain::{ApplicationRepository, ServerId, ServerRepository};

/// Change a part of what is said about a server.
#[derive(Clone)]
pub struct PatchServer {
    pub id: ServerId,
    pub patch: MergePatch,
    pub precondition: Precondition,
}

impl Command for PatchServer {
    type Output = ServerView;
    const NAME: &'static str = "server.patch_server";
    const NEEDS: Permission = Permission::new("update", "server");
    const ALSO: &'static [Permission] =
        &[find_credential::READ, find_credential::CREATE, find_credential::UPDATE, find_credential::DISCARD];
}

#[derive(Component)]
#[shaku(interface = CommandHandler<PatchServer>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
    #[shaku(inject)]
    applications: Arc<dyn ApplicationRepository>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<PatchServer> for Handler {
    async fn handle(
        &self,
        command: PatchServer,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ServerView, Failure> {
        let mut server = self.servers.get_to_change(command.id, &command.precondition, uow, message).await?;
        // Before it is applied: what is wrong with it would tell about them.
        if command.patch.names("credentials") {
            server.permit_naming_credentials()?;
        }
        let draft = command.patch.apply(&ServerView::from(&*server))?;
        let known = self.applications.find_many(&server.not_installed(&draft), uow).await?;
        server.modify(draft, &known, || self.ids.next().into(), message.now)?;
        self.servers.save_change(server, uow).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::register_server::RegisterServer;
    use crate::domain::samples::draft;

    #[tokio::test]
    async fn what_is_not_in_the_patch_stays() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let server = test.dispatch(RegisterServer { draft: draft("web-1") }).await.unwrap();
        let patch = |patch: Value| PatchServer {
            id: server.id,
            patch: MergePatch::new(patch).unwrap(),
            precondition: Precondition::Any,
        };
        let patched = test.dispatch(patch(json!({"operating_system": {"version": "13"}}))).await.unwrap();
        assert_eq!((patched.operating_system.version.as_str(), patched.revision), ("13", 2));
        assert_eq!(patched.operating_system.name, server.operating_system.name);
        let changes = r#"{"changes":[{"field":"operating_system.version","old":"12","new":"13"}]}"#;
        assert_eq!(test.events().await[1].data.get(), changes);

        assert_eq!(test.dispatch(patch(json!({}))).await.unwrap(), patched);
        let faulty =
            json!({"name": null, "colour": null, "cpu_cores": 0, "operating_system": {"kernel": null}});
        let failure = test.dispatch(patch(faulty)).await.unwrap_err();
        let fields: Vec<&str> = failure.fields().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["colour", "cpu_cores", "operating_system.kernel", "name"]);
        test.finish().await;
    }
}
