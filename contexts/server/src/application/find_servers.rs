//! Find many servers: a page of the list.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::criteria::{Criteria, Filter, Slice};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::find_credential;
use super::find_server::{ServerView, ServerViews};

/// Find the servers that meet the criteria. Discarded ones are left out, unless the criteria ask for them.
pub struct FindServers {
    pub criteria: Criteria<ServerView>,
}

impl Query for FindServers {
    type Output = Slice<ServerView>;
    const NAME: &'static str = "server.find_servers";
    const NEEDS: Permission = Permission::new("read", "server");
    const ALSO: &'static [Permission] = &[find_credential::READ];
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindServers>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn ServerViews>,
}

#[async_trait]
impl QueryHandler<FindServers> for Handler {
    async fn handle(
        &self,
        query: FindServers,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<Slice<ServerView>, Failure> {
        page_of(&*self.views, &query.criteria, Filter::everything(), uow, message).await
    }
}

/// A page of those servers that are `among` these, as far as the caller may see them.
pub async fn page_of(
    views: &dyn ServerViews,
    criteria: &Criteria<ServerView>,
    among: Filter,
    uow: &mut ReadUow,
    message: &Message,
) -> Result<Slice<ServerView>, Failure> {
    if !message.access.has(find_credential::READ) {
        criteria.refuse_part("credentials")?;
    }
    views.list(criteria, among, &message.access, uow).await
}

#[cfg(test)]
mod tests;
