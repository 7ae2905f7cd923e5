//! Find many roles: a page of the list.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::find_role::{RoleView, RoleViews};

/// Find the roles that meet the criteria.
pub struct FindRoles {
    pub criteria: Criteria<RoleView>,
}

impl Query for FindRoles {
    type Output = Slice<RoleView>;
    const NAME: &'static str = "authorization.find_roles";
    const NEEDS: Permission = Permission::new("read", "role");
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindRoles>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn RoleViews>,
}

#[async_trait]
impl QueryHandler<FindRoles> for Handler {
    async fn handle(
        &self,
        query: FindRoles,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<Slice<RoleView>, Failure> {
        self.views.list(&query.criteria, &message.access, uow).await
    }
}
