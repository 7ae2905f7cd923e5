//! Servers as they are looked at: SQL straight to view structs.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, SelectStatement};
use servertree_kernel::criteria::{Criteria, Filter, Slice};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::permission::Access;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::server_row::{JoinedRow, PartRow, ServerRow, Servers};
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
        let mut scope = access.scope();
        // Whoever finds servers by their credentials learns about these: they must be allowed to.
        if criteria.filters_by("credentials") {
            scope = Filter::All(vec![scope, access.scope_of(find_credential::READ)]);
        }
        let mut slice = criteria.fetch::<ServerRow>(select(criteria), &scope, uow).await?;
        let with_credentials = criteria.shows("credentials") && access.has(find_credential::READ);
        if with_credentials && !add_credentials(&mut slice.items, uow).await? {
            // Somebody was quicker. What is read from now on is of one moment.
            uow.snapshot();
            slice = criteria.fetch::<ServerRow>(select(criteria), &scope, uow).await?;
            add_credentials(&mut slice.items, uow).await?;
        }
        slice.items = slice.items.into_iter().map(|server| server.seen_with(access)).collect();
        Ok(slice)
    }
}

fn select(criteria: &Criteria<ServerView>) -> SelectStatement {
    let mut select = ServerRow::select();
    if !criteria.filters_by("discarded") {
        select.and_where(Expr::col(Servers::Discarded).eq(false));
    }
    select
}

/// Adds the credentials by one statement, however many servers there are. Answers whether they are those of the servers as they
/// were read: credentials do not change without the revision of their server. A snapshot of both would be two more round trips
/// to a server of databases, for each list.
async fn add_credentials(servers: &mut [ServerView], uow: &mut ReadUow) -> Result<bool, DatabaseError> {
    if servers.is_empty() {
        return Ok(true);
    }
    let select = PartRow::select(servers.iter().map(|server| server.id));
    let mut found: HashMap<ServerId, (u64, Vec<CredentialView>)> = HashMap::with_capacity(servers.len());
    for row in uow.fetch_all::<PartRow>(&select).await? {
        let entry = found.entry(row.id).or_insert_with(|| (row.revision.unsigned_abs(), Vec::new()));
        entry.1.extend(row.credential.into_view());
    }
    for server in servers {
        match found.remove(&server.id) {
            Some((revision, credentials)) if revision == server.revision => {
                server.credentials = Some(credentials);
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}
