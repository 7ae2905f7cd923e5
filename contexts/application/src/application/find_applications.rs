//! Find many applications: a page of the list.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::find_application::{ApplicationView, ApplicationViews};

/// Find the applications that meet the criteria. Discarded ones are left out, unless the criteria ask for them.
pub struct FindApplications {
    pub criteria: Criteria<ApplicationView>,
}

impl Query for FindApplications {
    type Output = Slice<ApplicationView>;
    const NAME: &'static str = "application.find_applications";
    const NEEDS: Permission = Permission::new("read", "application");
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindApplications>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn ApplicationViews>,
}

#[async_trait]
impl QueryHandler<FindApplications> for Handler {
    async fn handle(
        &self,
        query: FindApplications,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<Slice<ApplicationView>, Failure> {
        self.views.list(&query.criteria, &message.access, uow).await
    }
}

#[cfg(test)]
mod tests;
