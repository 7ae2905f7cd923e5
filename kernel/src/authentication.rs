//! Who is asking: what a request carries, turned into a caller.

use async_trait::async_trait;
use shaku::Interface;

use crate::command::Command;
use crate::domain::{Secret, Timestamp};
use crate::message::Caller;
use crate::permission::Permission;
use crate::problem::{Failure, NOT_AUTHENTICATED, Problem, ProblemType};

/// Knows which tokens stand for whom. A context may provide it; without one, the host says who asks.
#[async_trait]
pub trait TokenVerifier: Interface {
    /// The caller that an access token stands for; none if it is not valid, whatever the reason. An error means that it
    /// cannot be said right now, and counts as none of both.
    async fn verify(&self, token: &str) -> Result<Option<Caller>, Failure>;
}

/// Renew what the session that asks is shown with: browsers get it without asking, while the session lasts. Whatever context
/// opened the session carries it out.
#[derive(Clone, Debug)]
pub struct RenewAccess;

impl Command for RenewAccess {
    type Output = RenewedAccess;
    const NAME: &'static str = "authorization.renew_access";
    /// It gives nobody anything but what they have just shown.
    const NEEDS: Permission = Permission::OPEN;
}

/// A new access token.
#[derive(Debug)]
pub struct RenewedAccess {
    /// The token.
    pub access_token: Secret,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// The request carries nothing that says who asks, or nothing valid. All reasons look alike: which it was helps only those
/// who guess.
#[derive(Debug, thiserror::Error)]
#[error("log in, and send the access token as `Authorization: Bearer …`")]
pub struct NotAuthenticated;

impl Problem for NotAuthenticated {
    fn problem(&self) -> &'static ProblemType {
        &NOT_AUTHENTICATED
    }
}
