//! Grants: what roles give to those who have them.

use std::sync::Arc;

use serde_json::Value;

use super::Condition;
use super::grant_table::{GrantTable, Seen};
use crate::criteria::Filter;

/// One grant, for a permission that its holder knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The role that gives it.
    pub role: Arc<str>,
    /// For which objects it holds; none: for all.
    pub condition: Option<Condition>,
}

impl Grant {
    /// Whether it covers an object, in its JSON form.
    pub fn covers(&self, object: &Value) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.filter().matches(object))
    }
}

/// The grants of one caller for one permission: each covers what it covers, whatever the others do. Clones share them.
#[derive(Clone, Debug)]
pub struct Grants(Tables);

/// One table is looked at without a detour.
#[derive(Clone, Debug)]
enum Tables {
    One(Arc<GrantTable>),
    Several(Arc<[Arc<GrantTable>]>),
}

impl Grants {
    /// These.
    pub fn new(grants: Vec<Grant>) -> Self {
        Self(Tables::One(Arc::new(GrantTable::new(grants))))
    }

    /// No grant: nothing is permitted.
    pub fn none() -> Self {
        Self(Tables::Several(Arc::default()))
    }

    /// A grant without a condition.
    pub fn everything(role: &str) -> Self {
        Self::new(vec![Grant { role: role.into(), condition: None }])
    }

