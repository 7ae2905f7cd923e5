//! Find the sessions of one's own account.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use servertree_kernel::database::DatabaseError;
use servertree_kernel::domain::{IpAddress, Port, Timestamp};
use servertree_kernel::message::{Message, Proof};
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;
use utoipa::ToSchema;

use super::acting::account_of;
use super::find_account;
use super::find_tokens::TokenView;
use crate::domain::{SessionId, UserId};

/// Find the caller's own sessions that go on, the oldest first.
pub struct FindSessions;

impl Query for FindSessions {
    type Output = Vec<SessionView>;
    const NAME: &'static str = "authorization.find_sessions";
    const NEEDS: Permission = find_account::READ;
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindSessions>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn AccountViews>,
}

#[async_trait]
impl QueryHandler<FindSessions> for Handler {
    async fn handle(
        &self,
        _: FindSessions,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<Vec<SessionView>, Failure> {
        let mut sessions = self.views.sessions(account_of(message)?, message.now, uow).await?;
        let proof = message.caller.account().map(|account| account.proof);
        for session in &mut sessions {
            session.current = proof == Some(Proof::Session(session.id.into()));
        }
        Ok(sessions)
    }
}

/// Where views of what belongs to one account come from. There are 100 of each at most.
#[async_trait]
pub trait AccountViews: Port {
    /// The sessions of a user that go on.
    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
        uow: &mut ReadUow,
    ) -> Result<Vec<SessionView>, DatabaseError>;

    /// The tokens of a user.
    async fn tokens(&self, user: UserId, uow: &mut ReadUow) -> Result<Vec<TokenView>, DatabaseError>;
}

/// A session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    pub id: SessionId,
    /// From where it was opened.
    #[schema(required)]
    pub address: Option<IpAddress>,
    /// With what, as that said itself.
    #[schema(required, example = "curl/8.10.1")]
    pub user_agent: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}
