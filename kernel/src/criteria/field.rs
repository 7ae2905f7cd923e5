//! The fields of a list, as its view declares them: what they are called, what they are, where they are.

use std::fmt;

use sea_query::Value as SqlValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::domain::IpAddress;

/// A field of a list.
#[derive(PartialEq, Eq)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) kind: FieldKind,
    pub(super) column: &'static str,
    pub(super) folded: Option<&'static str>,
    pub(super) sortable: bool,
    pub(super) part: Option<&'static Part>,
    pub(super) joined: bool,
}

/// Objects that belong to the rows of a list, any number to each, in a table of their own.
#[derive(PartialEq, Eq, Debug)]
pub struct Part {
    /// The array in the JSON of the row.
    pub name: &'static str,
    /// The table.
    pub table: &'static str,
    /// The column of that table with the id of the row.
    pub owner: &'static str,
    /// The column of the list with that id.
    pub id: &'static str,
    /// A table that has more about each of the objects, if there is one.
    pub joined: Option<Joined>,
}

/// A table with a row for each object of a part; several objects may have the same one.
#[derive(PartialEq, Eq, Debug)]
pub struct Joined {
    /// The table.
    pub table: &'static str,
    /// The column that both tables have, and by which the row of an object is found.
    pub by: &'static str,
}

/// What a field is: decides what it can be compared with, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FieldKind {
    Text,
    /// A text that is compared and sorted without regard to case, by its folded column.
    Name,
    Integer,
    Boolean,
    Time,
    Id,
    /// Compared and sorted by its key column, in which addresses sort by number.
    Address,
    /// The part itself: is there any?
    Part,
    OneOf(&'static [&'static str]),
}

