//! End a session.

use std::sync::Arc;

use super::acting::Owner;
use super::find_account;
use crate::domain::{CloseReason, SessionId, Sessions, Users};
use crate::error::Error;
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// End one of one's own sessions. To end one that has ended changes nothing.
#[derive(Clone)]
pub struct EndSession {
    pub id: SessionId,
}

impl Command for EndSession {
    type Output = ();
    const NAME: &'static str = "authorization.end_session";
    const NEEDS: Permission = find_account::UPDATE;
}

#[derive(Component)]
#[shaku(interface = CommandHandler<EndSession>)]
pub struct Handler {
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
}

#[async_trait]
impl CommandHandler<EndSession> for Handler {
    async fn handle(
        &self,
        command: EndSession,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let owner = Owner::live(self.users.as_ref(), self.sessions.as_ref(), message, uow).await?;
        let mut session = self.sessions.get(command.id, uow).await?;
        if session.state().user != owner.user {
            return Err(Error::NotFound.into());
        }
        session.close(CloseReason::Ended, message.now);
        Ok(self.sessions.save(&mut session, uow).await?)
    }
}
