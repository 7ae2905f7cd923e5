//! Renew a session.

use std::sync::Arc;

use super::access_tokens::AccessTokens;
use super::acting::Owner;
use super::find_account;
use super::log_in::LoggedIn;
use crate::domain::{Sessions, Users};
use crate::error::Error;
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Get a new access token for the session that asks, while that lasts.
#[derive(Clone)]
pub struct RenewSession;

impl Command for RenewSession {
    type Output = LoggedIn;
    const NAME: &'static str = "authorization.renew_session";
    const NEEDS: Permission = find_account::UPDATE;
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RenewSession>)]
pub struct Handler {
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    access_tokens: Arc<dyn AccessTokens>,
}

#[async_trait]
impl CommandHandler<RenewSession> for Handler {
    async fn handle(
        &self,
        _: RenewSession,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<LoggedIn, Failure> {
        let owner = Owner::of(message)?;
        let session = self.sessions.get(owner.session, uow).await?;
        if !session.is_live(message.now) {
            return Err(Error::NoAccount.into());
        }
        let user = self.users.get(owner.user, uow).await?;
        Ok(LoggedIn::with(&session, &user, self.access_tokens.as_ref(), message.now, uow).await?)
    }
}
