//! Renew what a browser shows, without being asked.

use std::sync::Arc;

use async_trait::async_trait;
pub use servertree_kernel::authentication::RenewAccess;
use servertree_kernel::authentication::RenewedAccess;
use servertree_kernel::command::CommandHandler;
use servertree_kernel::domain::Secret;
use servertree_kernel::message::Message;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::access_tokens::AccessTokens;
use super::acting::Owner;
use crate::domain::Sessions;
use crate::error::Error;

#[derive(Component)]
#[shaku(interface = CommandHandler<RenewAccess>)]
pub struct Handler {
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    access_tokens: Arc<dyn AccessTokens>,
}

#[async_trait]
impl CommandHandler<RenewAccess> for Handler {
    async fn handle(
        &self,
        _: RenewAccess,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<RenewedAccess, Failure> {
        let owner = Owner::of(message)?;
        let session = self.sessions.get(owner.session, uow).await?;
        if !session.is_live(message.now) {
            return Err(Error::NoAccount.into());
        }
        let token = self.access_tokens.issue(&session, message.now, uow).await?;
        let access_token = Secret::parse(token.text).map_err(|fault| Error::Corrupt(fault.to_string()))?;
        Ok(RenewedAccess { access_token, expires_at: token.expires_at })
    }
}
