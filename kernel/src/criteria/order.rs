//! The order of a list, and the place of a row in it.

use sea_query::{Cond, Condition as SqlCondition, Expr, Order, SelectStatement};
use serde_json::Value;

use super::cursor::Cursor;
use super::field::{Field, Operand};
use super::sql;
use crate::json;

/// The fields to sort by, the most significant first; the last one is unique.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sorting(Vec<(&'static Field, bool)>);

impl Sorting {
    /// Reads `[{"name":"asc"}]`, and adds the id, so that the order is total.
    pub(super) fn parse(text: &str, fields: &'static [Field], id: &'static Field) -> Result<Self, String> {
        let shape = || r#"must be like [{"name":"asc"}]"#.to_owned();
        let json = json::parse(text.as_bytes()).map_err(|_| shape())?;
        let keys: Vec<serde_json::Map<String, Value>> = serde_json::from_value(json).map_err(|_| shape())?;
        let mut sorting = Vec::new();
        for key in &keys {
            let mut entries = key.iter();
            let (Some((name, direction)), None) = (entries.next(), entries.next()) else {
                return Err(shape());
            };
            let found = crate::fields::shortened(name);
            let sortable = || fields.iter().filter(|field| field.sortable);
            let field = sortable().find(|field| field.name == name).ok_or_else(|| {
                let known = sortable().map(|field| field.name).collect::<Vec<_>>().join(", ");
                format!("names the field '{found}'; it can be by {known}")
            })?;
            if sorting.iter().any(|(other, _)| *other == field) {
                return Err(format!("names the field '{found}' twice"));
            }
            match direction.as_str() {
                Some("asc") => sorting.push((field, true)),
                Some("desc") => sorting.push((field, false)),
                _ => return Err(format!("gives '{found}' a direction that is neither \"asc\" nor \"desc\"")),
            }
        }
        Ok(Self::total(sorting, id))
    }

    /// By one field, ascending.
    pub(super) fn by(field: &'static Field, id: &'static Field) -> Self {
        Self::total(vec![(field, true)], id)
    }

    fn total(mut sorting: Vec<(&'static Field, bool)>, id: &'static Field) -> Self {
        if sorting.iter().all(|(field, _)| *field != id) {
            sorting.push((id, true));
        }
        Self(sorting)
    }

    /// Sorts; `backwards` the other way round.
    pub(super) fn apply(&self, select: &mut SelectStatement, backwards: bool) {
        for (field, ascending) in &self.0 {
            let order = if *ascending == backwards { Order::Desc } else { Order::Asc };
            select.order_by(field.key_column(), order);
        }
    }

    /// The rows that come after the place of a cursor, or before it: greater in the first field, or equal in it and
    /// greater in the second, and so on.
    pub(super) fn beyond(&self, cursor: &Cursor) -> SqlCondition {
        let last = self.0.len() - 1;
        let mut any = Cond::any();
        for (position, ((field, ascending), value)) in self.0.iter().zip(&cursor.place).enumerate() {
            let mut all = Cond::all();
            for ((equal, _), value) in self.0.iter().zip(&cursor.place).take(position) {
                all = all.add(sql::equal(Expr::col(equal.key_column()), value));
            }
            let key = Expr::col(field.key_column());
            let greater = *ascending != cursor.backwards;
            let inclusive = cursor.inclusive && position == last;
            let compared = match greater {
                true => sql::greater(key, value, inclusive),
                false => sql::less(key, value, inclusive),
            };
            any = any.add(all.add(compared));
        }
        any
    }

    /// The place of an object, in its JSON form.
    pub(super) fn place(&self, object: &Value) -> Option<Vec<Operand>> {
        self.0.iter().map(|(field, _)| field.stored(object)).collect()
    }

    /// Whether these values can be a place in this order.
    pub(super) fn accepts(&self, place: &[Operand]) -> bool {
        place.len() == self.0.len()
            && self.0.iter().zip(place).all(|((field, _), value)| field.accepts(value))
    }
}
