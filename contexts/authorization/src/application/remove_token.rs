//! Remove a token.

use std::sync::Arc;

use super::acting::Owner;
use super::find_account;
use crate::domain::{Sessions, TokenId, Tokens, Users};
use crate::error::Error;
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Remove one of one's own tokens: it is good for nothing from now on.
#[derive(Clone)]
pub struct RemoveToken {
    pub id: TokenId,
}

impl Command for RemoveToken {
    type Output = ();
    const NAME: &'static str = "authorization.remove_token";
    const NEEDS: Permission = find_account::UPDATE;
}

#[derive(Component)]
#[shaku(interface = CommandHandler<RemoveToken>)]
pub struct Handler {
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    tokens: Arc<dyn Tokens>,
}

#[async_trait]
impl CommandHandler<RemoveToken> for Handler {
    async fn handle(
        &self,
        command: RemoveToken,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<(), Failure> {
        let owner = Owner::live(self.users.as_ref(), self.sessions.as_ref(), message, uow).await?;
        let mut token = self.tokens.get(command.id, uow).await?;
        if token.state().user != owner.user {
            return Err(Error::NotFound.into());
        }
        token.remove();
        Ok(self.tokens.remove(&mut token, uow).await?)
    }
}
