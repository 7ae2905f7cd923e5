//! Points in time.

use std::fmt;
use std::time::Duration;

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Invalid;
use crate::fields::{self, FieldErrors};

/// A point in time, UTC, to the microsecond: the finest that every engine keeps.
///
/// In JSON it is an RFC 3339 text; in SQL the number of microseconds since 1970 (see
/// docs/decisions/0004-timestamps-are-integers.md).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The time `duration` later.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The time `duration` earlier.
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Reads a text of RFC 3339.
    fn parse(text: &str) -> Option<Self> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(time.unix_timestamp_nanos() / 1_000).ok().map(Self)
    }

    fn to_rfc3339(self) -> Option<String> {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).ok()?;
        time.format(&Rfc3339).ok()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339().ok_or(fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text =
            self.to_rfc3339().ok_or_else(|| ser::Error::custom("a time outside the years 0 to 9999"))?;
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a time of RFC 3339"))
    }
}

impl Deserr<FieldErrors> for Timestamp {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        let text = fields::text(value, location)?;
        Self::parse(&text).ok_or_else(|| {
            let message = "must be a time of RFC 3339, such as 2026-01-31T10:00:00Z".to_owned();
            FieldErrors::at(location, Invalid { code: "invalid_format", message })
        })
    }
}

impl From<Timestamp> for sea_query::Value {
    fn from(time: Timestamp) -> Self {
        time.0.into()
    }
}

crate::sql_transparent!(Timestamp as i64);

impl sea_query::value::Nullable for Timestamp {
    fn null() -> sea_query::Value {
        <i64 as sea_query::value::Nullable>::null()
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-01-31T10:00:00Z"])
            .into()
    }
}

impl utoipa::ToSchema for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_rfc_3339_in_json_and_comes_back_equal() {
        for micros in [0, 1_769_853_600_000_000, 1_769_853_600_000_001, -1] {
            let time = Timestamp::from_micros(micros);
            let json = serde_json::to_string(&time).unwrap();
            assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time, "{json}");
        }
        assert_eq!(Timestamp::from_micros(1_769_853_600_000_000).to_string(), "2026-01-31T10:00:00Z");
    }

    #[test]
    fn other_zones_are_read_as_utc() {
        let time: Timestamp = serde_json::from_str("\"2026-01-31T12:00:00+02:00\"").unwrap();
        assert_eq!(time.to_string(), "2026-01-31T10:00:00Z");
    }
}
