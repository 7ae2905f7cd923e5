//! Decisions: who may do what to which objects. What roles hold is looked up by permission, never searched through.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use servertree_kernel::domain::Port;
use servertree_kernel::fields::Json;
use servertree_kernel::permission::{Condition, Grant as Held, Grants, Permission};
use servertree_kernel::problem::Failure;
use utoipa::ToSchema;

use super::role_set::RoleSet;
use crate::domain::{Grant, GrantText, UserId};

/// Somebody, as far as decisions go. Clones share the set of roles.
#[derive(Clone)]
pub struct Subject {
    pub id: UserId,
    /// Others may do nothing.
    pub active: bool,
    pub roles: Arc<RoleSet>,
}

/// Knows what users may do.
#[async_trait]
pub trait Policy: Port {
    /// The user of this name.
    async fn subject(&self, username: &str) -> Result<Option<Subject>, Failure>;
}

/// Why something is permitted, or is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A grant covers the object.
    Granted,
    /// There are grants, but none covers this object.
    ConditionNotMet,
    /// There is no grant for this action on this type of object.
    NoGrant,
    /// There is no such user.
    UnknownSubject,
    /// The user is inactive.
    InactiveSubject,
}

/// What was decided, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Decision {
    /// Whether it is permitted.
    pub allowed: bool,
    /// Why.
    pub reason: Reason,
    /// The role whose grant decided.
    #[schema(required, value_type = Option<String>, example = "staging-operator")]
    pub role: Option<Arc<str>>,
    /// That grant.
    #[schema(required, value_type = Option<GrantText>)]
    pub grant: Option<Grant>,
}

/// A grant that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Considered {
    /// The role that holds it.
    #[schema(value_type = String, example = "staging-operator")]
    pub role: Arc<str>,
    /// The grant.
    #[schema(value_type = GrantText)]
    pub grant: Grant,
    /// Whether it covers the object.
    pub covers: bool,
}

impl Reason {
    /// As it is on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::ConditionNotMet => "condition_not_met",
            Self::NoGrant => "no_grant",
            Self::UnknownSubject => "unknown_subject",
            Self::InactiveSubject => "inactive_subject",
        }
    }
}

impl Subject {
    /// All grants for a permission: none, if the user is inactive.
    pub fn grants(&self, permission: Permission) -> Grants {
        let grants = self.roles.grants(permission).filter(|_| self.active);
        grants.cloned().unwrap_or_else(Grants::none)
    }

    /// Whether all that a grant gives is theirs: without a condition, or with the same one.
    pub fn has(&self, grant: &Grant) -> bool {
        let gives = |own: &Option<Condition>| own.is_none() || *own == grant.condition;
        self.grants(grant.permission).iter().any(|own| gives(&own.condition))
    }

    /// Decides about an object.
    pub fn decide(&self, permission: Permission, object: &Json) -> Decision {
        if !self.active {
            return Decision::refused(Reason::InactiveSubject);
        }
        let Some(grants) = self.roles.grants(permission) else { return Decision::refused(Reason::NoGrant) };
        match grants.covering(&object.0) {
            Some(grant) => Decision::granted(permission, grant),
            None => Decision::refused(Reason::ConditionNotMet),
        }
    }

    /// All grants that have to do with the question, and whether they cover the object.
    pub fn considered(&self, permission: Permission, object: &Json) -> Vec<Considered> {
        let all = self.grants(permission);
        let considered = |grant: &Held| Considered {
            role: Arc::clone(&grant.role),
            grant: Grant { permission, condition: grant.condition.clone() },
            covers: grant.covers(&object.0),
        };
        all.iter().map(considered).collect()
    }
}

impl Decision {
    fn granted(permission: Permission, grant: &Held) -> Self {
        Self {
            allowed: true,
            reason: Reason::Granted,
            role: Some(Arc::clone(&grant.role)),
            grant: Some(Grant { permission, condition: grant.condition.clone() }),
        }
    }

    /// Not permitted.
    pub const fn refused(reason: Reason) -> Self {
        Self { allowed: false, reason, role: None, grant: None }
    }
}

