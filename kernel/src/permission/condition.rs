//! Conditions of grants: for which objects a grant holds.

use std::sync::Arc;

use serde::{Serialize, Serializer, ser};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::criteria::{Field, Filter};

/// A filter, with the JSON that it was read from: that is how it is kept, shown and handed to other services.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition(Arc<Parsed>);

#[derive(PartialEq, Eq, Debug)]
struct Parsed {
    filter: Filter,
    json: String,
}

/// The longest condition, in bytes of JSON: as long as a filter of a list may be.
const MAX_BYTES: usize = 16 * 1024;

impl Condition {
    /// Reads `{"environment":{"in":["staging"]}}`. An error says what is wrong.
    pub fn parse(fields: &'static [Field], json: &Value) -> Result<Self, String> {
        if json.as_object().is_some_and(serde_json::Map::is_empty) {
            return Err("must name a field; without a condition a grant holds for all".to_owned());
        }
        let text = json.to_string();
        if text.len() > MAX_BYTES {
            return Err(format!("has {} bytes; {MAX_BYTES} are allowed", text.len()));
        }
        let filter = Filter::parse(fields, json)?;
        filter.check_size()?;
        Ok(Self(Arc::new(Parsed { filter, json: text })))
    }

    /// One that nobody wrote down: of tests.
    #[cfg(feature = "testkit")]
    pub(crate) fn unwritten(filter: Filter) -> Self {
        Self(Arc::new(Parsed { filter, json: "null".to_owned() }))
    }

    /// As a filter.
    pub fn filter(&self) -> &Filter {
        &self.0.filter
    }

    /// As it was written.
    pub fn json(&self) -> &str {
        &self.0.json
    }

    /// Reads what a context keeps: a text of JSON.
    pub fn parse_text(fields: &'static [Field], text: &str) -> Result<Self, String> {
        Self::parse(fields, &serde_json::from_str(text).map_err(|error| error.to_string())?)
    }

    /// How many values it compares with.
    pub fn values(&self) -> usize {
        self.0.filter.values()
    }
}

/// As it was written.
impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.json()).map_err(ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl PartialSchema for Condition {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("Conditions on fields of the object, as `filter` of a list has them"))
            .examples([serde_json::json!({"environment": {"in": ["staging", "test"]}})])
            .into()
    }
}

impl ToSchema for Condition {}
