//! Conditions of grants: for which objects a grant holds.

use std::sync::Arc;

use serde_json::Value;

use crate::criteria::{Field, Filter};

/// A filter, with the JSON that it was read from: that is how it is kept, shown and handed to other services.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    filter: Filter,
    json: Arc<str>,
}

impl Condition {
    /// Reads `{"environment":{"in":["staging"]}}`. An error says what is wrong.
    pub fn parse(fields: &'static [Field], json: &Value) -> Result<Self, String> {
        if json.as_object().is_some_and(serde_json::Map::is_empty) {
            return Err("must name a field; without a condition a grant holds for all".to_owned());
        }
        let filter = Filter::parse(fields, json)?;
        filter.check_size()?;
        Ok(Self { filter, json: json.to_string().into() })
    }

    /// One that nobody wrote down: of tests.
    #[cfg(feature = "testkit")]
    pub(crate) fn unwritten(filter: Filter) -> Self {
        Self { filter, json: "null".into() }
    }

    /// As a filter.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// As it was written.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// How many values it compares with.
    pub fn values(&self) -> usize {
        self.filter.values()
    }
}