    /// These and those: what one caller has by several roles. Nothing is copied.
    pub fn join<'g>(mut all: impl Iterator<Item = &'g Self>) -> Self {
        let Some(first) = all.next() else { return Self::none() };
        let Some(second) = all.next() else { return first.clone() };
        let tables = [first, second].into_iter().chain(all).flat_map(Self::tables);
        Self(Tables::Several(tables.map(Arc::clone).collect()))
    }

    fn tables(&self) -> &[Arc<GrantTable>] {
        match &self.0 {
            Tables::One(table) => std::slice::from_ref(table),
            Tables::Several(tables) => tables,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The grant that covers an object, if one does. Its JSON form is asked for only if that depends on it.
    pub fn covering_lazily(&self, object: impl FnOnce() -> Value) -> Option<&Grant> {
        if let Some(grant) = self.tables().iter().find_map(|table| table.unconditional()) {
            return Some(grant);
        }
        if self.is_empty() { None } else { self.covering(&object()) }
    }

    /// The grant that covers an object, if one does.
    pub fn covering(&self, object: &Value) -> Option<&Grant> {
        // What the object has in a field is the same for all of them.
        let mut seen = Seen::default();
        self.tables().iter().find_map(|table| table.covering(object, &mut seen))
    }

    /// The objects that they cover together, as a filter of their list.
    pub fn scope(&self) -> Filter {
        let conditions: Option<Vec<&Filter>> =
            self.iter().map(|grant| grant.condition.as_ref().map(Condition::filter)).collect();
        conditions.map_or_else(Filter::everything, Filter::any_of)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.tables().iter().flat_map(|table| table.grants())
    }
}

/// The same grants, in the same order.
impl PartialEq for Grants {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Grants {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::criteria::Field;

    const FIELDS: &[Field] = &[Field::text("environment", "environment", "environment")];

    fn grant(environment: Option<&str>) -> Grant {
        let condition = |name| Condition::parse(FIELDS, &json!({"environment": {"eq": name}})).unwrap();
        Grant { role: "tester".into(), condition: environment.map(condition) }
    }

    fn covers(grants: &Grants, environment: &str) -> bool {
        grants.covering(&json!({ "environment": environment })).is_some()
    }

    #[test]
    fn each_grant_covers_what_its_condition_says() {
        assert!(!covers(&Grants::none(), "staging"));
        assert!(covers(&Grants::everything("tester"), "staging"));
        let two = Grants::new(vec![grant(Some("staging")), grant(Some("test"))]);
        assert!(covers(&two, "staging") && covers(&two, "test") && !covers(&two, "production"));
        assert!(two.covering(&json!({})).is_none(), "what has no such property is not covered");
    }

    /// Whatever a field is, what is looked up is what would be found by asking each condition.
    #[test]
    fn values_of_all_kinds_are_found() {
        const FIELDS: &[Field] = &[
            Field::text("environment", "environment", "environment"),
            Field::name("name", "name", "folded_name"),
            Field::integer("cpu_cores", "cpu_cores"),
            Field::boolean("discarded", "discarded"),
            Field::time("created_at", "created_at"),
            Field::id("id", "id"),
            Field::one_of("status", "status", &["running", "stopped"]),
            Field::address("ip", "ip", "ip_key"),
        ];
        let values = [
            ("environment", json!("test"), json!("Test")),
            ("name", json!("WEB-1"), json!("web-2")),
            ("cpu_cores", json!(4.0), json!(5)),
            ("discarded", json!(true), json!(false)),
            ("created_at", json!("2026-01-01T01:00:00+01:00"), json!("2026-01-01T01:00:00Z")),
            (
                "id",
                json!("0198C5A6-0000-7000-8000-000000000001"),
                json!("0198c5a6-0000-7000-8000-000000000002"),
            ),
            ("status", json!("running"), json!("stopped")),
            ("ip", json!("::FFFF"), json!("10.0.0.1")),
        ];
        let grant = |(field, value, _): &(&str, Value, Value)| {
            let condition = Condition::parse(FIELDS, &json!({*field: {"eq": value}})).unwrap();
            Grant { role: "tester".into(), condition: Some(condition) }
        };
        let grants = Grants::new(values.iter().map(grant).collect());
        for (field, value, other) in &values {
            let covering = |value: &Value| grants.covering(&json!({*field: value}));
            assert_eq!(covering(value), Some(&grant(&(*field, value.clone(), Value::Null))), "{field}");
            assert_eq!(covering(other), None, "{field}");
            assert_eq!(covering(&json!(null)), None, "{field}");
        }
        let written_otherwise = json!({"name": "web-1", "created_at": "2026-01-01T00:00:00Z"});
        assert!(grants.covering(&written_otherwise).is_some());
        let all_others: Value =
            values.iter().map(|(field, _, other)| ((*field).to_owned(), other.clone())).collect();
        assert!(grants.covering(&all_others).is_none() && !grants.scope().matches(&all_others));
    }

    #[test]
    fn what_several_roles_give_is_joined() {
        let [staging, test] = ["staging", "test"].map(|name| Grants::new(vec![grant(Some(name))]));
        assert!(Grants::join([Grants::none()].iter()).is_empty());
        let alone = Grants::join([staging.clone()].iter());
        assert!(Arc::ptr_eq(&alone.tables()[0], &staging.tables()[0]), "it was copied");
        let joined = Grants::join([staging, Grants::none(), test].iter());
        assert!(covers(&joined, "staging") && covers(&joined, "test") && !covers(&joined, "production"));
    }

    #[test]
    fn an_object_is_looked_at_only_if_need_be() {
        assert!(Grants::none().covering_lazily(|| panic!("there is nothing to compare it with")).is_none());
        let one_is_enough = Grants::new(vec![grant(Some("staging")), grant(None)]);
        assert!(one_is_enough.covering_lazily(|| panic!("a grant without a condition covers it")).is_some());
    }

    #[test]
    fn their_scope_is_what_they_cover() {
        assert_eq!(Grants::none().scope(), Filter::Any(vec![]));
        assert_eq!(Grants::new(vec![grant(Some("staging")), grant(None)]).scope(), Filter::everything());
        let two = Grants::new(vec![grant(Some("staging")), grant(Some("test"))]);
        for environment in ["staging", "test", "production"] {
            let object = json!({ "environment": environment });
            assert_eq!(two.scope().matches(&object), covers(&two, environment), "{environment}");
        }
    }
}
