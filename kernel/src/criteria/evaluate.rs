//! Filters, evaluated on an object in memory.

use serde_json::Value;

use super::field::{Field, fold};
use super::filter::{Condition, Filter};

impl Filter {
    /// Whether `object`, in its JSON form, is meant. Null meets no condition but `em`; what is not there meets none at all,
    /// `ne` and `em` included: nobody knows what it would be.
    pub fn matches(&self, object: &Value) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.matches(object)),
            Self::Any(filters) => filters.iter().any(|filter| filter.matches(object)),
            Self::Field(field, condition) => condition.holds(field, object),
            Self::Part { part, conditions, none } => {
                let holds = |element: &Value| {
                    conditions.iter().all(|(field, condition)| condition.holds(field, element))
                };
                object[part.name].as_array().is_some_and(|elements| *none != elements.iter().any(holds))
            }
        }
    }
}

impl Condition {
    fn holds(&self, field: &Field, object: &Value) -> bool {
        if let Self::Empty(empty) = self {
            return field.value(object).is_some_and(|value| *empty == (value.is_null() || value == ""));
        }
        let Some(value) = field.stored(object) else { return false };
        match self {
            Self::Equal(other) => value == *other,
            Self::NotEqual(other) => value != *other,
            Self::Greater(other) => value > *other,
            Self::GreaterOrEqual(other) => value >= *other,
            Self::Less(other) => value < *other,
            Self::LessOrEqual(other) => value <= *other,
            Self::In(others) => others.contains(&value),
            Self::Between(low, high) => *low <= value && value <= *high,
            Self::Contains(part) => folded(field, object).contains(part.as_str()),
            Self::StartsWith(part) => folded(field, object).starts_with(part.as_str()),
            Self::Empty(_) => false,
        }
    }
}

fn folded(field: &Field, object: &Value) -> String {
    field.value(object).and_then(Value::as_str).map(fold).unwrap_or_default()
}