/// Decides a question about somebody who may be nobody.
pub fn decide(subject: Option<&Subject>, permission: Permission, object: &Json) -> Decision {
    subject.map_or(Decision::refused(Reason::UnknownSubject), |subject| subject.decide(permission, object))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use servertree_kernel::domain::Uuid;
    use servertree_kernel::permission::ObjectType;

    use super::super::role_set::RoleTable;
    use super::*;

    /// What a grant of the test says: an action, and the environments it is for; none: for all.
    type Said = (&'static str, Option<Vec<&'static str>>);

    const ENVIRONMENTS: [&str; 3] = ["production", "staging", "test"];

    fn said() -> impl Strategy<Value = Said> {
        let environments = proptest::sample::subsequence(ENVIRONMENTS.to_vec(), 1..=3);
        let action = proptest::sample::select(vec!["read", "create", "update", "discard"]);
        (action, proptest::option::weighted(0.8, environments))
    }

    fn grant((action, environments): &Said) -> Grant {
        let fields = ObjectType::find("thing").unwrap().fields;
        let condition = |environments| {
            Condition::parse(fields, &serde_json::json!({"environment": {"in": environments}})).unwrap()
        };
        Grant {
            permission: Permission::new(action, "thing"),
            condition: environments.as_ref().map(condition),
        }
    }

    fn table(number: u128, said: &[Said]) -> Arc<RoleTable> {
        Arc::new(RoleTable::new(Uuid::from_u128(number).into(), "role", said.iter().map(grant).collect()))
    }

    fn set(tables: Vec<Arc<RoleTable>>) -> Arc<RoleSet> {
        Arc::new(RoleSet::new(tables))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Whatever the policy: what is allowed, a grant covers; what a grant covers, is allowed. The grants that the SQL scope
        /// is made of say the same.
        #[test]
        fn what_is_allowed_a_grant_covers(
            roles in proptest::collection::vec(proptest::collection::vec(said(), 0..6), 0..4),
            action in proptest::sample::select(vec!["read", "create", "update", "discard"]),
            environment in proptest::option::of(proptest::sample::select(ENVIRONMENTS.to_vec())),
            active in proptest::bool::weighted(0.9),
        ) {
            let tables = roles.iter().enumerate().map(|(number, said)| table(number as u128, said));
            let subject = Subject { id: Uuid::nil().into(), active, roles: set(tables.collect()) };
            let object = match environment {
                Some(environment) => Json::object().with("environment", environment.to_owned()),
                None => Json::object(),
            };
            let covers = |(granted, environments): &Said| {
                *granted == action
                    && environments.as_ref().is_none_or(|some| environment.is_some_and(|one| some.contains(&one)))
            };
            let expected = active && roles.iter().flatten().any(covers);
            let permission = Permission::new(action, "thing");
            let decision = subject.decide(permission, &object);
            prop_assert_eq!(decision.allowed, expected);
            prop_assert_eq!(decision.grant.is_some(), expected);
            prop_assert_eq!(decision.reason == Reason::Granted, expected);
            prop_assert_eq!(subject.grants(permission).covering(&object.0).is_some(), expected);
            prop_assert_eq!(subject.grants(permission).scope().matches(&object.0), expected);
            let considered = subject.considered(permission, &object);
            prop_assert_eq!(considered.iter().any(|grant| grant.covers), expected);
        }
    }

    #[test]
    fn a_decision_says_why() {
        let of = |said: &[Said]| Subject {
            id: Uuid::nil().into(),
            active: true,
            roles: set(vec![table(1, said)]),
        };
        let read = Permission::new("read", "thing");
        let staging = Json::object().with("environment", "staging".to_owned());
        let reason = |subject: &Subject| subject.decide(read, &staging).reason;
        assert_eq!(reason(&of(&[("read", None)])), Reason::Granted);
        assert_eq!(reason(&of(&[("read", Some(vec!["test"]))])), Reason::ConditionNotMet);
        assert_eq!(reason(&of(&[("update", None)])), Reason::NoGrant);
        assert_eq!(decide(None, read, &staging).reason, Reason::UnknownSubject);
        let inactive = Subject { active: false, ..of(&[("read", None)]) };
        assert_eq!(reason(&inactive), Reason::InactiveSubject);
    }

    #[test]
    fn nobody_has_what_goes_beyond_their_own_condition() {
        let own = [("read", Some(vec!["staging"])), ("update", None)];
        let subject = Subject { id: Uuid::nil().into(), active: true, roles: set(vec![table(1, &own)]) };
        let has = |action, environments| subject.has(&grant(&(action, environments)));
        assert!(
            has("read", Some(vec!["staging"])) && has("update", Some(vec!["test"])) && has("update", None)
        );
        assert!(!has("read", None) && !has("read", Some(vec!["test"])) && !has("discard", None));
    }
}