/// Its name: within a view there is one field of it. (Cursors are bound to a list by this text.)
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Field {
    /// A text, compared as it is; `folded` is a column with the same in lower case, for the operators that do not
    /// regard it.
    pub const fn text(name: &'static str, column: &'static str, folded: &'static str) -> Self {
        Self {
            name,
            kind: FieldKind::Text,
            column,
            folded: Some(folded),
            sortable: false,
            part: None,
            joined: false,
        }
    }

    /// A text that is compared and sorted without regard to case: `folded` is the column with it in lower case.
    pub const fn name(name: &'static str, column: &'static str, folded: &'static str) -> Self {
        Self {
            name,
            kind: FieldKind::Name,
            column,
            folded: Some(folded),
            sortable: false,
            part: None,
            joined: false,
        }
    }

    /// A whole number.
    pub const fn integer(name: &'static str, column: &'static str) -> Self {
        Self {
            name,
            kind: FieldKind::Integer,
            column,
            folded: None,
            sortable: false,
            part: None,
            joined: false,
        }
    }

    /// True or false.
    pub const fn boolean(name: &'static str, column: &'static str) -> Self {
        Self {
            name,
            kind: FieldKind::Boolean,
            column,
            folded: None,
            sortable: false,
            part: None,
            joined: false,
        }
    }

    /// A point in time.
    pub const fn time(name: &'static str, column: &'static str) -> Self {
        Self { name, kind: FieldKind::Time, column, folded: None, sortable: false, part: None, joined: false }
    }

    /// An id.
    pub const fn id(name: &'static str, column: &'static str) -> Self {
        Self { name, kind: FieldKind::Id, column, folded: None, sortable: false, part: None, joined: false }
    }

    /// One of a few texts.
    pub const fn one_of(name: &'static str, column: &'static str, values: &'static [&'static str]) -> Self {
        Self {
            name,
            kind: FieldKind::OneOf(values),
            column,
            folded: None,
            sortable: false,
            part: None,
            joined: false,
        }
    }

    /// An IP address; `key` is the column with its sort key.
    pub const fn address(name: &'static str, column: &'static str, key: &'static str) -> Self {
        Self {
            name,
            kind: FieldKind::Address,
            column,
            folded: Some(key),
            sortable: false,
            part: None,
            joined: false,
        }
    }

    /// A part as a whole: takes `em` alone.
    pub const fn any_of(part: &'static Part) -> Self {
        let column = part.owner;
        Self {
            name: part.name,
            kind: FieldKind::Part,
            column,
            folded: None,
            sortable: false,
            part: Some(part),
            joined: false,
        }
    }

    /// It is a field of the objects of a part: its name begins with that of the part.
    pub const fn of(self, part: &'static Part) -> Self {
        Self { part: Some(part), ..self }
    }

    /// Likewise, and its columns are in the joined table of the part.
    pub const fn of_joined(self, part: &'static Part) -> Self {
        Self { part: Some(part), joined: true, ..self }
    }

    /// The list can be sorted by it. Its column must not be null.
    pub const fn sortable(self) -> Self {
        Self { sortable: true, ..self }
    }

    /// Its name in the API; nested ones with dots.
    pub const fn api_name(&self) -> &'static str {
        self.name
    }

    /// The table with its columns, for a field of a part.
    pub(super) fn table(&self) -> Option<&'static str> {
        let part = self.part?;
        let joined = part.joined.as_ref().filter(|_| self.joined);
        Some(joined.map_or(part.table, |joined| joined.table))
    }

    /// The column that compares as the field does.
    pub(super) fn key_column(&self) -> &'static str {
        match (self.kind, self.folded) {
            (FieldKind::Name | FieldKind::Address, Some(key)) => key,
            _ => self.column,
        }
    }

    /// The column with the text in lower case, which that of an address always is.
    pub(super) fn folded_column(&self) -> &'static str {
        match (self.kind, self.folded) {
            (FieldKind::Address, _) | (_, None) => self.column,
            (_, Some(folded)) => folded,
        }
    }

    /// Whether it is searched as a text.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind, FieldKind::Text | FieldKind::Name | FieldKind::Address)
    }

    /// What an object, in its JSON form, has in this field; none if that is null or not there.
    pub(crate) fn stored(&self, object: &Value) -> Option<Operand> {
        match (self.kind, self.value(object)?) {
            // Whatever it is, it was allowed when it was stored.
            (FieldKind::OneOf(_), value) => value.as_str().map(|text| Operand::Text(text.to_owned())),
            (_, value) => self.operand(value).ok(),
        }
    }

    /// The JSON that an object has in this field, if it is there; the object is that of the part, for a field of one.
    pub(super) fn value<'v>(&self, object: &'v Value) -> Option<&'v Value> {
        let path = match self.part {
            Some(part) => self.name.trim_start_matches(part.name).trim_start_matches('.'),
            None => self.name,
        };
        path.split('.').try_fold(object, |value, name| value.get(name))
    }

    /// Whether a value is of the field's type.
    pub(super) fn accepts(&self, value: &Operand) -> bool {
        matches!(
            (self.kind, value),
            (FieldKind::Text | FieldKind::Name | FieldKind::Address | FieldKind::OneOf(_), Operand::Text(_))
                | (FieldKind::Integer | FieldKind::Time, Operand::Integer(_))
                | (FieldKind::Boolean, Operand::Boolean(_))
                | (FieldKind::Id, Operand::Id(_))
        )
    }

    /// Reads a value to compare the field with. An error says what it must be.
    pub(super) fn operand(&self, value: &Value) -> Result<Operand, String> {
        match (self.kind, value) {
            (FieldKind::Text, Value::String(text)) => Ok(Operand::Text(text.clone())),
            (FieldKind::Name, Value::String(text)) => Ok(Operand::Text(fold(text))),
            (FieldKind::Integer, value) => {
                whole_number(value).map(Operand::Integer).ok_or("a whole number of 64 bits".into())
            }
            (FieldKind::Boolean, Value::Bool(value)) => Ok(Operand::Boolean(*value)),
            (FieldKind::Time, Value::String(text)) => parse_time(text).ok_or("a time of RFC 3339".into()),
            (FieldKind::Id, Value::String(text)) => {
                Uuid::parse_str(text).map(Operand::Id).map_err(|_| "a UUID".to_owned())
            }
            (FieldKind::OneOf(values), Value::String(text)) => {
                let known = values.contains(&text.as_str());
                known
                    .then(|| Operand::Text(text.clone()))
                    .ok_or_else(|| format!("one of {}", values.join(", ")))
            }
            (FieldKind::Address, Value::String(text)) => IpAddress::parse(text)
                .map(|ip| Operand::Text(ip.sort_key()))
                .map_err(|_| "an IP address".to_owned()),
            (FieldKind::Text | FieldKind::Name, _) => Err("a text".into()),
            (FieldKind::Address, _) => Err("an IP address".into()),
            (FieldKind::Part, _) => Err("for em: the others take a field of it".into()),
            (FieldKind::Boolean, _) => Err("true or false".into()),
            (FieldKind::Time, _) => Err("a time of RFC 3339".into()),
            (FieldKind::Id, _) => Err("a UUID".into()),
            (FieldKind::OneOf(values), _) => Err(format!("one of {}", values.join(", "))),
        }
    }

    /// A value as it stands in a query string or in a comma-separated text.
    pub(super) fn operand_in_text(&self, text: &str) -> Result<Operand, String> {
        let value = match self.kind {
            FieldKind::Integer => text.trim().parse::<i64>().map_or(Value::Null, Value::from),
            FieldKind::Boolean => text.trim().parse::<bool>().map_or(Value::Null, Value::from),
            _ => Value::from(text),
        };
        self.operand(&value)
    }
}

/// A value to compare a field with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Operand {
    /// Microseconds since 1970, for a time.
    #[serde(rename = "i")]
    Integer(i64),
    /// In lower case, for a name.
    #[serde(rename = "t")]
    Text(String),
    /// True or false.
    #[serde(rename = "b")]
    Boolean(bool),
    /// An id.
    #[serde(rename = "u")]
    Id(Uuid),
}

impl Operand {
    /// Of a text with a NUL, what stands before that. No text that is stored has one, and not every engine takes one.
    pub(super) fn before_nul(&self) -> Option<Self> {
        match self {
            Self::Text(text) => text.split_once('\0').map(|(before, _)| Self::Text(before.to_owned())),
            _ => None,
        }
    }
}

impl From<Operand> for SqlValue {
    fn from(operand: Operand) -> Self {
        match operand {
            Operand::Integer(number) => number.into(),
            Operand::Text(text) => text.into(),
            Operand::Boolean(value) => value.into(),
            Operand::Id(id) => id.into(),
        }
    }
}

/// A text without regard to case: letter by letter, so that a part of a text folds to the same part of the folded text.
/// (`str::to_lowercase` looks at the neighbours of a Greek sigma.)
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// A number that is whole: as in JSON Schema, 4.0 is one.
fn whole_number(value: &Value) -> Option<i64> {
    let float = || value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15);
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and smaller than 2^53")]
    value.as_i64().or_else(|| float().map(|number| number as i64))
}

fn parse_time(text: &str) -> Option<Operand> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000).ok().map(Operand::Integer)
}
