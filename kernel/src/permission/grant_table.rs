//! Grants, so that the one that covers an object is looked up rather than searched for: most conditions compare one field with
//! some values.

use std::hash::BuildHasher;
use std::sync::LazyLock;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use serde_json::Value;

use super::Grant;
use crate::criteria::{Field, Operand};

/// The same for all tables: a value is hashed once, and looked up in all that a caller has grants in.
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// Grants for one permission.
#[derive(Debug)]
pub(super) struct GrantTable {
    grants: Box<[Grant]>,
    /// The first without a condition.
    unconditional: Option<u32>,
    /// Those with values of the field that was named first: mostly there is no other, so it is here, without a detour.
    first: Option<ByValue>,
    /// Those with values of other fields.
    more: Box<[ByValue]>,
    /// Those with other conditions.
    others: Box<[u32]>,
}

/// Grants by the value of a field.
#[derive(Debug)]
struct ByValue {
    field: &'static Field,
    /// With each value, the first grant that wants it.
    grants: HashTable<(Operand, u32)>,
}

/// What an object has in the field that was looked at last, with its hash.
#[derive(Default)]
pub(super) struct Seen(Option<(&'static Field, Option<(u64, Operand)>)>);

impl GrantTable {
    pub(super) fn new(grants: Vec<Grant>) -> Self {
        let mut unconditional = None;
        let mut by_value: Vec<ByValue> = Vec::new();
        let mut others = Vec::new();
        for (position, grant) in (0..).zip(&grants) {
            match grant.condition.as_ref().map(|condition| condition.filter().as_values()) {
                None => unconditional = unconditional.or(Some(position)),
                Some(Some((field, values))) => ByValue::of(&mut by_value, field).enter(values, position),
                Some(None) => others.push(position),
            }
        }
        let mut by_value = by_value.into_iter();
        let (first, more) = (by_value.next(), by_value.collect());
        Self { grants: grants.into(), unconditional, first, more, others: others.into() }
    }

    pub(super) fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter()
    }

    pub(super) fn unconditional(&self) -> Option<&Grant> {
        self.get(self.unconditional?)
    }

    /// The grant that covers an object, if one does.
    pub(super) fn covering(&self, object: &Value, seen: &mut Seen) -> Option<&Grant> {
        let mut by_value = self.first.iter().chain(&self.more);
        let other = |position: &u32| self.get(*position).filter(|grant| grant.covers(object));
        self.unconditional()
            .or_else(|| by_value.find_map(|by_value| self.get(by_value.find(object, seen)?)))
            .or_else(|| self.others.iter().find_map(other))
    }

    fn get(&self, position: u32) -> Option<&Grant> {
        self.grants.get(position as usize)
    }
}

impl ByValue {
    /// The one of this field.
    fn of<'t>(all: &'t mut Vec<Self>, field: &'static Field) -> &'t mut Self {
        let index = all.iter().position(|known| known.field == field).unwrap_or(all.len());
        if index == all.len() {
            all.push(Self { field, grants: HashTable::new() });
        }
        &mut all[index]
    }

    /// The grant at this position wants one of these values.
    fn enter(&mut self, values: &[Operand], position: u32) {
        for value in values {
            let is_value = |(known, _): &(Operand, u32)| known == value;
            let entry = self.grants.entry(hash(value), is_value, |(known, _)| hash(known));
            entry.or_insert_with(|| (value.clone(), position));
        }
    }

    /// The position of the grant that wants what an object has in the field.
    fn find(&self, object: &Value, seen: &mut Seen) -> Option<u32> {
        let (hash, value) = seen.value(self.field, object)?;
        self.grants.find(*hash, |(known, _)| known == value).map(|(_, position)| *position)
    }
}

impl Seen {
    fn value(&mut self, field: &'static Field, object: &Value) -> Option<&(u64, Operand)> {
        if !self.0.as_ref().is_some_and(|(known, _)| std::ptr::eq(*known, field)) {
            self.0 = Some((field, field.stored(object).map(|value| (hash(&value), value))));
        }
        self.0.as_ref()?.1.as_ref()
    }
}

fn hash(value: &Operand) -> u64 {
    HASHES.hash_one(value)
}
