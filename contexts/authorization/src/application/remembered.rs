//! What is remembered of users, roles, sessions and tokens, and is forgotten when it is no longer so.

use servertree_kernel::domain::Port;

use crate::domain::{RoleId, SessionId, TokenId, UserId};

/// What changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forgotten {
    /// A user, and with them whatever tokens stand for them.
    User(UserId),
    /// What a role holds.
    Role(RoleId),
    /// A session ended.
    Session(SessionId),
    /// A token for programs was removed.
    Token(TokenId),
    /// Another process changed something.
    All,
}

/// Remembers.
pub trait Remembered: Port {
    /// Forgets it, also where it is being looked up right now.
    fn forget(&self, what: Forgotten);
    /// This process itself made the change of this number, and has forgotten what it made stale.
    fn changed_here(&self, number: i64);
    /// Forgets everything if others made one of the changes up to this number since this was last asked.
    fn follow(&self, number: i64);
}
