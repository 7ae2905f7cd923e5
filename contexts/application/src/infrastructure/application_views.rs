//! Applications as they are looked at: SQL straight to view structs.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait};
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::permission::Access;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::application_row::{ApplicationRow, Applications};
use crate::application::find_application::{ApplicationView, ApplicationViews};
use crate::domain::ApplicationId;

/// Reads views from the table `applications`.
#[derive(Component)]
#[shaku(interface = ApplicationViews)]
pub struct SqlApplicationViews;

#[async_trait]
impl ApplicationViews for SqlApplicationViews {
    async fn find(
        &self,
        id: ApplicationId,
        uow: &mut ReadUow,
    ) -> Result<Option<ApplicationView>, DatabaseError> {
        let select = ApplicationRow::select().and_where(Expr::col(Applications::Id).eq(id)).take();
        Ok(uow.fetch_optional::<ApplicationRow>(&select).await?.map(Into::into))
    }

    async fn list(
        &self,
        criteria: &Criteria<ApplicationView>,
        access: &Access,
        uow: &mut ReadUow,
    ) -> Result<Slice<ApplicationView>, Failure> {
        let mut select = ApplicationRow::select();
        if !criteria.filters_by("discarded") {
            select.and_where(Expr::col(Applications::Discarded).eq(false));
        }
        criteria.fetch::<ApplicationRow>(select, &access.scope(), uow).await
    }
}
