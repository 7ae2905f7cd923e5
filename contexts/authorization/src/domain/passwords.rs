//! How passwords are hashed.

use async_trait::async_trait;
use servertree_kernel::domain::Port;

use super::{Password, PasswordAttempt, PasswordHash};
use crate::error::Error;

/// Who has a password hashed. However many strangers there are, they leave room for the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker {
    /// Anybody.
    Stranger,
    /// Somebody who is logged in, or comes from where they have logged in before.
    Known,
}

/// Hashes passwords, slowly, and says whether one is right. It takes tens of milliseconds of a core: do it before the unit of
/// work begins its transaction. When too many wait for it, it fails at once with [`Error::HashingBusy`].
#[async_trait]
pub trait Passwords: Port {
    /// The hash of a new password.
    async fn hash(&self, password: &Password, asker: Asker) -> Result<PasswordHash, Error>;

    /// Whether the attempt is right. It computes one hash whatever is stored: with `None` over a made-up one, so that a name
    /// that nobody has takes the same work.
    async fn verify(
        &self,
        attempt: &PasswordAttempt,
        stored: Option<&PasswordHash>,
        asker: Asker,
    ) -> Result<bool, Error>;
}
