//! Register an application.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::clock::IdGenerator;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::find_application::ApplicationView;
use crate::domain::{Application, ApplicationRepository, Specification};

/// Enter a new application into the catalogue.
#[derive(Clone)]
pub struct RegisterApplication {
    pub specification: Specification,
}

impl Command for RegisterApplication {
    type Output = ApplicationView;
    const NAME: &'static str = "application.register_application";
    const NEEDS: Permission = Permission::new("create", "application");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RegisterApplication>)]
pub struct Handler {
    #[shaku(inject)]
    applications: Arc<dyn ApplicationRepository>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<RegisterApplication> for Handler {
    async fn handle(
        &self,
        command: RegisterApplication,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ApplicationView, Failure> {
        let mut application =
            Application::register(self.ids.next().into(), command.specification, message.now);
        self.applications.save_change(&mut application, uow, message).await
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::clock::Clock;
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::domain::samples::specification;

    #[tokio::test]
    async fn an_application_enters_the_catalogue() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let specification = specification("Größe", "1.27");
        let application = test.dispatch(RegisterApplication { specification }).await.unwrap();
        assert_eq!((application.name.as_str(), application.version.as_str()), ("Größe", "1.27"));
        assert_eq!((application.architect.as_str(), application.revision), ("web team", 1));
        assert_eq!(application.created_at, test.clock.now());
        let events = test.events().await;
        assert_eq!(
            (events[0].event_type.as_str(), events[0].subject),
            ("application.registered", application.id.into())
        );
        assert_eq!(events[0].data.get(), r#"{"name":"Größe","version":"1.27","architect":"web team"}"#);
        test.finish().await;
    }

    /// In any script and at any length; what is longest is twice as long in lower case.
    #[tokio::test]
    async fn a_name_is_taken_once_in_a_version_whatever_its_case() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let version = "😀".repeat(64);
        for (name, same) in [
            ("nginx".to_owned(), "NGINX".to_owned()),
            ("Größe".to_owned(), "GRÖẞE".to_owned()),
            ("İ".repeat(127), "i\u{307}".repeat(127)),
            ("İ".repeat(255), "İ".repeat(255)),
            ("𐐀".repeat(255), "𐐨".repeat(255)),
        ] {
            let register = |name: &str, version: &str| {
                test.dispatch(RegisterApplication { specification: specification(name, version) })
            };
            register(&name, &version).await.unwrap();
            let taken = register(&same, &version).await.unwrap_err();
            assert_eq!((taken.kind(), taken.problem().code), (Kind::Conflict, "application_name_taken"));
            register(&same, "1.27").await.unwrap();
        }
        assert_eq!(test.events().await.len(), 10);
        test.finish().await;
    }

    #[tokio::test]
    async fn versions_are_compared_as_they_are() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        for version in ["1.27-rc1", "1.27-RC1", "1.27", "1.270"] {
            let specification = specification("nginx", version);
            test.dispatch(RegisterApplication { specification }).await.unwrap();
        }
        test.finish().await;
    }
}
