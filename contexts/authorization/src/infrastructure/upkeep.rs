//! What jobs write: when tokens were used last, and which sessions are kept no longer.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, LockBehavior, LockType, Order, Query};
use servertree_kernel::domain::{Timestamp, WriteUow};
use shaku::Component;

use super::tables::{AuthorizationSessions, AuthorizationTokens};
use crate::application::note_token_uses::LastUses;
use crate::application::prune_sessions::EndedSessions;
use crate::domain::{SessionId, TokenId};
use crate::error::Error;

/// Writes when tokens were used last.
#[derive(Component)]
#[shaku(interface = LastUses)]
pub struct SqlLastUses {}

#[async_trait]
impl LastUses for SqlLastUses {
    async fn write(&self, token: TokenId, at: Timestamp, uow: &mut WriteUow) -> Result<(), Error> {
        let update = Query::update()
            .table(AuthorizationTokens::Table)
            .value(AuthorizationTokens::LastUsedAt, at)
            .and_where(Expr::col(AuthorizationTokens::Id).eq(token))
            // Another process may have seen a later one.
            .and_where(
                Expr::col(AuthorizationTokens::LastUsedAt)
                    .is_null()
                    .or(Expr::col(AuthorizationTokens::LastUsedAt).lt(at)),
            )
            .take();
        uow.execute(&update).await?;
        Ok(())
    }
}

/// How many sessions are removed at once: others want to write, too.
const AT_ONCE: u64 = 500;

/// Removes sessions that ended long ago.
#[derive(Component)]
#[shaku(interface = EndedSessions)]
pub struct SqlEndedSessions {}

#[async_trait]
impl EndedSessions for SqlEndedSessions {
    async fn remove(&self, before: Timestamp, uow: &mut WriteUow) -> Result<(), Error> {
        let old = Query::select()
            .column(AuthorizationSessions::Id)
            .from(AuthorizationSessions::Table)
            .and_where(Expr::col(AuthorizationSessions::ExpiresAt).lt(before))
            .order_by(AuthorizationSessions::ExpiresAt, Order::Asc)
            .limit(AT_ONCE)
            // Another process may be at them.
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .take();
        let old: Vec<(SessionId,)> = uow.fetch_all(&old).await?;
        if old.is_empty() {
            return Ok(());
        }
        let delete = Query::delete()
            .from_table(AuthorizationSessions::Table)
            .and_where(Expr::col(AuthorizationSessions::Id).is_in(old.into_iter().map(|(id,)| id)))
            .take();
        uow.execute(&delete).await?;
        Ok(())
    }
}
