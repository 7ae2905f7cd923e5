//! The built-in roles, and what they hold. It follows from what contexts declare of their types of objects: a new type is
//! covered without a change here.

use servertree_kernel::domain::Uuid;
use servertree_kernel::permission::{Audience, ObjectType, Permission};

use super::{Grant, Rank, RoleId};

/// A built-in role.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BuiltIn {
    /// One's own account. Everybody has what it gives.
    User,
    /// Reads the inventory, but nothing that is confidential.
    Viewer,
    /// Reads and writes the inventory.
    Operator,
    /// All of that, users and roles, and how the service runs.
    Admin,
    /// Makes users admins, too.
    SuperAdmin,
}

impl BuiltIn {
    /// All of them, from the lowest to the highest.
    pub const ALL: [Self; 5] = [Self::User, Self::Viewer, Self::Operator, Self::Admin, Self::SuperAdmin];

    /// What makes admins, and no admin does.
    const OF_SUPER_ADMINS: [&str; 2] = ["grant_admin", "revoke_admin"];

    /// The one with this id.
    pub fn find(id: RoleId) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == id)
    }

    /// The same in every database.
    pub fn id(self) -> RoleId {
        let number = Self::ALL.iter().position(|role| *role == self).unwrap_or_default() as u128 + 1;
        Uuid::from_u128(0x0000_0000_0000_8000_8000_0000_0000_0000 + number).into()
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::SuperAdmin => "super_admin",
        }
    }

    /// How high it is.
    pub const fn rank(self) -> Rank {
        match self {
            Self::User => Rank::User,
            Self::Viewer | Self::Operator => Rank::Member,
            Self::Admin => Rank::Admin,
            Self::SuperAdmin => Rank::SuperAdmin,
        }
    }

    /// What it holds: all of it without conditions.
    pub fn grants(self) -> Vec<Grant> {
        let all = ObjectType::all()
            .flat_map(|object_type| object_type.permissions().map(move |one| (object_type, one)));
        let mut grants: Vec<Grant> = all
            .filter(|(object_type, permission)| self.holds(object_type.audience, *permission))
            .map(|(_, permission)| Grant { permission, condition: None })
            .collect();
        grants.sort_unstable_by_key(|grant| (grant.permission.object_type, grant.permission.action));
        grants
    }

    fn holds(self, audience: Audience, permission: Permission) -> bool {
        match audience {
            Audience::Account => true,
            Audience::Inventory if self == Self::Viewer => permission.action == "read",
            Audience::Inventory | Audience::Confidential => {
                self.rank() >= Rank::Admin || self == Self::Operator
            }
            Audience::Operation => self.rank() >= Rank::Admin,
            Audience::Administration if Self::OF_SUPER_ADMINS.contains(&permission.action) => {
                self == Self::SuperAdmin
            }
            Audience::Administration => self.rank() >= Rank::Admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holds_what_the_lower_ones_hold() {
        for pair in BuiltIn::ALL.windows(2) {
            let (lower, higher) = (pair[0].grants(), pair[1].grants());
            assert!(lower.iter().all(|grant| higher.contains(grant)), "{pair:?}");
        }
    }

    #[test]
    fn viewers_see_nothing_confidential() {
        let holds = |role: BuiltIn, audience, action| role.holds(audience, Permission::new(action, "thing"));
        assert!(holds(BuiltIn::Viewer, Audience::Inventory, "read"));
        assert!(!holds(BuiltIn::Viewer, Audience::Inventory, "update"));
        assert!(!holds(BuiltIn::Viewer, Audience::Confidential, "read"));
        assert!(holds(BuiltIn::Operator, Audience::Confidential, "reveal"));
        assert!(!holds(BuiltIn::Operator, Audience::Administration, "read"));
        assert!(!holds(BuiltIn::Admin, Audience::Administration, "grant_admin"));
        assert!(holds(BuiltIn::SuperAdmin, Audience::Administration, "grant_admin"));
    }
}
