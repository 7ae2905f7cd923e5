//! Where users, roles, sessions and tokens are kept, each within a unit of work.

use async_trait::async_trait;
use servertree_kernel::domain::{Port, Timestamp, WriteUow};

use super::{Role, RoleId, RoleName, RoleRef, Session, SessionId, Token, TokenId, User, UserId, Username};
use crate::error::Error;

/// Keeps users.
#[async_trait]
pub trait Users: Port {
    /// The user with this id.
    async fn get(&self, id: UserId, uow: &mut WriteUow) -> Result<User, Error>;

    /// Has others wait who would change one of these users, or what logs them in: their sessions and tokens. What is read of
    /// them from then on stays so until the commit.
    async fn lock(&self, ids: &[UserId], uow: &mut WriteUow) -> Result<(), Error>;

    /// The user of this name, if there is one: locked.
    async fn find(&self, username: &Username, uow: &mut WriteUow) -> Result<Option<User>, Error>;

    /// Whether there are any.
    async fn has_any(&self, uow: &mut WriteUow) -> Result<bool, Error>;

    /// How many there are who can log in and do everything. They are locked.
    async fn active_super_admins(&self, uow: &mut WriteUow) -> Result<usize, Error>;

    /// Stores what changed and hands over the events that tell of it. Fails if the name is taken, or if somebody else stored a
    /// change since the user was read.
    async fn save(&self, user: &mut User, uow: &mut WriteUow) -> Result<(), Error>;
}

/// Keeps roles.
#[async_trait]
pub trait Roles: Port {
    /// The role with this id.
    async fn get(&self, id: RoleId, uow: &mut WriteUow) -> Result<Role, Error>;

    /// Has others wait who would change, remove or give this role.
    async fn lock(&self, id: RoleId, uow: &mut WriteUow) -> Result<(), Error>;

    /// Those of these names, to be given: until the commit nobody changes or removes them. The error names one that there is
    /// not.
    async fn named(&self, names: &[RoleName], uow: &mut WriteUow) -> Result<Vec<RoleRef>, Error>;

    /// Stores what changed and hands over the events that tell of it. Fails if the name is taken, or if somebody else stored a
    /// change since the role was read.
    async fn save(&self, role: &mut Role, uow: &mut WriteUow) -> Result<(), Error>;

    /// Removes one that was removed, and hands over the event that tells of it. Fails if users have it.
    async fn remove(&self, role: &mut Role, uow: &mut WriteUow) -> Result<(), Error>;
}

/// Keeps sessions.
#[async_trait]
pub trait Sessions: Port {
    /// The session with this id.
    async fn get(&self, id: SessionId, uow: &mut WriteUow) -> Result<Session, Error>;

    /// Those of a user that go on, oldest first.
    async fn live(&self, user: UserId, now: Timestamp, uow: &mut WriteUow) -> Result<Vec<Session>, Error>;

    /// Stores what changed and hands over the events that tell of it.
    async fn save(&self, session: &mut Session, uow: &mut WriteUow) -> Result<(), Error>;
}

/// Keeps tokens.
#[async_trait]
pub trait Tokens: Port {
    /// The token with this id.
    async fn get(&self, id: TokenId, uow: &mut WriteUow) -> Result<Token, Error>;

    /// Those of a user, oldest first.
    async fn of_user(&self, user: UserId, uow: &mut WriteUow) -> Result<Vec<Token>, Error>;

    /// Stores a new one and hands over the event that tells of it.
    async fn insert(&self, token: &mut Token, uow: &mut WriteUow) -> Result<(), Error>;

    /// Removes one that was removed, and hands over the event that tells of it.
    async fn remove(&self, token: &mut Token, uow: &mut WriteUow) -> Result<(), Error>;
}
