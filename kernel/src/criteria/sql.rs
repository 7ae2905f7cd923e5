//! Filters as SQL. Values are always bound, never part of the text.

use sea_query::{Cond, Condition as SqlCondition, Expr, ExprTrait, LikeExpr, Query};

use super::field::{Field, FieldKind, Operand};
use super::filter::{Condition, Filter};

/// Marks what is to be taken literally in a pattern. No backslash: engines differ in how they read one.
const ESCAPE: char = '!';

impl Filter {
    /// The condition that holds for just the rows whose objects match.
    pub fn to_sql(&self) -> SqlCondition {
        match self {
            Self::All(filters) => filters.iter().fold(Cond::all(), |all, filter| all.add(filter.to_sql())),
            // A disjunction of nothing holds for nothing; sea-query would leave it out.
            Self::Any(filters) if filters.is_empty() => Cond::all().add(never()),
            Self::Any(filters) => any_of(filters),
            Self::Field(field, condition) => Cond::all().add(condition.to_sql(field)),
            Self::Part { part, conditions, none } => {
                let owners = conditions.iter().fold(
                    Query::select().column(part.owner).from(part.table).take(),
                    |mut owners, (field, condition)| owners.and_where(condition.to_sql(field)).take(),
                );
                let id = Expr::col(part.id);
                Cond::all().add(if *none { id.not_in_subquery(owners) } else { id.in_subquery(owners) })
            }
        }
    }
}

/// How many conditions stand beside each other. Engines read `a OR b OR c` as `(a OR b) OR c`, each a level deeper, and take
/// just so many levels.
const BESIDE: usize = 32;

fn any_of(filters: &[Filter]) -> SqlCondition {
    if filters.len() <= BESIDE {
        return filters.iter().fold(Cond::any(), |any, filter| any.add(filter.to_sql()));
    }
    let group = filters.len().div_ceil(BESIDE);
    filters.chunks(group).fold(Cond::any(), |any, filters| any.add(any_of(filters)))
}

impl Condition {
    fn to_sql(&self, field: &Field) -> Expr {
        let key = || Expr::col(field.key_column());
        match self {
            Self::Equal(value) => equal(key(), value),
            Self::NotEqual(value) if value.before_nul().is_some() => key().is_not_null(),
            Self::NotEqual(value) => key().ne(value.clone()),
            Self::Greater(value) => greater(key(), value, false),
            Self::GreaterOrEqual(value) => greater(key(), value, true),
            Self::Less(value) => less(key(), value, false),
            Self::LessOrEqual(value) => less(key(), value, true),
            Self::In(values) => {
                let can_be = values.iter().filter(|value| value.before_nul().is_none());
                let values: Vec<Operand> = can_be.cloned().collect();
                if values.is_empty() { never() } else { key().is_in(values) }
            }
            Self::Between(low, high) => greater(key(), low, true).and(less(key(), high, true)),
            Self::Contains(part) => contains(field.folded_column(), part),
            Self::StartsWith(part) => like(field.folded_column(), part, format!("{}%", escaped(part))),
            Self::Empty(true) => is_empty(field),
            Self::Empty(false) => is_empty(field).not(),
        }
    }
}

/// Nothing that is stored equals a text with a NUL.
pub(super) fn equal(key: Expr, value: &Operand) -> Expr {
    if value.before_nul().is_some() { never() } else { key.eq(value.clone()) }
}

/// Greater, or equal where that will do, too. A text with a NUL comes right after what stands before the NUL, and before all else
/// that begins so.
pub(super) fn greater(key: Expr, value: &Operand, or_equal: bool) -> Expr {
    match value.before_nul() {
        Some(before) => key.gt(before),
        None if or_equal => key.gte(value.clone()),
        None => key.gt(value.clone()),
    }
}

/// Likewise.
pub(super) fn less(key: Expr, value: &Operand, or_equal: bool) -> Expr {
    match value.before_nul() {
        Some(before) => key.lte(before),
        None if or_equal => key.lte(value.clone()),
        None => key.lt(value.clone()),
    }
}

/// Whether `column`, which is in lower case, contains `part`, which is, too.
pub(super) fn contains(column: &'static str, part: &str) -> Expr {
    like(column, part, format!("%{}%", escaped(part)))
}

fn like(column: &'static str, part: &str, pattern: String) -> Expr {
    // Nothing that is stored has a NUL, and engines read it as the end of the pattern.
    if part.contains('\0') { never() } else { Expr::col(column).like(LikeExpr::new(pattern).escape(ESCAPE)) }
}

fn escaped(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for letter in part.chars() {
        if matches!(letter, '%' | '_' | ESCAPE) {
            escaped.push(ESCAPE);
        }
        escaped.push(letter);
    }
    escaped
}

fn is_empty(field: &Field) -> Expr {
    let is_null = Expr::col(field.column).is_null();
    match field.kind {
        FieldKind::Text | FieldKind::Name | FieldKind::OneOf(_) => is_null.or(Expr::col(field.column).eq("")),
        _ => is_null,
    }
}

/// Holds for no row.
pub(super) fn never() -> Expr {
    Expr::val(1).eq(0)
}
