//! Rows of users with their roles, and their way to the aggregate.

use sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};
use servertree_kernel::domain::{Invalid, Timestamp};
use sqlx::FromRow;

use super::tables::{AuthorizationUserRoleNames, AuthorizationUsers};
use crate::domain::{PasswordHash, RoleId, RoleName, RoleRef, User, UserId, UserState, Username};
use crate::error::Error;

/// A user, joined with one of their roles.
#[derive(FromRow)]
pub(super) struct UserRow {
    id: UserId,
    username: String,
    password: String,
    active: bool,
    revision: i64,
    created_at: Timestamp,
    modified_at: Timestamp,
    role_id: Option<RoleId>,
    role_name: Option<String>,
}

impl UserRow {
    /// The users that meet this condition, with all their roles.
    pub(super) fn select(condition: Expr) -> SelectStatement {
        use AuthorizationUsers::{Active, CreatedAt, Id, ModifiedAt, Password, Revision, Table, Username};
        let columns = [Id, Username, Password, Active, Revision, CreatedAt, ModifiedAt];
        let of_user = Expr::col((AuthorizationUserRoleNames::Table, AuthorizationUserRoleNames::UserId))
            .eq(Expr::col((Table, Id)));
        let role = |column| Expr::col((AuthorizationUserRoleNames::Table, column));
        Query::select()
            .columns(columns.map(|column| (Table, column)))
            .expr_as(role(AuthorizationUserRoleNames::Id), Alias::new("role_id"))
            .expr_as(role(AuthorizationUserRoleNames::Name), Alias::new("role_name"))
            .from(Table)
            .left_join(AuthorizationUserRoleNames::Table, of_user)
            .and_where(condition)
            .order_by((AuthorizationUserRoleNames::Table, AuthorizationUserRoleNames::Id), Order::Asc)
            .take()
    }

    /// The aggregate that the rows of one user make; none if there are none.
    pub(super) fn into_user(rows: Vec<Self>) -> Result<Option<User>, Error> {
        let corrupt = |fault: Invalid| Error::Corrupt(fault.to_string());
        let mut roles = Vec::with_capacity(rows.len());
        let mut user = None;
        for mut row in rows {
            if let (Some(id), Some(name)) = (row.role_id, row.role_name.take()) {
                roles.push(RoleRef { id, name: RoleName::parse(name).map_err(corrupt)? });
            }
            user = Some(row);
        }
        let Some(row) = user else { return Ok(None) };
        let state = UserState {
            id: row.id,
            username: Username::parse(row.username).map_err(corrupt)?,
            password: PasswordHash::new(row.password),
            roles,
            active: row.active,
            created_at: row.created_at,
            modified_at: row.modified_at,
        };
        Ok(Some(User::stored(state, row.revision.unsigned_abs())))
    }
}
