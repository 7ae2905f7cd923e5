//! Criteria: which part of a list is asked for, in which order, with what of it. Read from the query string, checked
//! against the fields that the view declares, turned into SQL here and nowhere else.

mod cursor;
mod evaluate;
mod field;
mod filter;
mod order;
mod parameters;
mod slice;
mod sql;

pub use field::{Field, Joined, Operand, Part, fold};
pub use filter::{Condition, Filter};
pub use slice::Slice;

use std::marker::PhantomData;

use sea_query::{Cond, Condition as SqlCondition, Expr, Query, SelectStatement};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use xxhash_rust::xxh3::xxh3_64;

use crate::database::{DatabaseError, Row};
use crate::problem::{Failure, Internal, InvalidParameter};
use crate::uow::ReadUow;
use cursor::Cursor;
use order::Sorting;
use parameters::Parameters;

/// Words of one search at most.
const MAX_WORDS: usize = 16;

/// What can be asked of a list: declared by the view that is listed.
pub trait ListView: Serialize {
    /// The fields it can be filtered by, and sorted by those that are sortable. The names are those in its JSON.
    const FIELDS: &'static [Field];
    /// The order when none is asked for: by this field, ascending unless [`Self::NEWEST_FIRST`].
    const DEFAULT_SORT: &'static Field;
    /// Whether that order is descending: of what people look at from its end.
    const NEWEST_FIRST: bool = false;
    /// The field that is unique, so that pages neither overlap nor leave gaps.
    const ID: &'static Field;
    /// What rows are ordered by that are equal in all that was asked for: unique together.
    const TIES: &'static [&'static Field] = &[Self::ID];
    /// The column that `q` searches: all that can be found, in lower case. Empty, where there is none: then `q` is unknown.
    const SEARCH_COLUMN: &'static str = "";
    /// The fields of parts that `q` searches, too.
    const SEARCHED_PARTS: &'static [&'static Field] = &[];
    /// The fields of its JSON that `fields` can choose from.
    const SHOWN: &'static [&'static str];

    /// Its JSON with all that it can be ordered by, shown or not.
    fn placed(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }
}

/// Which part of the list `V`, in which order, with what of it.
#[derive(Clone, Debug)]
pub struct Criteria<V> {
    filter: Filter,
    words: Vec<String>,
    sorting: Sorting,
    limit: u64,
    offset: Option<u64>,
    cursor: Option<Cursor>,
    fingerprint: u64,
    counts: bool,
    fields: Option<Vec<&'static str>>,
    view: PhantomData<fn() -> V>,
}

impl<V: ListView> Criteria<V> {
    /// Reads them from the pairs of a query string.
    pub fn parse(pairs: &[(String, String)]) -> Result<Self, InvalidParameter> {
        let parameters = Parameters::new(pairs, !V::SEARCH_COLUMN.is_empty())?;
        let filter = parameters.filter(V::FIELDS)?;
        let words: Vec<String> = parameters.words("q", MAX_WORDS)?;
        let sorting = match parameters.get("sort") {
            Some(text) => parameters.check("sort", Sorting::parse(text, V::FIELDS, V::TIES))?,
            None => Sorting::by(V::DEFAULT_SORT, !V::NEWEST_FIRST, V::TIES),
        };
        // What a cursor is bound to: the place of a row means nothing in another list.
        let fingerprint = xxh3_64(format!("{filter:?}{words:?}{sorting:?}").as_bytes());
        let accepts = |cursor: &Cursor| cursor.fingerprint == fingerprint && sorting.accepts(&cursor.place);
        let cursor = match parameters.get("cursor") {
            None => None,
            Some(text) => match Cursor::decode(text).map(|cursor| (accepts(&cursor), cursor)) {
                Some((true, cursor)) => Some(cursor),
                Some((false, _)) => {
                    let message = "belongs to another filter, search or order; begin anew without it";
                    return Err(InvalidParameter::new("cursor", "foreign_cursor", message));
                }
                None => {
                    let message = "must be next_cursor or prev_cursor of a page of this list";
                    return Err(InvalidParameter::new("cursor", "invalid_format", message));
                }
            },
        };
        Ok(Self {
            offset: parameters.offset(cursor.is_some())?,
            limit: parameters.limit()?,
            counts: parameters.counts()?,
            fields: parameters.fields(V::SHOWN)?,
            filter,
            words,
            sorting,
            cursor,
            fingerprint,
            view: PhantomData,
        })
    }

