//! Modify an application.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::find_application::ApplicationView;
use crate::domain::{ApplicationId, ApplicationRepository, Specification};

/// Replace all that is said about an application.
#[derive(Clone)]
pub struct ModifyApplication {
    pub id: ApplicationId,
    pub specification: Specification,
    pub precondition: Precondition,
}

impl Command for ModifyApplication {
    type Output = ApplicationView;
    const NAME: &'static str = "application.modify_application";
    const NEEDS: Permission = Permission::new("update", "application");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<ModifyApplication>)]
pub struct Handler {
    #[shaku(inject)]
    applications: Arc<dyn ApplicationRepository>,
}

#[async_trait]
impl CommandHandler<ModifyApplication> for Handler {
    async fn handle(
        &self,
        command: ModifyApplication,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ApplicationView, Failure> {
        let mut application =
            self.applications.get_to_change(command.id, &command.precondition, uow, message).await?;
        application.modify(command.specification, message.now)?;
        self.applications.save_change(&mut application, uow, message).await
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::discard_application::DiscardApplication;
    use crate::application::find_application::FindApplication;
    use crate::application::register_application::RegisterApplication;
    use crate::domain::samples::specification;

    fn register(version: &str) -> RegisterApplication {
        RegisterApplication { specification: specification("nginx", version) }
    }

    fn modify(id: ApplicationId, version: &str, precondition: Precondition) -> ModifyApplication {
        ModifyApplication { id, specification: specification("nginx", version), precondition }
    }

    #[tokio::test]
    async fn what_changed_is_stored_and_told() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let id = test.dispatch(register("1.27")).await.unwrap().id;
        let modified = test.dispatch(modify(id, "1.28", Precondition::OneOf(vec![1]))).await.unwrap();
        assert_eq!((modified.version.as_str(), modified.revision), ("1.28", 2));
        assert_eq!(test.ask(FindApplication { id }).await.unwrap(), modified);
        let events = test.events().await;
        assert_eq!(events[1].data.get(), r#"{"changes":[{"field":"version","old":"1.27","new":"1.28"}]}"#);
        assert_eq!(events[1].revision, 2);
        test.finish().await;
    }

    #[tokio::test]
    async fn to_change_nothing_is_no_change() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let application = test.dispatch(register("1.27")).await.unwrap();
        let same = test.dispatch(modify(application.id, "1.27", Precondition::Any)).await.unwrap();
        assert_eq!(same, application);
        assert_eq!(test.event_types().await, ["application.registered"]);
        test.finish().await;
    }

    #[tokio::test]
    async fn what_must_not_change_does_not() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let id = test.dispatch(register("1.27")).await.unwrap().id;
        test.dispatch(register("1.28")).await.unwrap();
        let stale = test.dispatch(modify(id, "1.29", Precondition::OneOf(vec![7]))).await.unwrap_err();
        assert_eq!(stale.kind(), Kind::PreconditionFailed);
        let taken = test.dispatch(modify(id, "1.28", Precondition::Any)).await.unwrap_err();
        assert_eq!(taken.problem().code, "application_name_taken");
        test.dispatch(DiscardApplication { id, precondition: Precondition::Any }).await.unwrap();
        let discarded = test.dispatch(modify(id, "1.29", Precondition::Any)).await.unwrap_err();
        assert_eq!((discarded.kind(), discarded.problem().code), (Kind::Conflict, "application_discarded"));
        assert_eq!(test.ask(FindApplication { id }).await.unwrap().version, "1.27");
        test.finish().await;
    }
}
