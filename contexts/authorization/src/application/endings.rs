//! What ends when a user is inactivated, or has another password: all that logs them in.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::domain::{Port, Timestamp};
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use crate::domain::{CloseReason, Sessions, Tokens, UserId};
use crate::error::Error;

/// Ends what logs somebody in.
#[async_trait]
pub trait Endings: Port {
    /// All sessions and tokens of a user.
    async fn end_all(
        &self,
        user: UserId,
        reason: CloseReason,
        now: Timestamp,
        uow: &mut WriteUow,
    ) -> Result<(), Error>;
}

/// Ends one after the other: each has its event.
#[derive(Component)]
#[shaku(interface = Endings)]
pub struct AllEndings {
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    tokens: Arc<dyn Tokens>,
}

#[async_trait]
impl Endings for AllEndings {
    async fn end_all(
        &self,
        user: UserId,
        reason: CloseReason,
        now: Timestamp,
        uow: &mut WriteUow,
    ) -> Result<(), Error> {
        for mut session in self.sessions.live(user, now, uow).await? {
            session.close(reason, now);
            self.sessions.save(&mut session, uow).await?;
        }
        for mut token in self.tokens.of_user(user, uow).await? {
            token.remove();
            self.tokens.remove(&mut token, uow).await?;
        }
        Ok(())
    }
}
