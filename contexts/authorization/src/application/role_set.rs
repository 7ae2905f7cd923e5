//! What roles hold: one by one, and together.

use std::sync::Arc;

use servertree_kernel::permission::{Grant as Held, Grants, Permission, PermissionMap};

use crate::domain::{Grant, RoleId};

/// What a role holds, by permission.
pub struct RoleTable {
    pub id: RoleId,
    pub name: Arc<str>,
    grants: PermissionMap<Grants>,
}

/// Roles, and what they hold together. Many users have the same ones, and share their set.
pub struct RoleSet {
    roles: Box<[Arc<RoleTable>]>,
    grants: PermissionMap<Grants>,
}

impl RoleTable {
    /// What these grants give.
    pub fn new(id: RoleId, name: &str, grants: Vec<Grant>) -> Self {
        let name: Arc<str> = name.into();
        let mut by_permission: PermissionMap<Vec<Held>> = PermissionMap::default();
        for Grant { permission, condition } in grants {
            let held = Held { role: Arc::clone(&name), condition };
            by_permission.entry(permission).or_default().push(held);
        }
        let grants =
            by_permission.into_iter().map(|(permission, held)| (permission, Grants::new(held))).collect();
        Self { id, name, grants }
    }
}

impl RoleSet {
    /// Joins what they hold once, so that no decision has to. The grants stay with the roles, and are not copied.
    pub fn new(roles: Vec<Arc<RoleTable>>) -> Self {
        let mut by_permission: PermissionMap<Vec<&Grants>> = PermissionMap::default();
        for (permission, grants) in roles.iter().flat_map(|role| &role.grants) {
            by_permission.entry(*permission).or_default().push(grants);
        }
        let joined =
            by_permission.into_iter().map(|(permission, all)| (permission, Grants::join(all.into_iter())));
        let grants = joined.collect();
        Self { roles: roles.into(), grants }
    }

    /// The roles.
    pub fn roles(&self) -> &[Arc<RoleTable>] {
        &self.roles
    }

    /// What they hold for a permission; none if that is nothing.
    pub fn grants(&self, permission: Permission) -> Option<&Grants> {
        self.grants.get(&permission)
    }

    /// Whether this role is one of them.
    pub fn contains(&self, role: RoleId) -> bool {
        self.roles.iter().any(|table| table.id == role)
    }
}
