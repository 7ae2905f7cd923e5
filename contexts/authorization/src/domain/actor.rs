//! Who acts on users and roles, as far as rank goes: nobody acts on an equal or a higher one.

use super::UserId;
use crate::error::Error;

/// How high a role is, and a user with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rank {
    /// One's own account only.
    User,
    /// Something with the inventory: the roles `viewer` and `operator`, and all own roles.
    Member,
    /// Users and roles, too.
    Admin,
    /// Admins, too.
    SuperAdmin,
}

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// Whoever works on the machine itself: above everybody.
    LocalOperator,
    /// A user.
    User {
        /// Which.
        id: UserId,
        /// As high as this.
        rank: Rank,
    },
}

impl Actor {
    /// Goes on only if the actor is above this rank.
    pub fn require_above(self, rank: Rank) -> Result<(), Error> {
        match self {
            Self::LocalOperator => Ok(()),
            Self::User { rank: own, .. } if own > rank => Ok(()),
            Self::User { .. } => Err(Error::NotAbove),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_above_themselves() {
        let id = UserId::from(servertree_kernel::domain::Uuid::nil());
        let ranks = [Rank::User, Rank::Member, Rank::Admin, Rank::SuperAdmin];
        for own in ranks {
            for other in ranks {
                let actor = Actor::User { id, rank: own };
                assert_eq!(actor.require_above(other).is_ok(), own > other, "{own:?} {other:?}");
                assert!(Actor::LocalOperator.require_above(other).is_ok());
            }
        }
    }
}
