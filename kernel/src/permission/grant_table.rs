//! Grants, so that the one that covers an object is looked up rather than searched for: most conditions compare one field with
//! some values.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use serde_json::Value;

use super::{Condition, Grant};
use crate::criteria::{Field, Operand};

/// A field, and what an object has in it.
pub(super) type Seen = Option<(&'static Field, Option<Operand>)>;

/// Grants for one permission.
#[derive(Debug)]
pub(super) struct GrantTable {
    grants: Box<[Grant]>,
    /// The first without a condition.
    unconditional: Option<u32>,
    /// By the value of a field, the first that wants it.
    by_value: Vec<(&'static Field, HashMap<Operand, u32, RandomState>)>,
    /// Those with other conditions.
    others: Vec<u32>,
}

impl GrantTable {
    pub(super) fn new(grants: Vec<Grant>) -> Self {
        let mut table =
            Self { grants: Box::default(), unconditional: None, by_value: Vec::new(), others: Vec::new() };
        for (position, grant) in (0..).zip(&grants) {
            table.enter(position, grant.condition.as_ref());
        }
        table.grants = grants.into();
        table
    }

    fn enter(&mut self, position: u32, condition: Option<&Condition>) {
        let Some(condition) = condition else {
            self.unconditional.get_or_insert(position);
            return;
        };
        let Some((field, values)) = condition.filter().as_values() else {
            self.others.push(position);
            return;
        };
        let index = match self.by_value.iter().position(|(known, _)| *known == field) {
            Some(index) => index,
            None => {
                self.by_value.push((field, HashMap::default()));
                self.by_value.len() - 1
            }
        };
        for value in values {
            self.by_value[index].1.entry(value.clone()).or_insert(position);
        }
    }

    pub(super) fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter()
    }

    pub(super) fn unconditional(&self) -> Option<&Grant> {
        self.get(self.unconditional?)
    }

    /// The grant that covers an object, if one does. `seen` is what the object has in the field that was looked at last.
    pub(super) fn covering(&self, object: &Value, seen: &mut Seen) -> Option<&Grant> {
        let mut by_value = |(field, grants): &(&'static Field, HashMap<Operand, u32, RandomState>)| {
            let value = match seen {
                Some((known, value)) if std::ptr::eq(*known, *field) => value,
                _ => &mut seen.insert((field, field.stored(object))).1,
            };
            self.get(*grants.get(value.as_ref()?)?)
        };
        let other = |position: &u32| self.get(*position).filter(|grant| grant.covers(object));
        self.unconditional()
            .or_else(|| self.by_value.iter().find_map(&mut by_value))
            .or_else(|| self.others.iter().find_map(other))
    }

    fn get(&self, position: u32) -> Option<&Grant> {
        self.grants.get(position as usize)
    }
}
