//! Access tokens: what a session is shown with, for a short time each.

use std::time::Duration;

use async_trait::async_trait;
use servertree_kernel::domain::{Port, Timestamp, WriteUow};

use crate::domain::{Session, SessionId};
use crate::error::Error;

/// How long an access token is good, unless its session ends before.
pub const LIFE: Duration = Duration::from_mins(15);

/// An access token. It is a secret.
pub struct AccessToken {
    pub text: String,
    pub expires_at: Timestamp,
}

/// What a valid access token says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claims {
    pub session: SessionId,
    pub expires_at: Timestamp,
}

/// Makes access tokens, and reads them.
#[async_trait]
pub trait AccessTokens: Port {
    /// A new one for a session.
    async fn issue(
        &self,
        session: &Session,
        now: Timestamp,
        uow: &mut WriteUow,
    ) -> Result<AccessToken, Error>;

    /// What it says; none if it is not valid, whatever the reason.
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, Error>;
}
