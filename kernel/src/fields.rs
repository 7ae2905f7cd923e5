//! Faulty fields of what people send: all of them at once, each with its path, its fault and what is allowed.
//!
//! The walk over the JSON is deserr's; this is the error type that collects.

use std::ops::ControlFlow;

use deserr::{
    DeserializeError, Deserr, ErrorKind, IntoValue, MergeWithError, Value, ValueKind, ValuePointerRef,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Invalid;
pub use crate::problem::InvalidFields;

/// One faulty field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// Its path in the body, nested ones with dots; or the parameter or header at fault.
    #[schema(example = "cpu_cores")]
    pub field: String,
    /// The kind of fault, stable for programs.
    #[schema(example = "out_of_range")]
    pub code: &'static str,
    /// The fault and what is allowed, for people.
    #[schema(example = "must be 1 to 65536, not 0")]
    pub message: String,
}

/// All faulty fields of one input, in the order they were found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

/// Reads a `T` out of JSON, or names every field at fault.
pub fn parse<T: Deserr<FieldErrors>>(json: serde_json::Value) -> Result<T, InvalidFields> {
    deserr::deserialize(json).map_err(|errors: FieldErrors| InvalidFields(errors.0))
}

impl FieldErrors {
    /// One refused value, at its place.
    pub fn at(location: ValuePointerRef<'_>, invalid: Invalid) -> Self {
        let Invalid { code, message } = invalid;
        Self(vec![FieldError { field: path(location), code, message }])
    }

    /// Goes on only if there are none of these.
    pub fn none_of(faults: impl IntoIterator<Item = Self>) -> Result<(), Self> {
        let all = Self(faults.into_iter().flat_map(|errors| errors.0).collect());
        if all.0.is_empty() { Ok(()) } else { Err(all) }
    }
}

impl MergeWithError<FieldErrors> for FieldErrors {
    fn merge(all: Option<Self>, more: FieldErrors, _: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        let mut all = all.unwrap_or_default();
        all.0.extend(more.0);
        ControlFlow::Continue(all)
    }
}

impl DeserializeError for FieldErrors {
    fn error<V: IntoValue>(
        all: Option<Self>,
        error: ErrorKind<'_, V>,
        location: ValuePointerRef<'_>,
    ) -> ControlFlow<Self, Self> {
        let fault = match error {
            ErrorKind::MissingField { field } => {
                let missing = Invalid { code: "missing", message: "is required".to_owned() };
                Self::at(location.push_key(field), missing)
            }
            ErrorKind::UnknownKey { key, accepted } => {
                let message = format!("is unknown here; known are {}", accepted.join(", "));
                Self::at(location.push_key(key), Invalid { code: "unknown_field", message })
            }
            ErrorKind::UnknownValue { value, accepted } => {
                let message = format!("must be one of {}, not '{}'", accepted.join(", "), shortened(value));
                Self::at(location, Invalid { code: "unknown_value", message })
            }
            ErrorKind::IncorrectValueKind { actual, accepted } => {
                Self::at(location, wrong_type(kinds(accepted).as_str(), &actual))
            }
            ErrorKind::BadSequenceLen { expected, .. } => {
                let message = format!("must have {expected} elements");
                Self::at(location, Invalid { code: "wrong_length", message })
            }
            ErrorKind::Unexpected { msg } => Self::at(location, Invalid { code: "invalid", message: msg }),
        };
        Self::merge(all, fault, location)
    }
}

/// The text at `location`.
pub fn text<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<String, FieldErrors> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(FieldErrors::at(location, wrong_type("a text", &other))),
    }
}

/// The whole number at `location`. As in JSON Schema, 4.0 is one.
pub fn whole_number<V: IntoValue>(
    value: Value<V>,
    location: ValuePointerRef<'_>,
) -> Result<i128, FieldErrors> {
    match value {
        Value::Integer(number) => Ok(i128::from(number)),
        Value::NegativeInteger(number) => Ok(i128::from(number)),
        // The cast saturates; what is too large stays too large for every range.
        #[expect(clippy::cast_possible_truncation, reason = "float to integer casts saturate")]
        Value::Float(number) if number.fract() == 0.0 => Ok(number as i128),
        Value::Float(_) => {
            let message = "must be a whole number".to_owned();
            Err(FieldErrors::at(location, Invalid { code: "wrong_type", message }))
        }
        other => Err(FieldErrors::at(location, wrong_type("a number", &other))),
    }
}

/// Any JSON, for whoever reads it later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Json(pub serde_json::Value);

impl Json {
    /// An object without fields.
    pub fn object() -> Self {
        Self(serde_json::json!({}))
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.0.is_object()
    }

    /// The same object with this text as one of its fields.
    pub fn with(mut self, field: &str, text: String) -> Self {
        if let Some(fields) = self.0.as_object_mut() {
            fields.insert(field.to_owned(), text.into());
        }
        self
    }
}

impl Deserr<FieldErrors> for Json {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        serde_json::Value::deserialize_from_value(value, location).map(Self)
    }
}

/// A field that is accepted and ignored: what GET shows and the service fills in can be sent back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ignored;

impl Deserr<FieldErrors> for Ignored {
    fn deserialize_from_value<V: IntoValue>(
        _: Value<V>,
        _: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        Ok(Self)
    }
}

/// What a PUT can replace, and a PATCH change.
pub trait Replaceable {
    /// The fields of its representation that the service fills in: accepted and ignored when they are sent back.
    const FILLED_IN: &'static [&'static str];
}

/// Leaves out what the service fills in.
pub(crate) fn ignore_filled_in<T: Replaceable>(json: &mut serde_json::Value) {
    if let Some(fields) = json.as_object_mut() {
        fields.retain(|name, _| !T::FILLED_IN.contains(&name.as_str()));
    }
}

fn wrong_type<V: IntoValue>(expected: &str, actual: &Value<V>) -> Invalid {
    Invalid { code: "wrong_type", message: format!("must be {expected}, not {}", kind_name(actual.kind())) }
}

fn kinds(accepted: &[ValueKind]) -> String {
    accepted.iter().map(|kind| kind_name(*kind)).collect::<Vec<_>>().join(" or ")
}

fn kind_name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Null => "null",
        ValueKind::Boolean => "a boolean",
        ValueKind::Integer | ValueKind::NegativeInteger | ValueKind::Float => "a number",
        ValueKind::String => "a text",
        ValueKind::Sequence => "an array",
        ValueKind::Map => "an object",
    }
}

/// `operating_system.name`, `credentials.0.username`; the whole input is `body`.
fn path(location: ValuePointerRef<'_>) -> String {
    fn walk(location: ValuePointerRef<'_>, path: &mut Vec<String>) {
        match location {
            ValuePointerRef::Origin => {}
            ValuePointerRef::Key { key, prev } => {
                walk(*prev, path);
                path.push(shortened(key));
            }
            ValuePointerRef::Index { index, prev } => {
                walk(*prev, path);
                path.push(index.to_string());
            }
        }
    }
    let mut parts = Vec::new();
    walk(location, &mut parts);
    if parts.is_empty() { "body".to_owned() } else { parts.join(".") }
}

/// What a stranger wrote is echoed, but not at any length.
pub(crate) fn shortened(text: &str) -> String {
    const LIMIT: usize = 64;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
