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
            Self::Equal(value) if value.has_nul() => never(),
            Self::NotEqual(value) if value.has_nul() => key().is_not_null(),
            Self::Equal(value) => key().eq(value.clone()),
            Self::NotEqual(value) => key().ne(value.clone()),
            Self::Greater(value) => key().gt(value.clone()),
            Self::GreaterOrEqual(value) => key().gte(value.clone()),
            Self::Less(value) => key().lt(value.clone()),
            Self::LessOrEqual(value) => key().lte(value.clone()),
            Self::In(values) => {
                let values: Vec<Operand> = values.iter().filter(|value| !value.has_nul()).cloned().collect();
                if values.is_empty() { never() } else { key().is_in(values) }
            }
            Self::Between(low, high) => key().gte(low.clone()).and(key().lte(high.clone())),
            Self::Contains(part) => contains(field.folded_column(), part),
            Self::StartsWith(part) => like(field.folded_column(), part, format!("{}%", escaped(part))),
            Self::Empty(true) => is_empty(field),
            Self::Empty(false) => is_empty(field).not(),
        }
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
