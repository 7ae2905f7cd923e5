//! Servers as they are looked at: SQL straight to view structs.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait};
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::server_row::{ServerRow, Servers};
use crate::application::find_server::{ServerView, ServerViews};
use crate::domain::ServerId;

/// Reads views from the table `servers`.
#[derive(Component)]
#[shaku(interface = ServerViews)]
pub struct SqlServerViews;

#[async_trait]
impl ServerViews for SqlServerViews {
    async fn find(&self, id: ServerId, uow: &mut ReadUow) -> Result<Option<ServerView>, DatabaseError> {
        let select = ServerRow::select().and_where(Expr::col(Servers::Id).eq(id)).take();
        Ok(uow.fetch_optional::<ServerRow>(&select).await?.map(Into::into))
    }

    async fn list(
        &self,
        criteria: &Criteria<ServerView>,
        uow: &mut ReadUow,
    ) -> Result<Slice<ServerView>, Failure> {
        let mut select = ServerRow::select();
        if !criteria.filters_by("discarded") {
            select.and_where(Expr::col(Servers::Discarded).eq(false));
        }
        criteria.fetch::<ServerRow>(select, uow).await
    }
}
