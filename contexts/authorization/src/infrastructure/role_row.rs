//! Rows of roles, and their way to the aggregate and to the view.

use sea_query::{Query, SelectStatement};
use serde_json::Value;
use servertree_kernel::domain::Timestamp;
use servertree_kernel::fields;
use sqlx::FromRow;

use super::tables::AuthorizationRoles;
use crate::application::find_role::RoleView;
use crate::domain::{BuiltIn, Grant, Grants, Role, RoleDraft, RoleId, RoleName, RoleState};
use crate::error::Error;

#[derive(FromRow)]
pub(super) struct RoleRow {
    pub(super) id: RoleId,
    pub(super) name: String,
    built_in: bool,
    grants: String,
    revision: i64,
    created_at: Timestamp,
    modified_at: Timestamp,
}

impl RoleRow {
    /// The columns it is read from.
    pub(super) fn select() -> SelectStatement {
        use AuthorizationRoles::{BuiltIn, CreatedAt, Grants, Id, ModifiedAt, Name, Revision, Table};
        Query::select()
            .columns([Id, Name, BuiltIn, Grants, Revision, CreatedAt, ModifiedAt])
            .from(Table)
            .take()
    }

    /// What it holds. What this version of the program does not know gives nothing.
    pub(super) fn grants(&self) -> Vec<Grant> {
        if let Some(built_in) = BuiltIn::find(self.id) {
            return built_in.grants();
        }
        let stored: Vec<Value> = serde_json::from_str(&self.grants).unwrap_or_default();
        let known = stored.into_iter().filter_map(|grant| match fields::parse::<Grant>(grant) {
            Ok(grant) => Some(grant),
            Err(error) => {
                tracing::warn!(role = self.name, %error, "a grant is not understood, and gives nothing");
                None
            }
        });
        known.collect()
    }

    pub(super) fn into_role(self) -> Result<Role, Error> {
        let grants = Grants::stored(self.grants());
        let name = RoleName::parse(self.name).map_err(|fault| Error::Corrupt(fault.to_string()))?;
        let state = RoleState {
            id: self.id,
            specification: RoleDraft { name, grants },
            created_at: self.created_at,
            modified_at: self.modified_at,
        };
        Ok(Role::stored(state, self.revision.unsigned_abs()))
    }
}

impl From<RoleRow> for RoleView {
    fn from(row: RoleRow) -> Self {
        Self {
            id: row.id,
            grants: Grants::stored(row.grants()),
            name: row.name,
            built_in: row.built_in,
            revision: row.revision.unsigned_abs(),
            created_at: row.created_at,
            modified_at: row.modified_at,
        }
    }
}
