//! Check whether somebody may do something, and say why.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::message::Message;
use servertree_kernel::permission::{Audience, ObjectType, Permission};
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::policy::{Decision, Policy, decide};
use crate::domain::Question;

/// What permissions on decisions are about.
pub const OBJECT: ObjectType = ObjectType {
    name: "permission",
    actions: &["check", "explain"],
    fields: &[],
    audience: Audience::Operation,
};

/// To have something checked.
pub const CHECK: Permission = Permission::new("check", "permission");

/// Check whether somebody may do something.
pub struct CheckPermission {
    pub question: Question,
}

impl Query for CheckPermission {
    type Output = Decision;
    const NAME: &'static str = "authorization.check_permission";
    const NEEDS: Permission = CHECK;
}

#[derive(Component)]
#[shaku(interface = QueryHandler<CheckPermission>)]
pub struct Handler {
    #[shaku(inject)]
    policy: Arc<dyn Policy>,
}

#[async_trait]
impl QueryHandler<CheckPermission> for Handler {
    async fn handle(
        &self,
        query: CheckPermission,
        _: &mut ReadUow,
        _: &Message,
    ) -> Result<Decision, Failure> {
        let Question { subject, permission, object } = query.question;
        let subject = self.policy.subject(&subject).await?;
        Ok(decide(subject.as_ref(), permission, &object))
    }
}
