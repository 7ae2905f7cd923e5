//! Value objects: a text or a number with rules. It is parsed once, at the edge; whoever holds one need not check.

use std::fmt;

/// Why a value was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invalid {
    /// The kind of fault, stable for programs: `too_long`, `out_of_range`, …
    pub code: &'static str,
    /// The fault and what is allowed, for people.
    pub message: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Invalid {}

impl Invalid {
    /// A number must be in `min..=max`.
    pub fn out_of_range(number: i128, min: impl fmt::Display, max: impl fmt::Display) -> Self {
        // Beyond it, what is left of the number is not what was sent.
        let exact = number.unsigned_abs() <= u128::from(u64::MAX);
        let found = if exact { format!(", not {number}") } else { String::new() };
        Self { code: "out_of_range", message: format!("must be {min} to {max}{found}") }
    }

    /// The length of `text`, in characters, must be in `min..=max`.
    pub fn unless_length(text: &str, min: usize, max: usize) -> Result<(), Self> {
        let length = text.chars().count();
        if length < min {
            let message = format!("must have {min} to {max} characters, not {length}");
            return Err(Self { code: "too_short", message });
        }
        if length > max {
            let message = format!("must have {min} to {max} characters, not {length}");
            return Err(Self { code: "too_long", message });
        }
        Ok(())
    }
}

