//! Find the tokens of one's own account.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use servertree_kernel::domain::Timestamp;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;
use utoipa::ToSchema;

use super::acting::account_of;
use super::find_account;
use super::find_sessions::AccountViews;
use crate::domain::{TokenId, TokenName};

/// Find the caller's own tokens, the oldest first.
pub struct FindTokens;

impl Query for FindTokens {
    type Output = Vec<TokenView>;
    const NAME: &'static str = "authorization.find_tokens";
    const NEEDS: Permission = find_account::READ;
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindTokens>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn AccountViews>,
}

#[async_trait]
impl QueryHandler<FindTokens> for Handler {
    async fn handle(
        &self,
        _: FindTokens,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<Vec<TokenView>, Failure> {
        Ok(self.views.tokens(account_of(message)?, uow).await?)
    }
}

/// A token for programs. What it is itself is shown once, when it is created.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    pub id: TokenId,
    /// What it is for.
    #[schema(value_type = TokenName)]
    pub name: String,
    /// Whether it is good for looking only.
    pub read_only: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it was used last, give or take a minute.
    #[schema(required)]
    pub last_used_at: Option<Timestamp>,
}
