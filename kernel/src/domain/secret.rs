//! Secrets: texts that are never shown.

use std::fmt;

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use secrecy::{ExposeSecret, SecretString};

use super::Invalid;
use crate::fields::{self, FieldErrors};

/// The longest secret, in characters: enough for a private key in PEM.
const MAX_LENGTH: usize = 8_192;

/// A password or the like. It is wiped from memory when dropped, its `Debug` does not show it, it has no `Serialize`, and
/// no `PartialEq`: how long a comparison takes would tell.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The text, if it has 1 to 8,192 characters. The error does not show it.
    pub fn parse(text: String) -> Result<Self, Invalid> {
        // Wrapped first: a text that is refused is wiped, too.
        let secret = Self(text.into());
        Invalid::unless_length(secret.expose(), 1, MAX_LENGTH)?;
        Ok(secret)
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Deserr<FieldErrors> for Secret {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        let text = fields::text(value, location)?;
        Self::parse(text).map_err(|invalid| FieldErrors::at(location, invalid))
    }
}

impl utoipa::PartialSchema for Secret {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .min_length(Some(1))
            .max_length(Some(MAX_LENGTH))
            .into()
    }
}

impl utoipa::ToSchema for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_shown() {
        let secret = Secret::parse("hunter2".to_owned()).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(secret.expose(), "hunter2");
        let refused = Secret::parse("hunter2".repeat(2_000)).unwrap_err();
        assert!(!refused.message.contains("hunter2"), "{refused}");
        assert_eq!(Secret::parse(String::new()).unwrap_err().code, "too_short");
    }
}
