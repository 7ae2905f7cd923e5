//! What belongs to one account, as it is looked at.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Order, Query};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::domain::{IpAddress, Timestamp};
use servertree_kernel::uow::ReadUow;
use shaku::Component;
use sqlx::FromRow;

use super::tables::{AuthorizationSessions, AuthorizationTokens};
use crate::application::find_sessions::{AccountViews, SessionView};
use crate::application::find_tokens::TokenView;
use crate::domain::{SessionId, TokenId, UserId};

/// Reads views from the tables `authorization_sessions` and `authorization_tokens`.
#[derive(Component)]
#[shaku(interface = AccountViews)]
pub struct SqlAccountViews {}

#[derive(FromRow)]
struct SessionRow {
    id: SessionId,
    address: Option<String>,
    user_agent: Option<String>,
    opened_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(FromRow)]
struct TokenRow {
    id: TokenId,
    name: String,
    read_only: bool,
    created_at: Timestamp,
    expires_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

#[async_trait]
impl AccountViews for SqlAccountViews {
    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
        uow: &mut ReadUow,
    ) -> Result<Vec<SessionView>, DatabaseError> {
        use AuthorizationSessions::{Address, ClosedAt, ExpiresAt, Id, OpenedAt, Table, UserAgent, UserId};
        let select = Query::select()
            .columns([Id, Address, UserAgent, OpenedAt, ExpiresAt])
            .from(Table)
            .and_where(Expr::col(UserId).eq(user))
            .and_where(Expr::col(ClosedAt).is_null())
            .and_where(Expr::col(ExpiresAt).gt(now))
            .order_by(Id, Order::Asc)
            .take();
        let view = |row: SessionRow| SessionView {
            id: row.id,
            address: row.address.and_then(|address| IpAddress::parse(&address).ok()),
            user_agent: row.user_agent,
            opened_at: row.opened_at,
            expires_at: row.expires_at,
            current: false,
        };
        Ok(uow.fetch_all(&select).await?.into_iter().map(view).collect())
    }

    async fn tokens(&self, user: UserId, uow: &mut ReadUow) -> Result<Vec<TokenView>, DatabaseError> {
        use AuthorizationTokens::{CreatedAt, ExpiresAt, Id, LastUsedAt, Name, ReadOnly, Table, UserId};
        let select = Query::select()
            .columns([Id, Name, ReadOnly, CreatedAt, ExpiresAt, LastUsedAt])
            .from(Table)
            .and_where(Expr::col(UserId).eq(user))
            .order_by(Id, Order::Asc)
            .take();
        let view = |row: TokenRow| TokenView {
            id: row.id,
            name: row.name,
            read_only: row.read_only,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        };
        Ok(uow.fetch_all(&select).await?.into_iter().map(view).collect())
    }
}
