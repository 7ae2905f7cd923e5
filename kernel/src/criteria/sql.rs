//! Filters as SQL. Values are always bound, never part of the text.

use sea_query::{Cond, Condition as SqlCondition, Expr, ExprTrait, LikeExpr, Query, SelectStatement};

use super::field::{Field, FieldKind, Operand, Part};
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
                let owners = owners(part, conditions);
                let id = Expr::col(part.id);
                Cond::all().add(if *none { id.not_in_subquery(owners) } else { id.in_subquery(owners) })
            }
        }
    }
}

/// The rows of the list with an object of this part that meets all of these conditions. The joined table comes first: it is the
/// small one, and engines that know nothing of that go through the large one if they are left the choice.
fn owners(part: &Part, conditions: &[(&'static Field, Condition)]) -> SelectStatement {
    let meets = |mut select: SelectStatement, joined: bool| {
        for (field, condition) in conditions.iter().filter(|(field, _)| field.joined == joined) {
            select.and_where(condition.to_sql(field));
        }
        select
    };
    let owners = Query::select().column((part.table, part.owner)).from(part.table).take();
    let mut owners = meets(owners, false);
    // Who asks for nothing of the other table need not look there.
    if let Some(joined) = part.joined.as_ref().filter(|_| conditions.iter().any(|(field, _)| field.joined)) {
        let rows = Query::select().column((joined.table, joined.by)).from(joined.table).take();
        owners.and_where(Expr::col((part.table, joined.by)).in_subquery(meets(rows, true)));
    }
    owners
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
        let key = || column(field, field.key_column());
        let folded = || column(field, field.folded_column());
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
            Self::Contains(part) => contains(folded(), part),
            Self::StartsWith(part) => like(folded(), part, format!("{}%", escaped(part))),
            Self::Empty(true) => is_empty(field),
            Self::Empty(false) => is_empty(field).not(),
        }
    }
}

/// A column of a field. Those of parts say of which table they are: others may have one of the same name.
fn column(field: &Field, column: &'static str) -> Expr {
    match field.table() {
        Some(table) => Expr::col((table, column)),
        None => Expr::col(column),
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
pub(super) fn contains(column: Expr, part: &str) -> Expr {
    like(column, part, format!("%{}%", escaped(part)))
}

fn like(column: Expr, part: &str, pattern: String) -> Expr {
    // Nothing that is stored has a NUL, and engines read it as the end of the pattern.
    if part.contains('\0') { never() } else { column.like(LikeExpr::new(pattern).escape(ESCAPE)) }
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
    let own = || column(field, field.column);
    match field.kind {
        FieldKind::Text | FieldKind::Name | FieldKind::OneOf(_) => own().is_null().or(own().eq("")),
        _ => own().is_null(),
    }
}

/// Holds for no row.
pub(super) fn never() -> Expr {
    Expr::val(1).eq(0)
}
