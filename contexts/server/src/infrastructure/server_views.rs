//! Servers as they are looked at: SQL straight to view structs.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};
use servertree_kernel::criteria::{Criteria, Filter, Slice};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::permission::Access;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::application_store::ServerApplications;
use super::joined_row::{JoinedRow, PartRow, PartViews};
use super::server_row::{ServerRow, Servers};
use crate::application::find_credential;
use crate::application::find_server::{ServerView, ServerViews};
use crate::domain::{ApplicationId, ServerId};

/// Reads views from the tables of this context.
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
        among: Filter,
        access: &Access,
        uow: &mut ReadUow,
    ) -> Result<Slice<ServerView>, Failure> {
        let mut scope = vec![access.scope(), among];
        // Whoever finds servers by their credentials learns about these: they must be allowed to.
        if criteria.filters_by("credentials") {
            scope.push(access.scope_of(find_credential::READ));
        }
        let scope = Filter::All(scope);
        let mut slice = criteria.fetch::<ServerRow>(select(criteria), &scope, uow).await?;
        let with_credentials = criteria.shows("credentials") && access.has(find_credential::READ);
        // Who gets to see the credentials may depend on the applications.
        let with_parts = with_credentials || criteria.shows("applications");
        if with_parts && !add_parts(&mut slice.items, with_credentials, uow).await? {
            // Somebody was quicker. What is read from now on is of one moment.
            uow.snapshot();
            slice = criteria.fetch::<ServerRow>(select(criteria), &scope, uow).await?;
            add_parts(&mut slice.items, with_credentials, uow).await?;
        }
        slice.items = slice.items.into_iter().map(|server| server.seen_with(access)).collect();
        Ok(slice)
    }

    async fn knows_application(&self, id: ApplicationId, uow: &mut ReadUow) -> Result<bool, DatabaseError> {
        let select = Query::select()
            .column(ServerApplications::Revision)
            .from(ServerApplications::Table)
            .and_where(Expr::col(ServerApplications::ApplicationId).eq(id))
            .take();
        Ok(uow.fetch_optional::<(i64,)>(&select).await?.is_some())
    }
}

fn select(criteria: &Criteria<ServerView>) -> SelectStatement {
    let mut select = ServerRow::select();
    if !criteria.filters_by("discarded") {
        select.and_where(Expr::col(Servers::Discarded).eq(false));
    }
    select
}

/// Adds the parts by one statement, however many servers there are. Answers whether they are those of the servers as they were
/// read: neither credentials nor installations change without the revision of their server. A snapshot of both would be two more
/// round trips to a server of databases, for each list.
async fn add_parts(
    servers: &mut [ServerView],
    with_credentials: bool,
    uow: &mut ReadUow,
) -> Result<bool, DatabaseError> {
    if servers.is_empty() {
        return Ok(true);
    }
    let select = PartRow::select(servers.iter().map(|server| server.id), with_credentials);
    let mut found: HashMap<ServerId, (u64, PartViews)> = HashMap::with_capacity(servers.len());
    for row in uow.fetch_all::<PartRow>(&select).await? {
        let entry =
            found.entry(row.id).or_insert_with(|| (row.revision.unsigned_abs(), PartViews::default()));
        entry.1.add(row.parts);
    }
    for server in servers {
        match found.remove(&server.id) {
            Some((revision, parts)) if revision == server.revision => parts.show(server, with_credentials),
            _ => return Ok(false),
        }
    }
    Ok(true)
}
