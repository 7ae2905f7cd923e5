//! Inactivate a user.

use std::sync::Arc;

use super::acting::subordinate;
use super::endings::Endings;
use super::find_user::UserView;
use crate::domain::{CloseReason, UserId, Users};
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Keep a user from logging in. All their sessions and tokens end.
#[derive(Clone)]
pub struct InactivateUser {
    pub id: UserId,
}

impl Command for InactivateUser {
    type Output = UserView;
    const NAME: &'static str = "authorization.inactivate_user";
    const NEEDS: Permission = Permission::new("inactivate", "user");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<InactivateUser>)]
pub struct Handler {
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    endings: Arc<dyn Endings>,
}

#[async_trait]
impl CommandHandler<InactivateUser> for Handler {
    async fn handle(
        &self,
        command: InactivateUser,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<UserView, Failure> {
        let (mut user, actor) = subordinate(self.users.as_ref(), command.id, message, uow).await?;
        user.inactivate(actor, message.now)?;
        self.users.save(&mut user, uow).await?;
        self.endings.end_all(command.id, CloseReason::UserInactivated, message.now, uow).await?;
        Ok(UserView::from(&user))
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::message::Caller;
    use servertree_kernel::permission::PermissionChecker;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::application::create_token::CreateToken;
    use crate::application::end_session::EndSession;
    use crate::application::find_sessions::FindSessions;
    use crate::application::log_out::LogOut;
    use crate::application::reactivate_user::ReactivateUser;
    use crate::application::remove_token::RemoveToken;
    use crate::application::set_roles::SetRoles;
    use crate::domain::RoleName;
    use crate::testing::{PASSWORD, caller, log_in, operator, somebody, testbed, verify};

    async fn token(test: &Testbed, caller: &Caller, read_only: bool) -> (crate::domain::TokenId, String) {
        let draft = serde_json::json!({"name": "test", "read_only": read_only});
        let draft = servertree_kernel::fields::parse(draft).unwrap();
        let created = test.dispatch_as(caller, CreateToken { draft }).await.unwrap();
        (created.view.id, created.text.expose().to_owned())
    }

    /// Each way to end it, and what is left afterwards.
    #[tokio::test]
    async fn what_ended_is_refused_at_once() {
        let test = testbed().start().await;
        let (ada, session) = somebody(&test, "ada", &["viewer"]).await;
        let access = async || log_in(&test, "ada", PASSWORD).await.unwrap().access_token.expose().to_owned();
        let (first, second) = (access().await, access().await);
        let (id, text) = token(&test, &session, true).await;
        let seen = verify(&test, &text).await.unwrap();
        assert!(seen.is_read_only() && seen.subject() == "ada");
        for token in [&first, &second, &text] {
            assert!(verify(&test, token).await.is_some());
        }
        test.dispatch_as(&session, RemoveToken { id }).await.unwrap();
        assert!(verify(&test, &text).await.is_none());
        let seen = verify(&test, &first).await.unwrap();
        test.dispatch_as(&seen, LogOut).await.unwrap();
        assert!(verify(&test, &first).await.is_none() && verify(&test, &second).await.is_some());
        // What was under way when the session ended leaves nothing behind.
        let draft = servertree_kernel::fields::parse(serde_json::json!({"name": "late"})).unwrap();
        let late = test.dispatch_as(&seen, CreateToken { draft }).await.unwrap_err();
        assert_eq!(late.kind(), servertree_kernel::problem::Kind::Unauthenticated);
        let sessions = test.ask_as(&session, FindSessions).await.unwrap();
        let other = sessions.iter().find(|session| !session.current).unwrap().id;
        test.dispatch_as(&session, EndSession { id: other }).await.unwrap();
        assert!(verify(&test, &second).await.is_none());

        let (third, (_, text)) = (access().await, token(&test, &session, false).await);
        assert!(verify(&test, &third).await.is_some() && verify(&test, &text).await.is_some());
        test.dispatch_as(&operator(), InactivateUser { id: ada.id }).await.unwrap();
        assert!(verify(&test, &third).await.is_none() && verify(&test, &text).await.is_none());
        test.dispatch_as(&operator(), ReactivateUser { id: ada.id }).await.unwrap();
        assert!(verify(&test, &third).await.is_none(), "what ended does not begin again");
        assert!(verify(&test, &access().await).await.is_some());
        test.finish().await;
    }

    #[tokio::test]
    async fn a_role_that_was_taken_gives_nothing_any_more() {
        let test = testbed().start().await;
        let (ada, caller) = somebody(&test, "ada", &["operator"]).await;
        let policy: Arc<dyn PermissionChecker> = Arc::clone(&test.application.permissions);
        let may = async || {
            let permissions = [Permission::new("update", "thing")];
            !policy.grants(&caller, &permissions).await.unwrap()[0].is_empty()
        };
        assert!(may().await);
        let viewer = RoleName::parse("viewer".to_owned()).unwrap();
        let set = SetRoles { id: ada.id, roles: vec![viewer], precondition: Default::default() };
        test.dispatch_as(&operator(), set).await.unwrap();
        assert!(!may().await);
        assert_eq!(test.event_types().await[2..], ["user.role.revoked", "user.role.granted"]);
        test.finish().await;
    }

    #[tokio::test]
    async fn nobody_ends_what_is_not_theirs() {
        let test = testbed().start().await;
        let (_, ada) = somebody(&test, "ada", &[]).await;
        let (_, bob) = somebody(&test, "bob", &[]).await;
        let (id, _) = token(&test, &ada, false).await;
        let session = test.ask_as(&ada, FindSessions).await.unwrap()[0].id;
        for failure in [
            test.dispatch_as(&bob, RemoveToken { id }).await.unwrap_err(),
            test.dispatch_as(&bob, EndSession { id: session }).await.unwrap_err(),
        ] {
            assert_eq!(failure.kind(), servertree_kernel::problem::Kind::NotFound);
        }
        let (_, text) = token(&test, &ada, false).await;
        let by_token = verify(&test, &text).await.unwrap();
        let failure = test.dispatch_as(&by_token, LogOut).await.unwrap_err();
        assert_eq!(failure.problem().code, "session_needed");
        assert!(caller(&test, "bob").await.account().is_some());
        test.finish().await;
    }
}
