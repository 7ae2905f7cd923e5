//! Patch an application.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::merge_patch::MergePatch;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::find_application::ApplicationView;
use crate::domain::{ApplicationId, ApplicationRepository};

/// Change a part of what is said about an application.
#[derive(Clone)]
pub struct PatchApplication {
    pub id: ApplicationId,
    pub patch: MergePatch,
    pub precondition: Precondition,
}

impl Command for PatchApplication {
    type Output = ApplicationView;
    const NAME: &'static str = "application.patch_application";
    const NEEDS: Permission = Permission::new("update", "application");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<PatchApplication>)]
pub struct Handler {
    #[shaku(inject)]
    applications: Arc<dyn ApplicationRepository>,
}

#[async_trait]
impl CommandHandler<PatchApplication> for Handler {
    async fn handle(
        &self,
        command: PatchApplication,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ApplicationView, Failure> {
        let mut application =
            self.applications.get_to_change(command.id, &command.precondition, uow, message).await?;
        let specification = command.patch.apply(&ApplicationView::from(&application))?;
        application.modify(specification, message.now)?;
        self.applications.save_change(&mut application, uow, message).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::register_application::RegisterApplication;
    use crate::domain::samples::specification;

    #[tokio::test]
    async fn what_is_not_in_the_patch_stays() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let specification = specification("nginx", "1.27");
        let application = test.dispatch(RegisterApplication { specification }).await.unwrap();
        let patch = |patch: Value| PatchApplication {
            id: application.id,
            patch: MergePatch::new(patch).unwrap(),
            precondition: Precondition::Any,
        };
        let patched = test.dispatch(patch(json!({"architect": "ada"}))).await.unwrap();
        assert_eq!((patched.architect.as_str(), patched.revision), ("ada", 2));
        assert_eq!((patched.name.as_str(), patched.version.as_str()), ("nginx", "1.27"));
        let changes = r#"{"changes":[{"field":"architect","old":"web team","new":"ada"}]}"#;
        assert_eq!(test.events().await[1].data.get(), changes);

        assert_eq!(test.dispatch(patch(json!({}))).await.unwrap(), patched);
        let faulty = json!({"name": null, "colour": null, "version": 7});
        let failure = test.dispatch(patch(faulty)).await.unwrap_err();
        let fields: Vec<&str> = failure.fields().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["colour", "version", "name"]);
        test.finish().await;
    }
}
