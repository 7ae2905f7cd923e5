//! Who acts, as users and roles see it.

use servertree_kernel::message::{Message, Proof};
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;

use super::find_user::UserView;
use super::policy::Policy;
use crate::domain::{Actor, BuiltIn, Grant, RoleRef, Roles, SessionId, Sessions, User, UserId, Users};
use crate::error::Error;

/// Somebody with an account who logged in.
pub struct Owner {
    pub user: UserId,
    pub session: SessionId,
}

impl Owner {
    /// Goes on only for those who logged in: tokens for programs do not manage tokens, passwords or sessions.
    pub fn of(message: &Message) -> Result<Self, Error> {
        let account = message.caller.account().ok_or(Error::NoAccount)?;
        match account.proof {
            Proof::Session(session) => Ok(Self { user: account.user.into(), session: session.into() }),
            Proof::Token(_) => Err(Error::SessionNeeded),
        }
    }

    /// The same, locked, whose session goes on as this transaction sees it: what ends somebody's sessions leaves nothing behind
    /// that was under way.
    pub async fn live(
        users: &dyn Users,
        sessions: &dyn Sessions,
        message: &Message,
        uow: &mut WriteUow,
    ) -> Result<Self, Error> {
        let owner = Self::of(message)?;
        users.lock(&[owner.user], uow).await?;
        owner.require_live(sessions, message, uow).await?;
        Ok(owner)
    }

    async fn require_live(
        &self,
        sessions: &dyn Sessions,
        message: &Message,
        uow: &mut WriteUow,
    ) -> Result<(), Error> {
        let session = sessions.get(self.session, uow).await?;
        if session.is_live(message.now) { Ok(()) } else { Err(Error::NoAccount) }
    }
}

/// The account of the caller, however they showed that it is theirs.
pub fn account_of(message: &Message) -> Result<UserId, Error> {
    message.caller.account().map(|account| account.user.into()).ok_or(Error::NoAccount)
}

/// Who acts, as high as they are in this transaction: nobody acts on a rank that they have just lost.
pub async fn actor(users: &dyn Users, message: &Message, uow: &mut WriteUow) -> Result<Actor, Error> {
    let Some(id) = acting_user(message)? else { return Ok(Actor::LocalOperator) };
    users.lock(&[id], uow).await?;
    locked_actor(users, id, uow).await
}

/// The user who acts; none, if it is whoever sits at the machine.
fn acting_user(message: &Message) -> Result<Option<UserId>, Error> {
    if message.caller.is_local_operator() { Ok(None) } else { account_of(message).map(Some) }
}

async fn locked_actor(users: &dyn Users, id: UserId, uow: &mut WriteUow) -> Result<Actor, Error> {
    let user = users.get(id, uow).await?;
    if user.state().active { Ok(user.as_actor()) } else { Err(Error::NoAccount) }
}

/// Goes on only for those who logged in, or sit at the machine.
pub fn require_session(message: &Message) -> Result<(), Error> {
    if message.caller.is_local_operator() { Ok(()) } else { Owner::of(message).map(drop) }
}

/// The same, as this transaction sees it, which has locked who acts: a hash may have taken its time.
pub async fn require_live_session(
    sessions: &dyn Sessions,
    message: &Message,
    uow: &mut WriteUow,
) -> Result<(), Error> {
    if message.caller.is_local_operator() {
        return Ok(());
    }
    Owner::of(message)?.require_live(sessions, message, uow).await
}

/// A user whom the caller may do this to, and who that caller is. Both are locked.
pub async fn subordinate(
    users: &dyn Users,
    id: UserId,
    message: &Message,
    uow: &mut WriteUow,
) -> Result<(User, Actor), Failure> {
    let acting = acting_user(message)?;
    let both: Vec<UserId> = acting.into_iter().chain([id]).collect();
    users.lock(&both, uow).await?;
    let actor = match acting {
        Some(acting) => locked_actor(users, acting, uow).await?,
        None => Actor::LocalOperator,
    };
    let user = users.get(id, uow).await?;
    message.access.permit(|| UserView::from(&user), Error::NotFound)?;
    Ok((user, actor))
}

/// Goes on only if the caller has all that these grants would give.
pub async fn require_grants(
    policy: &dyn Policy,
    message: &Message,
    grants: impl Iterator<Item = &Grant> + Send,
) -> Result<(), Failure> {
    if message.caller.is_local_operator() {
        return Ok(());
    }
    let subject = policy.subject(message.caller.subject()).await?.ok_or(Error::NoAccount)?;
    for grant in grants {
        if !subject.has(grant) {
            let Permission { action, object_type } = grant.permission;
            return Err(Error::GrantLacked { action, object_type }.into());
        }
    }
    Ok(())
}

/// Goes on only if the caller has all that these roles would give. Built-in ones are compared by rank.
pub async fn require_grants_of(
    given: &[RoleRef],
    roles: &dyn Roles,
    policy: &dyn Policy,
    message: &Message,
    uow: &mut WriteUow,
) -> Result<(), Failure> {
    for role in given.iter().filter(|role| BuiltIn::find(role.id).is_none()) {
        let role = roles.get(role.id, uow).await?;
        require_grants(policy, message, role.state().specification.grants.iter()).await?;
    }
    Ok(())
}