    /// Whether the field of this name is to be shown.
    pub fn shows(&self, field: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.contains(&field))
    }

    /// Whether the filter has a condition on the field of this name.
    pub fn filters_by(&self, field: &str) -> bool {
        self.filter.names(field)
    }

    /// Goes on only if this part of the rows is not asked for: for whoever may not know of it.
    pub fn refuse_part(&self, part: &str) -> Result<(), InvalidParameter> {
        let parameter = match &self.fields {
            _ if self.filters_by(part) => "filter",
            Some(fields) if fields.contains(&part) => "fields",
            _ => return Ok(()),
        };
        let message = format!("names the field '{part}', which is unknown");
        Err(InvalidParameter::new(parameter, "unknown_field", message))
    }

    /// Whether an object, in its JSON form, meets the filter.
    pub fn matches(&self, object: &Value) -> bool {
        self.filter.matches(object)
    }

    /// The rows of `select` within `scope` that are asked for, with the count of all in the same statement: the two agree.
    pub async fn fetch<R: Row + Into<V>>(
        &self,
        mut select: SelectStatement,
        scope: &Filter,
        uow: &mut ReadUow,
    ) -> Result<Slice<V>, Failure> {
        select.cond_where(scope.to_sql()).cond_where(self.filter.to_sql());
        for word in &self.words {
            select.cond_where(Self::with(word));
        }
        let count = select.clone().clear_selects().expr(Expr::cust("COUNT(*)")).take();
        let page = self.page(select, &count);
        let rows: Vec<Counted<R>> = uow.fetch_all(&page).await?;
        let total = match rows.first() {
            _ if !self.counts => None,
            Some(row) => row.total,
            // Past the end no row is there to carry the count.
            None if self.offset != Some(0) => fetch_count(count, uow).await?,
            None => Some(0),
        };
        self.slice(rows, total)
    }

    /// The rows in which a search finds this word.
    fn with(word: &str) -> SqlCondition {
        let own = Cond::any().add(sql::contains(Expr::col(V::SEARCH_COLUMN), word));
        V::SEARCHED_PARTS.iter().fold(own, |any, field| any.add(Filter::containing(field, word).to_sql()))
    }

    /// One row more than asked for: it tells whether there is a page after this one.
    fn page(&self, mut page: SelectStatement, count: &SelectStatement) -> SelectStatement {
        let total = if self.counts { scalar(count.clone()) } else { Expr::null() };
        page.expr_as(total, "total").limit(self.limit + 1);
        if let Some(cursor) = &self.cursor {
            page.cond_where(self.sorting.beyond(cursor));
        }
        self.sorting.apply(&mut page, self.goes_backwards());
        if let Some(offset) = self.offset {
            page.offset(offset);
        }
        page
    }

    fn slice<R: Into<V>>(&self, mut rows: Vec<Counted<R>>, total: Option<i64>) -> Result<Slice<V>, Failure> {
        let wanted = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > wanted;
        rows.truncate(wanted);
        let mut items: Vec<V> = rows.into_iter().map(|row| row.row.into()).collect();
        let came_from_elsewhere = self.cursor.is_some() || self.offset.is_some_and(|offset| offset > 0);
        let (has_prev, has_next) = if self.goes_backwards() {
            items.reverse();
            (has_more, came_from_elsewhere)
        } else {
            (came_from_elsewhere, has_more)
        };
        let prev = items.first().filter(|_| has_prev);
        let next = items.last().filter(|_| has_next);
        let mut prev_cursor = prev.map(|item| self.cursor_at(item, true)).transpose()?;
        let mut next_cursor = next.map(|item| self.cursor_at(item, false)).transpose()?;
        // Everything beyond this place is gone: the way back begins here.
        if let (Some(cursor), true) = (&self.cursor, items.is_empty()) {
            let way_back =
                Cursor { backwards: !cursor.backwards, inclusive: true, ..cursor.clone() }.encode();
            *(if cursor.backwards { &mut next_cursor } else { &mut prev_cursor }) = Some(way_back);
        }
        Ok(Slice {
            prev_cursor,
            next_cursor,
            total: total.map(|total| u64::try_from(total).unwrap_or(0)),
            limit: self.limit,
            offset: self.offset,
            has_next,
            fields: self.fields.clone(),
            items,
        })
    }

    fn goes_backwards(&self) -> bool {
        self.cursor.as_ref().is_some_and(|cursor| cursor.backwards)
    }

    fn cursor_at(&self, item: &V, backwards: bool) -> Result<String, Internal> {
        let json = item.placed().map_err(|error| Internal(error.to_string()))?;
        let place =
            self.sorting.place(&json).ok_or_else(|| Internal("a row has no place in its list".to_owned()))?;
        Ok(Cursor { place, backwards, inclusive: false, fingerprint: self.fingerprint }.encode())
    }
}

#[derive(FromRow)]
struct Counted<T> {
    #[sqlx(flatten)]
    row: T,
    total: Option<i64>,
}

#[derive(FromRow)]
struct Total {
    total: i64,
}

async fn fetch_count(count: SelectStatement, uow: &mut ReadUow) -> Result<Option<i64>, DatabaseError> {
    let select = Query::select().expr_as(scalar(count), "total").take();
    Ok(uow.fetch_optional::<Total>(&select).await?.map(|row| row.total))
}

fn scalar(select: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(select.into()))
}

#[cfg(test)]
mod tests;
