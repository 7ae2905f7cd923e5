//! Check many things at once.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::check_permission;
use super::policy::{Decision, Policy, decide};
use crate::domain::Question;

/// Check whether somebody may do something, for each of these questions.
pub struct CheckPermissions {
    pub questions: Vec<Question>,
}

impl Query for CheckPermissions {
    type Output = Vec<Decision>;
    const NAME: &'static str = "authorization.check_permissions";
    const NEEDS: Permission = check_permission::CHECK;
}

#[derive(Component)]
#[shaku(interface = QueryHandler<CheckPermissions>)]
pub struct Handler {
    #[shaku(inject)]
    policy: Arc<dyn Policy>,
}

#[async_trait]
impl QueryHandler<CheckPermissions> for Handler {
    async fn handle(
        &self,
        query: CheckPermissions,
        _: &mut ReadUow,
        _: &Message,
    ) -> Result<Vec<Decision>, Failure> {
        let mut decisions = Vec::with_capacity(query.questions.len());
        for Question { subject, permission, object } in query.questions {
            let subject = self.policy.subject(&subject).await?;
            decisions.push(decide(subject.as_ref(), permission, &object));
        }
        Ok(decisions)
    }
}
