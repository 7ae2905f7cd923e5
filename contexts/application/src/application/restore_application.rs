//! Restore an application.

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
use crate::domain::{ApplicationId, ApplicationRepository};

/// Take a discarded application back into the catalogue.
#[derive(Clone)]
pub struct RestoreApplication {
    pub id: ApplicationId,
    pub precondition: Precondition,
}

impl Command for RestoreApplication {
    type Output = ApplicationView;
    const NAME: &'static str = "application.restore_application";
    const NEEDS: Permission = Permission::new("restore", "application");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RestoreApplication>)]
pub struct Handler {
    #[shaku(inject)]
    applications: Arc<dyn ApplicationRepository>,
}

#[async_trait]
impl CommandHandler<RestoreApplication> for Handler {
    async fn handle(
        &self,
        command: RestoreApplication,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ApplicationView, Failure> {
        let mut application =
            self.applications.get_to_change(command.id, &command.precondition, uow, message).await?;
        application.restore(message.now);
        self.applications.save_change(&mut application, uow, message).await
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::discard_application::DiscardApplication;
    use crate::application::register_application::RegisterApplication;
    use crate::domain::samples::specification;

    #[tokio::test]
    async fn a_restored_application_needs_its_name_to_be_free() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let register = || RegisterApplication { specification: specification("nginx", "1.27") };
        let id = test.dispatch(register()).await.unwrap().id;
        let restore = || RestoreApplication { id, precondition: Precondition::Any };
        let discard = |id| DiscardApplication { id, precondition: Precondition::Any };
        test.dispatch(discard(id)).await.unwrap();
        let other = test.dispatch(register()).await.unwrap().id;
        assert_eq!(test.dispatch(restore()).await.unwrap_err().problem().code, "application_name_taken");
        test.dispatch(discard(other)).await.unwrap();
        let restored = test.dispatch(restore()).await.unwrap();
        assert_eq!((restored.discarded, restored.revision), (false, 3));
        assert_eq!(test.dispatch(restore()).await.unwrap(), restored);
        assert_eq!(test.event_types().await.last().unwrap(), "application.restored");
        test.finish().await;
    }
}
