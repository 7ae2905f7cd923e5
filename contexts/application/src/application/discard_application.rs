//! Discard an application.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use crate::domain::{ApplicationId, ApplicationRepository};

/// Take an application out of the catalogue.
#[derive(Clone)]
pub struct DiscardApplication {
    pub id: ApplicationId,
    pub precondition: Precondition,
}

impl Command for DiscardApplication {
    type Output = ();
    const NAME: &'static str = "application.discard_application";
    const NEEDS: Permission = Permission::new("discard", "application");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<DiscardApplication>)]
pub struct Handler {
    #[shaku(inject)]
    applications: Arc<dyn ApplicationRepository>,
}

#[async_trait]
impl CommandHandler<DiscardApplication> for Handler {
    async fn handle(
        &self,
        command: DiscardApplication,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let mut application =
            self.applications.get_to_change(command.id, &command.precondition, uow, message).await?;
        application.discard(message.now);
        self.applications.save_change(&mut application, uow, message).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;
    use uuid::Uuid;

    use super::*;
    use crate::CONTEXT;
    use crate::application::find_application::FindApplication;
    use crate::application::register_application::RegisterApplication;
    use crate::domain::samples::specification;

    #[tokio::test]
    async fn a_discarded_application_frees_its_name_and_can_still_be_found() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let register = || RegisterApplication { specification: specification("nginx", "1.27") };
        let id = test.dispatch(register()).await.unwrap().id;
        for _ in 0..2 {
            test.dispatch(DiscardApplication { id, precondition: Precondition::Any }).await.unwrap();
        }
        let discarded = test.ask(FindApplication { id }).await.unwrap();
        assert_eq!((discarded.discarded, discarded.revision), (true, 2));
        test.dispatch(register()).await.unwrap();
        let expected = ["registered", "discarded", "registered"].map(|what| format!("application.{what}"));
        assert_eq!(test.event_types().await, expected);
        assert_eq!(test.events().await[1].data.get(), r#"{"name":"nginx","version":"1.27"}"#);
        test.finish().await;
    }

    #[tokio::test]
    async fn what_is_not_there_cannot_be_discarded() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let nobody = DiscardApplication { id: Uuid::nil().into(), precondition: Precondition::Any };
        assert_eq!(test.dispatch(nobody).await.unwrap_err().kind(), Kind::NotFound);
        test.finish().await;
    }
}
