//! The order of a list, and the place of a row in it.

use sea_query::{Cond, Condition as SqlCondition, Expr, Order, SelectStatement};
use serde_json::Value;

use super::cursor::Cursor;
use super::field::{Field, Operand};
use super::sql;
use crate::json;

/// The fields to sort by, the most significant first; all together are unique.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sorting(Vec<(&'static Field, bool)>);

impl Sorting {
    /// Reads `[{"name":"asc"}]`, and adds the ties, so that the order is total.
    pub(super) fn parse(
        text: &str,
        fields: &'static [Field],
        ties: &[&'static Field],
    ) -> Result<Self, String> {
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
        Ok(Self::total(sorting, ties))
    }

    /// By one field.
    pub(super) fn by(field: &'static Field, ascending: bool, ties: &[&'static Field]) -> Self {
        Self::total(vec![(field, ascending)], ties)
    }

    /// Ties go on in the direction of what is before them: an index over both is good for both directions.
    fn total(mut sorting: Vec<(&'static Field, bool)>, ties: &[&'static Field]) -> Self {
        let ascending = sorting.last().is_none_or(|(_, ascending)| *ascending);
        for tie in ties {
            if sorting.iter().all(|(field, _)| field != tie) {
                sorting.push((tie, ascending));
            }
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
    /// greater in the second, and so on. That none is less in the first field follows from it, and is said all the same:
    /// by that, engines find the place in an index.
    pub(super) fn beyond(&self, cursor: &Cursor) -> SqlCondition {
        let last = self.0.len() - 1;
        let mut any = Cond::any();
        let mut bound = Cond::all();
        for (position, ((field, ascending), value)) in self.0.iter().zip(&cursor.place).enumerate() {
            let mut all = Cond::all();
            for ((equal, _), value) in self.0.iter().zip(&cursor.place).take(position) {
                all = all.add(sql::equal(Expr::col(equal.key_column()), value));
            }
            let key = Expr::col(field.key_column());
            let compare = if *ascending == cursor.backwards { sql::less } else { sql::greater };
            if position == 0 {
                bound = bound.add(compare(key.clone(), value, true));
            }
            any = any.add(all.add(compare(key, value, cursor.inclusive && position == last)));
        }
        bound.add(any)
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
