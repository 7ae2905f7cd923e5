//! Roles as they are looked at: SQL straight to view structs.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait};
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::permission::Access;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::role_row::RoleRow;
use super::tables::AuthorizationRoles;
use crate::application::find_role::{RoleView, RoleViews};
use crate::domain::RoleId;

/// Reads views from the table `authorization_roles`.
#[derive(Component)]
#[shaku(interface = RoleViews)]
pub struct SqlRoleViews {}

#[async_trait]
impl RoleViews for SqlRoleViews {
    async fn find(&self, id: RoleId, uow: &mut ReadUow) -> Result<Option<RoleView>, DatabaseError> {
        let select = RoleRow::select().and_where(Expr::col(AuthorizationRoles::Id).eq(id)).take();
        Ok(uow.fetch_optional::<RoleRow>(&select).await?.map(Into::into))
    }

    async fn list(
        &self,
        criteria: &Criteria<RoleView>,
        access: &Access,
        uow: &mut ReadUow,
    ) -> Result<Slice<RoleView>, Failure> {
        criteria.fetch::<RoleRow>(RoleRow::select(), &access.scope(), uow).await
    }
}
