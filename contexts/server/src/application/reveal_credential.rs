//! Reveal the password of a credential.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::{Precondition, Secret};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use crate::domain::{CredentialId, RevealReason, ServerId, ServerRepository};

/// Look at the password of a credential. That it was, by whom and why is on record before anybody sees it.
#[derive(Clone)]
pub struct RevealCredential {
    pub server: ServerId,
    pub credential: CredentialId,
    pub reason: RevealReason,
}

impl Command for RevealCredential {
    type Output = Secret;
    const NAME: &'static str = "server.reveal_credential";
    const NEEDS: Permission = Permission::new("reveal", "server.credential");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RevealCredential>)]
pub struct Handler {
    #[shaku(inject)]
    servers: Arc<dyn ServerRepository>,
}

#[async_trait]
impl CommandHandler<RevealCredential> for Handler {
    async fn handle(
        &self,
        command: RevealCredential,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<Secret, Failure> {
        let mut server = self.servers.get_to_change(command.server, &Precondition::Any, uow, message).await?;
        server.reveal_credential(command.credential, command.reason)?;
        self.servers.save_change(server, uow).await?;
        Ok(self.servers.password(command.credential, uow).await?)
    }
}

#[cfg(test)]
mod tests {
    use sea_query::{Alias, Expr, ExprTrait, Func, Query};
    use serde_json::json;
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::find_server::ServerView;
    use crate::application::register_server::RegisterServer;
    use crate::domain::samples::{credential, draft};
    use crate::domain::{CredentialDrafts, ServerDraft};

    async fn server_with_passwords(test: &Testbed, passwords: &[&str]) -> ServerView {
        let one = |password: &&str| {
            credential(json!({"connection_type": "ssh", "username": "root", "password": password}))
        };
        let draft = ServerDraft {
            credentials: CredentialDrafts::Replace(passwords.iter().map(one).collect()),
            ..draft("web-1")
        };
        test.dispatch(RegisterServer { draft }).await.unwrap()
    }

    fn reveal(server: &ServerView, position: usize) -> RevealCredential {
        RevealCredential {
            server: server.id,
            credential: server.shown_credentials()[position].id,
            reason: RevealReason::parse("disk full".to_owned()).unwrap(),
        }
    }

    #[tokio::test]
    async fn it_is_on_record_who_saw_what_and_why() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let server = server_with_passwords(&test, &["hunter2"]).await;
        let secret = test.dispatch(reveal(&server, 0)).await.unwrap();
        assert_eq!(secret.expose(), "hunter2");
        let events = test.events().await;
        let revealed = events.last().unwrap();
        assert_eq!(
            (revealed.event_type.as_str(), revealed.actor.as_str()),
            ("server.credential.revealed", "tester")
        );
        let data: serde_json::Value = serde_json::from_str(revealed.data.get()).unwrap();
        assert_eq!((&data["reason"], &data["username"]), (&json!("disk full"), &json!("root")));
        assert!(!format!("{events:?}").contains("hunter2"));
        test.finish().await;
    }

    /// Whatever somebody did to the table: an error, no event, never another password.
    #[tokio::test]
    async fn what_was_tampered_with_is_not_revealed() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let server = server_with_passwords(&test, &["first", "second", "third", "fourth"]).await;
        let id = |position: usize| server.shown_credentials()[position].id;
        let sealed_of = |position: usize| {
            let select = Query::select()
                .column(Alias::new("password_sealed"))
                .from(Alias::new("server_credentials"))
                .and_where(Expr::col("id").eq(id(position)))
                .take();
            Expr::SubQuery(None, Box::new(select.into()))
        };
        let truncated = Func::cust("substr").args([sealed_of(2), Expr::val(1), Expr::val(60)]).into();
        for (position, column, value) in [
            (0, "password_sealed", sealed_of(1)),
            (2, "password_sealed", truncated),
            (3, "password_key", Expr::val("master-19700101-00000000")),
        ] {
            let update = Query::update()
                .table("server_credentials")
                .value(column, value)
                .and_where(Expr::col("id").eq(id(position)))
                .take();
            test.tamper(&update).await;
        }
        let events = test.events().await.len();
        for position in [0, 2, 3] {
            let failure = test.dispatch(reveal(&server, position)).await.unwrap_err();
            assert_eq!(failure.kind(), Kind::Internal, "{failure:?}");
            assert!(failure.chain().contains("key"), "{failure:?}");
        }
        assert_eq!(test.events().await.len(), events);
        assert_eq!(test.dispatch(reveal(&server, 1)).await.unwrap().expose(), "second");
        test.finish().await;
    }
}
