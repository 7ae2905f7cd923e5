//! Explain a decision: all that was considered.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;
use utoipa::ToSchema;

use super::policy::{Considered, Decision, Policy, decide};
use crate::domain::Question;

/// Check whether somebody may do something, and show all grants that have to do with it.
pub struct ExplainPermission {
    pub question: Question,
}

impl Query for ExplainPermission {
    type Output = Explanation;
    const NAME: &'static str = "authorization.explain_permission";
    const NEEDS: Permission = Permission::new("explain", "permission");
}

/// A decision, and what was considered for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Explanation {
    #[serde(flatten)]
    pub decision: Decision,
    /// The roles of the subject.
    #[schema(value_type = Vec<String>, example = json!(["user", "staging-operator"]))]
    pub roles: Vec<Arc<str>>,
    /// Their grants for this action on this type of object.
    pub considered: Vec<Considered>,
}

#[derive(Component)]
#[shaku(interface = QueryHandler<ExplainPermission>)]
pub struct Handler {
    #[shaku(inject)]
    policy: Arc<dyn Policy>,
}

#[async_trait]
impl QueryHandler<ExplainPermission> for Handler {
    async fn handle(
        &self,
        query: ExplainPermission,
        _: &mut ReadUow,
        _: &Message,
    ) -> Result<Explanation, Failure> {
        let Question { subject, permission, object } = query.question;
        let subject = self.policy.subject(&subject).await?;
        let roles =
            subject.iter().flat_map(|subject| subject.roles.roles()).map(|role| Arc::clone(&role.name));
        let considered = subject.as_ref().map(|subject| subject.considered(permission, &object));
        Ok(Explanation {
            roles: roles.collect(),
            considered: considered.unwrap_or_default(),
            decision: decide(subject.as_ref(), permission, &object),
        })
    }
}