/// Declares a text with rules.
///
/// ```
/// servertree_kernel::text! {
///     /// What a rack is called.
///     pub struct RackName {
///         length: 1..=8,
///         allows: |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric()),
///         rule: "letters and digits",
///         pattern: "^[A-Za-z0-9]+$",
///         example: "R12",
///     }
/// }
/// assert!(RackName::parse("R12".into()).is_ok());
/// assert_eq!(RackName::parse("R-12".into()).unwrap_err().message, "must be letters and digits");
/// ```
///
/// `pattern` is the rule as OpenAPI says it (ECMA-262); the length is in characters. `normal`, if it is there, brings a text into
/// the one form in which it is kept, before anything is looked at.
#[macro_export]
macro_rules! text {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(normal: $normal:expr,)?
            length: $min:literal..=$max:literal,
            allows: $allows:expr,
            rule: $rule:literal,
            pattern: $pattern:literal,
            example: $example:literal $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(String);

        impl $name {
            /// The text, if it keeps the rules.
            pub fn parse(text: String) -> Result<Self, $crate::domain::Invalid> {
                let allows: fn(&str) -> bool = $allows;
                $(let text = $normal(text);)?
                $crate::domain::Invalid::unless_length(&text, $min, $max)?;
                if !allows(&text) {
                    let message = concat!("must be ", $rule).to_owned();
                    return Err($crate::domain::Invalid { code: "invalid_format", message });
                }
                Ok(Self(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl $crate::glue::deserr::Deserr<$crate::fields::FieldErrors> for $name {
            fn deserialize_from_value<V: $crate::glue::deserr::IntoValue>(
                value: $crate::glue::deserr::Value<V>,
                location: $crate::glue::deserr::ValuePointerRef<'_>,
            ) -> Result<Self, $crate::fields::FieldErrors> {
                let text = $crate::fields::text(value, location)?;
                Self::parse(text).map_err(|invalid| $crate::fields::FieldErrors::at(location, invalid))
            }
        }

        $crate::value_glue!($name, String);

        impl $crate::glue::utoipa::PartialSchema for $name {
            fn schema() -> $crate::glue::utoipa::openapi::RefOr<$crate::glue::utoipa::openapi::schema::Schema> {
                $crate::glue::utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type($crate::glue::utoipa::openapi::schema::Type::String)
                    .min_length(Some($min))
                    .max_length(Some($max))
                    .pattern(Some($pattern))
                    .examples([$example])
                    .into()
            }
        }
    };
}

/// Declares a whole number in a range: `number! { /// Cores. pub struct Cores(u32) { range: 1..=64, example: 4 } }`.
#[macro_export]
macro_rules! number {
    (
        $(#[$meta:meta])*
        pub struct $name:ident($inner:ty) {
            range: $min:literal..=$max:literal,
            example: $example:literal $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name($inner);

        impl $name {
            /// The number, if it is in the range.
            pub fn parse(number: $inner) -> Result<Self, $crate::domain::Invalid> {
                if Self::RANGE.contains(&number) { Ok(Self(number)) } else { Err(Self::out_of_range(number)) }
            }

            /// The numbers that are allowed.
            pub const RANGE: ::std::ops::RangeInclusive<$inner> = $min..=$max;

            fn out_of_range(number: impl Into<i128>) -> $crate::domain::Invalid {
                $crate::domain::Invalid::out_of_range(number.into(), Self::RANGE.start(), Self::RANGE.end())
            }

            /// The number.
            pub fn get(self) -> $inner {
                self.0
            }
        }

        impl $crate::glue::deserr::Deserr<$crate::fields::FieldErrors> for $name {
            fn deserialize_from_value<V: $crate::glue::deserr::IntoValue>(
                value: $crate::glue::deserr::Value<V>,
                location: $crate::glue::deserr::ValuePointerRef<'_>,
            ) -> Result<Self, $crate::fields::FieldErrors> {
                let number = $crate::fields::whole_number(value, location)?;
                <$inner>::try_from(number)
                    .map_err(|_| Self::out_of_range(number))
                    .and_then(Self::parse)
                    .map_err(|invalid| $crate::fields::FieldErrors::at(location, invalid))
            }
        }

        $crate::value_glue!($name, $inner);

        impl $crate::glue::utoipa::PartialSchema for $name {
            fn schema() -> $crate::glue::utoipa::openapi::RefOr<$crate::glue::utoipa::openapi::schema::Schema> {
                $crate::glue::utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type($crate::glue::utoipa::openapi::schema::Type::Integer)
                    .minimum(Some($min as i64))
                    .maximum(Some($max as i64))
                    .examples([$example])
                    .into()
            }
        }
    };
}

/// What texts and numbers have in common: serde through `parse`, and a name in OpenAPI.
#[doc(hidden)]
#[macro_export]
macro_rules! value_glue {
    ($name:ident, $inner:ty) => {
        impl TryFrom<$inner> for $name {
            type Error = $crate::domain::Invalid;

            fn try_from(value: $inner) -> Result<Self, Self::Error> {
                Self::parse(value)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl $crate::glue::serde::Serialize for $name {
            fn serialize<S: $crate::glue::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                $crate::glue::serde::Serialize::serialize(&self.0, serializer)
            }
        }

        impl<'de> $crate::glue::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::glue::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let value = <$inner as $crate::glue::serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(value).map_err($crate::glue::serde::de::Error::custom)
            }
        }

        impl $crate::glue::utoipa::ToSchema for $name {}
    };
}

#[cfg(test)]
mod tests {
    use crate::fields::{self, FieldErrors};

    crate::text! {
        /// A colour.
        pub struct Colour {
            length: 1..=5,
            allows: |text: &str| text.bytes().all(|b| b.is_ascii_lowercase()),
            rule: "lower-case letters",
            pattern: "^[a-z]+$",
            example: "red",
        }
    }

    crate::number! {
        /// Slots in a rack.
        pub struct Slots(u32) { range: 1..=48, example: 42 }
    }

    #[derive(deserr::Deserr, Debug)]
    #[deserr(error = FieldErrors, deny_unknown_fields)]
    struct Rack {
        colour: Colour,
        slots: Slots,
    }

    fn faults(json: serde_json::Value) -> Vec<(String, &'static str)> {
        let errors = fields::parse::<Rack>(json).unwrap_err();
        errors.0.into_iter().map(|error| (error.field, error.code)).collect()
    }

    #[test]
    fn every_faulty_field_is_named_at_once() {
        let json = serde_json::json!({"colour": "RED", "slots": 49, "wheels": 4});
        let mut found = faults(json);
        found.sort();
        let expected = [("colour", "invalid_format"), ("slots", "out_of_range"), ("wheels", "unknown_field")];
        assert_eq!(found, expected.map(|(field, code)| (field.to_owned(), code)));
    }

    #[test]
    fn numbers_must_be_whole_and_in_range_whatever_their_size() {
        for (number, code) in [
            (serde_json::json!(0), "out_of_range"),
            (serde_json::json!(-1), "out_of_range"),
            (serde_json::json!(u64::MAX), "out_of_range"),
            (serde_json::json!(1e300), "out_of_range"),
            (serde_json::json!(1.5), "wrong_type"),
            (serde_json::json!("4"), "wrong_type"),
            (serde_json::json!(null), "wrong_type"),
        ] {
            let json = serde_json::json!({"colour": "red", "slots": number});
            assert_eq!(faults(json), [("slots".to_owned(), code)], "{number}");
        }
        let rack = fields::parse::<Rack>(serde_json::json!({"colour": "red", "slots": 48})).unwrap();
        assert_eq!((rack.colour.as_str(), rack.slots.get()), ("red", 48));
    }

    #[test]
    fn length_counts_characters() {
        assert_eq!(Colour::parse(String::new()).unwrap_err().code, "too_short");
        assert_eq!(Colour::parse("é".repeat(5)).unwrap_err().code, "invalid_format");
        assert_eq!(Colour::parse("é".repeat(6)).unwrap_err().code, "too_long");
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(faults(serde_json::json!({"colour": "red"})), [("slots".to_owned(), "missing")]);
        assert_eq!(faults(serde_json::json!([])), [("body".to_owned(), "wrong_type")]);
    }
}
