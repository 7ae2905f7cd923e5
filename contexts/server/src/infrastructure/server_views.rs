//! Servers as they are looked at: SQL straight to view structs.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Order, Query};
use servertree_kernel::criteria::{Criteria, Filter, Slice};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::permission::Access;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::credential_row::{CredentialRow, ServerCredentials};
use super::server_row::{JoinedRow, ServerRow, Servers};
use crate::application::find_credential::{self, CredentialView};
use crate::application::find_server::{ServerView, ServerViews};
use crate::domain::ServerId;

/// Reads views from the tables `servers` and `server_credentials`.
#[derive(Component)]
#[shaku(interface = ServerViews)]
pub struct SqlServerViews;

#[async_trait]
impl ServerViews for SqlServerViews {
    async fn find(&self, id: ServerId, uow: &mut ReadUow) -> Result<Option<ServerView>, DatabaseError> {
        Ok(JoinedRow::into_view(uow.fetch_all(&JoinedRow::select(id)).await?))
    }

    async fn list(
        &self,
        criteria: &Criteria<ServerView>,
        access: &Access,
        uow: &mut ReadUow,
    ) -> Result<Slice<ServerView>, Failure> {
        let mut select = ServerRow::select();
        if !criteria.filters_by("discarded") {
            select.and_where(Expr::col(Servers::Discarded).eq(false));
        }
        let mut scope = access.scope();
        // Whoever finds servers by their credentials learns about these: they must be allowed to.
        if criteria.filters_by("credentials") {
            scope = Filter::All(vec![scope, access.scope_of(find_credential::READ)]);
        }
        let with_credentials = criteria.shows("credentials") && access.has(find_credential::READ);
        if with_credentials {
            uow.snapshot();
        }
        let mut slice = criteria.fetch::<ServerRow>(select, &scope, uow).await?;
        if with_credentials && !slice.items.is_empty() {
            add_credentials(&mut slice.items, uow).await?;
        }
        slice.items = slice.items.into_iter().map(|server| server.seen_with(access)).collect();
        Ok(slice)
    }
}

/// One statement, however many servers there are.
async fn add_credentials(servers: &mut [ServerView], uow: &mut ReadUow) -> Result<(), DatabaseError> {
    let select = CredentialRow::columns(&mut Query::select())
        .from(ServerCredentials::Table)
        .and_where(Expr::col(ServerCredentials::ServerId).is_in(servers.iter().map(|server| server.id)))
        .order_by(ServerCredentials::Id, Order::Asc)
        .take();
    let mut credentials: HashMap<ServerId, Vec<CredentialView>> = HashMap::new();
    for row in uow.fetch_all::<CredentialRow>(&select).await? {
        if let Some(server) = row.server_id {
            credentials.entry(server).or_default().extend(row.into_view());
        }
    }
    for server in servers {
        server.credentials = Some(credentials.remove(&server.id).unwrap_or_default());
    }
    Ok(())
}
