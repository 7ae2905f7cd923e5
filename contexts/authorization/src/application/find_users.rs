//! Find many users: a page of the list.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::find_user::{UserView, UserViews};

/// Find the users that meet the criteria.
pub struct FindUsers {
    pub criteria: Criteria<UserView>,
}

impl Query for FindUsers {
    type Output = Slice<UserView>;
    const NAME: &'static str = "authorization.find_users";
    const NEEDS: Permission = Permission::new("read", "user");
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindUsers>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn UserViews>,
}

#[async_trait]
impl QueryHandler<FindUsers> for Handler {
    async fn handle(
        &self,
        query: FindUsers,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<Slice<UserView>, Failure> {
        self.views.list(&query.criteria, &message.access, uow).await
    }
}
