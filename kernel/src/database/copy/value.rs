//! Values on their way from one engine to another.

use std::fmt;

use sea_query::Value as Bound;
use sqlx::{ColumnIndex, Decode, Row, Type};
use uuid::Uuid;

use crate::database::schema::Kind;

/// A value, as SQLite keeps it, which tells least apart: yes is 1, an id is its bytes. So a value is the same wherever it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// The value of a column of this kind.
    pub(super) fn read<'r, R: Row>(row: &'r R, at: usize, kind: Kind) -> Result<Self, sqlx::Error>
    where
        usize: ColumnIndex<R>,
        i64: Decode<'r, R::Database> + Type<R::Database>,
        bool: Decode<'r, R::Database> + Type<R::Database>,
        String: Decode<'r, R::Database> + Type<R::Database>,
        Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
        Uuid: Decode<'r, R::Database> + Type<R::Database>,
    {
        let value = match kind {
            Kind::Integer => row.try_get::<Option<i64>, _>(at)?.map(Self::Integer),
            Kind::Boolean => row.try_get::<Option<bool>, _>(at)?.map(|yes| Self::Integer(yes.into())),
            Kind::Text => row.try_get::<Option<String>, _>(at)?.map(Self::Text),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.map(Self::Bytes),
            Kind::Id => row.try_get::<Option<Uuid>, _>(at)?.map(|id| Self::Bytes(id.into_bytes().into())),
        };
        Ok(value.unwrap_or(Self::Null))
    }

    /// The value for a column of this kind, null being of that kind, too; else why it does not fit.
    pub(super) fn bound(self, kind: Kind) -> Result<Bound, &'static str> {
        Ok(match (kind, self) {
            (Kind::Integer, Self::Null) => Bound::BigInt(None),
            (Kind::Integer, Self::Integer(value)) => value.into(),
            (Kind::Boolean, Self::Null) => Bound::Bool(None),
            (Kind::Boolean, Self::Integer(value @ 0..=1)) => (value == 1).into(),
            (Kind::Boolean, Self::Integer(_)) => return Err("is neither 0 nor 1"),
            (Kind::Text, Self::Null) => Bound::String(None),
            (Kind::Text, Self::Text(value)) => value.into(),
            (Kind::Bytes, Self::Null) => Bound::Bytes(None),
            (Kind::Bytes, Self::Bytes(value)) => value.into(),
            (Kind::Id, Self::Null) => Bound::Uuid(None),
            (Kind::Id, Self::Bytes(value)) => {
                Uuid::from_slice(&value).map_err(|_| "is an id, and does not have 16 bytes")?.into()
            }
            _ => return Err("is of another type"),
        })
    }

    /// Whether it is a text with a character of number 0, which PostgreSQL does not have.
    pub(super) fn has_nul(&self) -> bool {
        matches!(self, Self::Text(text) if text.contains('\0'))
    }

    /// Adds it to `bytes`, so that no two rows of values are the same bytes.
    pub(super) fn append_to(&self, bytes: &mut Vec<u8>) {
        let mut with_length = |tag, value: &[u8]| {
            bytes.push(tag);
            bytes.extend((value.len() as u64).to_le_bytes());
            bytes.extend(value);
        };
        match self {
            Self::Null => bytes.push(0),
            Self::Integer(value) => {
                bytes.push(1);
                bytes.extend(value.to_le_bytes());
            }
            Self::Text(value) => with_length(2, value.as_bytes()),
            Self::Bytes(value) => with_length(3, value),
        }
    }

    /// How much of it there is, about.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Integer(_) => size_of::<i64>(),
            Self::Text(value) => value.len(),
            Self::Bytes(value) => value.len(),
        }
    }
}

/// For people, who look for a row by its key.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Integer(value) => value.fmt(f),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::Bytes(value) => match Uuid::from_slice(value) {
                Ok(id) => id.fmt(f),
                Err(_) => value.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(row: &[Value]) -> Vec<u8> {
        let mut bytes = Vec::new();
        row.iter().for_each(|value| value.append_to(&mut bytes));
        bytes
    }

    #[test]
    fn rows_that_differ_are_other_bytes() {
        let text = |text: &str| Value::Text(text.to_owned());
        let rows = [
            vec![text("ab"), text("c")],
            vec![text("a"), text("bc")],
            vec![text(""), Value::Null],
            vec![Value::Null, text("")],
            vec![Value::Bytes(vec![]), Value::Null],
            vec![Value::Integer(0), Value::Null],
            vec![Value::Integer(-1), Value::Null],
            vec![Value::Null, Value::Null],
        ];
        for (at, one) in rows.iter().enumerate() {
            for (other_at, other) in rows.iter().enumerate() {
                assert_eq!(bytes(one) == bytes(other), at == other_at, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(Value::Integer(1).bound(Kind::Boolean), Ok(true.into()));
        assert_eq!(Value::Bytes(vec![0; 16]).bound(Kind::Id), Ok(Uuid::nil().into()));
        assert_eq!(Value::Null.bound(Kind::Id), Ok(Bound::Uuid(None)));
        for (value, kind) in [
            (Value::Integer(2), Kind::Boolean),
            (Value::Bytes(vec![0; 15]), Kind::Id),
            (Value::Text("1".to_owned()), Kind::Integer),
        ] {
            assert!(value.clone().bound(kind).is_err(), "{value:?}");
        }
        assert!(Value::Text("a\0b".to_owned()).has_nul());
    }

    #[test]
    fn keys_can_be_read() {
        assert_eq!(Value::Bytes(vec![0; 16]).to_string(), Uuid::nil().to_string());
        assert_eq!(Value::Bytes(vec![1, 255]).to_string(), "01ff");
        assert_eq!(Value::Text("a\"b".to_owned()).to_string(), "\"a\\\"b\"");
    }
}
