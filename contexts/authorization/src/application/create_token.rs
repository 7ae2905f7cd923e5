//! Create a token for programs.

use std::sync::Arc;

use super::acting::Owner;
use super::find_account;
use super::find_tokens::TokenView;
use crate::domain::{Sessions, Token, TokenDraft, TokenHash, Tokens, Users};
use crate::error::Error;
use async_trait::async_trait;
use servertree_kernel::clock::IdGenerator;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Secret;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::secrets::Secrets;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// What every token begins with: those who search for leaked secrets find it by that.
pub const TOKEN_PREFIX: &str = "st_";
/// What tokens are hashed for.
pub const TOKEN_USAGE: &str = "api-token";
/// The most tokens that a user has.
const MAX_TOKENS: usize = 100;

/// A token, with what it is itself: to be shown once.
#[derive(Debug)]
pub struct NewToken {
    pub text: Secret,
    pub view: TokenView,
}

/// Create a token that stands for oneself.
#[derive(Clone)]
pub struct CreateToken {
    pub draft: TokenDraft,
}

impl Command for CreateToken {
    type Output = NewToken;
    const NAME: &'static str = "authorization.create_token";
    const NEEDS: Permission = find_account::UPDATE;
}

#[derive(Component)]
#[shaku(interface = CommandHandler<CreateToken>)]
pub struct Handler {
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    tokens: Arc<dyn Tokens>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    secrets: Arc<dyn Secrets>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
}

#[async_trait]
impl CommandHandler<CreateToken> for Handler {
    async fn handle(
        &self,
        command: CreateToken,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<NewToken, Failure> {
        let owner = Owner::live(self.users.as_ref(), self.sessions.as_ref(), message, uow).await?;
        let tokens = self.tokens.of_user(owner.user, uow).await?;
        if tokens.iter().filter(|token| message.now < token.state().expires_at).count() >= MAX_TOKENS {
            return Err(Error::TooManyTokens.into());
        }
        let user = self.users.get(owner.user, uow).await?;
        let text = self.secrets.random_token(TOKEN_PREFIX)?;
        let hash = TokenHash(self.secrets.keyed_hash(TOKEN_USAGE, text.expose().as_bytes())?);
        let named = (owner.user, user.state().username.clone());
        let token = Token::create(self.ids.next().into(), named, command.draft, hash, message.now);
        let mut token = token.map_err(|fault| Error::field("expires_at", fault))?;
        self.tokens.insert(&mut token, uow).await?;
        Ok(NewToken { text, view: TokenView::from(&token) })
    }
}

impl From<&Token> for TokenView {
    fn from(token: &Token) -> Self {
        let state = token.state();
        Self {
            id: state.id,
            name: state.name.to_string(),
            read_only: state.read_only,
            created_at: state.created_at,
            expires_at: state.expires_at,
            last_used_at: None,
        }
    }
}
