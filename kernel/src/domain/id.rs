//! Typed ids: a UUIDv7 that cannot be taken for the id of something else.

/// Declares a typed id: `id!(/// Identifies a server. ServerId)`.
///
/// It is transparent to serde, SQL and OpenAPI: all of them see the UUID.
#[macro_export]
macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name($crate::glue::Uuid);

        impl From<$crate::glue::Uuid> for $name {
            fn from(uuid: $crate::glue::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for $crate::glue::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl $crate::glue::serde::Serialize for $name {
            fn serialize<S: $crate::glue::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::glue::serde::Serialize::serialize(&self.0, serializer)
            }
        }

        impl<'de> $crate::glue::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::glue::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as $crate::glue::serde::Deserialize>::deserialize(deserializer)?;
                $crate::glue::parse_uuid(&text).map(Self).map_err($crate::glue::serde::de::Error::custom)
            }
        }

        impl $crate::glue::deserr::Deserr<$crate::fields::FieldErrors> for $name {
            fn deserialize_from_value<V: $crate::glue::deserr::IntoValue>(
                value: $crate::glue::deserr::Value<V>,
                location: $crate::glue::deserr::ValuePointerRef<'_>,
            ) -> Result<Self, $crate::fields::FieldErrors> {
                let text = $crate::fields::text(value, location)?;
                $crate::glue::parse_uuid(&text).map(Self).map_err(|message| {
                    let invalid =
                        $crate::domain::Invalid { code: "invalid_format", message: message.to_owned() };
                    $crate::fields::FieldErrors::at(location, invalid)
                })
            }
        }

        impl From<$name> for $crate::glue::sea_query::Value {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        $crate::sql_transparent!($name as $crate::glue::Uuid);

        impl $crate::glue::utoipa::PartialSchema for $name {
            fn schema() -> $crate::glue::utoipa::openapi::RefOr<$crate::glue::utoipa::openapi::schema::Schema> {
                use $crate::glue::utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
                    .examples(["019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11"])
                    .into()
            }
        }

        impl $crate::glue::utoipa::ToSchema for $name {}
    };
}

/// Lets a newtype be read from a column of the type it wraps, on every engine.
#[doc(hidden)]
#[macro_export]
macro_rules! sql_transparent {
    ($name:ident as $inner:ty) => {
        impl<DB: $crate::glue::sqlx::Database> $crate::glue::sqlx::Type<DB> for $name
        where
            $inner: $crate::glue::sqlx::Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$inner as $crate::glue::sqlx::Type<DB>>::type_info()
            }

            fn compatible(ty: &DB::TypeInfo) -> bool {
                <$inner as $crate::glue::sqlx::Type<DB>>::compatible(ty)
            }
        }

        impl<'r, DB: $crate::glue::sqlx::Database> $crate::glue::sqlx::Decode<'r, DB> for $name
        where
            $inner: $crate::glue::sqlx::Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, $crate::glue::sqlx::error::BoxDynError> {
                <$inner as $crate::glue::sqlx::Decode<'r, DB>>::decode(value).map(Self)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    crate::id!(
        /// Identifies a probe.
        ProbeId
    );

    #[test]
    fn is_the_uuid_in_json() {
        let text = "\"019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11\"";
        let id: ProbeId = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), text);
    }

    #[test]
    fn refuses_what_is_no_uuid() {
        for bad in [
            "web-1",
            "019a9f3c7c1e7b529d3a2f6c1d0e4b11",
            "{019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11}",
            "urn:uuid:019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11",
        ] {
            assert!(serde_json::from_value::<ProbeId>(bad.into()).is_err(), "{bad}");
        }
    }
}
