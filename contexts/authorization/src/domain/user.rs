//! A user: the aggregate.

use servertree_kernel::domain::{Aggregate, Outcome, Recorder, Revision, Timestamp, Uuid};

use super::{Actor, BuiltIn, PasswordHash, Rank, RoleId, RoleName, RoleNames, UserId, Username};
use crate::error::Error;

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct User {
    state: UserState,
    recorder: Recorder<UserEvent>,
}

/// All there is to know about a user.
#[derive(Clone, Debug)]
pub struct UserState {
    pub id: UserId,
    pub username: Username,
    pub password: PasswordHash,
    /// By id; never none.
    pub roles: Vec<RoleRef>,
    /// Others cannot log in.
    pub active: bool,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
}

/// A role that somebody has.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RoleRef {
    pub id: RoleId,
    pub name: RoleName,
}

/// How somebody came to have an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Registration {
    /// They asked for it themselves.
    SignUp,
    /// Somebody else gave it to them.
    By(Actor),
}

/// What happens to a user, as only this context knows it; [`crate::events`] makes the public events of it.
#[derive(Clone, Debug)]
pub enum UserEvent {
    SignedUp { username: Username, roles: Vec<RoleRef> },
    Created { username: Username, roles: Vec<RoleRef> },
    Inactivated { username: Username },
    Reactivated { username: Username },
    RoleGranted { username: Username, role: RoleRef },
    RoleRevoked { username: Username, role: RoleRef },
    PasswordChanged { username: Username },
}

impl RoleRef {
    /// How high it is: own roles are all the same.
    pub fn rank(&self) -> Rank {
        BuiltIn::find(self.id).map_or(Rank::Member, BuiltIn::rank)
    }
}

impl User {
    /// A new user.
    pub fn register(
        id: UserId,
        (username, password): (Username, PasswordHash),
        roles: Vec<RoleRef>,
        registration: Registration,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let roles = in_order(roles)?;
        let named = (username.clone(), roles.clone());
        let mut recorder = Recorder::new();
        recorder.record(match registration {
            Registration::SignUp => UserEvent::SignedUp { username: named.0, roles: named.1 },
            Registration::By(actor) => {
                actor.require_above(highest(&roles))?;
                UserEvent::Created { username: named.0, roles: named.1 }
            }
        });
        let state =
            UserState { id, username, password, roles, active: true, created_at: now, modified_at: now };
        Ok(Self { state, recorder })
    }

    /// A user as stored at `revision`.
    pub fn stored(state: UserState, revision: Revision) -> Self {
        Self { state, recorder: Recorder::stored_at(revision) }
    }

    /// Has just these roles from now on.
    pub fn set_roles(&mut self, roles: Vec<RoleRef>, actor: Actor, now: Timestamp) -> Result<Outcome, Error> {
        actor.require_above(self.rank())?;
        let roles = in_order(roles)?;
        actor.require_above(highest(&roles))?;
        let old = std::mem::replace(&mut self.state.roles, roles.clone());
        let mut outcome = Outcome::AlreadySo;
        let username = self.state.username.clone();
        for role in old.iter().filter(|role| !roles.contains(role)) {
            let revoked = UserEvent::RoleRevoked { username: username.clone(), role: role.clone() };
            outcome = self.record(revoked, now);
        }
        for role in roles.into_iter().filter(|role| !old.contains(role)) {
            outcome = self.record(UserEvent::RoleGranted { username: username.clone(), role }, now);
        }
        Ok(outcome)
    }

    /// Cannot log in from now on. Whatever logs them in already is for the caller to end.
    pub fn inactivate(&mut self, actor: Actor, now: Timestamp) -> Result<Outcome, Error> {
        actor.require_above(self.rank())?;
        if !self.state.active {
            return Ok(Outcome::AlreadySo);
        }
        self.state.active = false;
        let username = self.state.username.clone();
        Ok(self.record(UserEvent::Inactivated { username }, now))
    }

    /// Can log in again.
    pub fn reactivate(&mut self, actor: Actor, now: Timestamp) -> Result<Outcome, Error> {
        actor.require_above(self.rank())?;
        if self.state.active {
            return Ok(Outcome::AlreadySo);
        }
        self.state.active = true;
        let username = self.state.username.clone();
        Ok(self.record(UserEvent::Reactivated { username }, now))
    }

    /// Has another password. Whatever logs them in already is for the caller to end.
    pub fn set_password(
        &mut self,
        password: PasswordHash,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        match actor {
            Actor::User { id, .. } if id == self.state.id => {}
            actor => actor.require_above(self.rank())?,
        }
        self.state.password = password;
        let username = self.state.username.clone();
        Ok(self.record(UserEvent::PasswordChanged { username }, now))
    }

    /// As high as the highest of their roles.
    pub fn rank(&self) -> Rank {
        highest(&self.state.roles)
    }

    /// What they are when they act.
    pub fn as_actor(&self) -> Actor {
        Actor::User { id: self.state.id, rank: self.rank() }
    }

    /// What is known of them now.
    pub fn state(&self) -> &UserState {
        &self.state
    }

    /// Their revision, with what was decided since it was read.
    pub fn revision(&self) -> Revision {
        self.recorder.revision()
    }

    fn record(&mut self, event: UserEvent, now: Timestamp) -> Outcome {
        self.state.modified_at = now;
        self.recorder.record(event);
        Outcome::Changed
    }
}

/// Each role once, by id; without any it is `user`.
fn in_order(mut roles: Vec<RoleRef>) -> Result<Vec<RoleRef>, Error> {
    roles.sort_unstable();
    roles.dedup();
    if roles.len() > RoleNames::MAX {
        return Err(Error::TooManyRoles { allowed: RoleNames::MAX });
    }
    if roles.is_empty() {
        roles.push(BuiltIn::User.role()?);
    }
    Ok(roles)
}

impl BuiltIn {
    /// As somebody has it.
    pub fn role(self) -> Result<RoleRef, Error> {
        let name = RoleName::parse(self.name().to_owned());
        Ok(RoleRef { id: self.id(), name: name.map_err(|fault| Error::Corrupt(fault.to_string()))? })
    }
}

fn highest(roles: &[RoleRef]) -> Rank {
    roles.iter().map(RoleRef::rank).max().unwrap_or(Rank::User)
}

impl Aggregate for User {
    type Event = UserEvent;
    const CONTEXT: &'static str = "authorization";

    fn identity(&self) -> Uuid {
        self.state.id.into()
    }

    fn recorder(&mut self) -> &mut Recorder<UserEvent> {
        &mut self.recorder
    }
}
