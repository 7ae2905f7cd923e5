//! Criteria: which part of a list is asked for, in which order. Read from the query string, checked against the fields
//! that the view declares, turned into SQL here and nowhere else.

use std::marker::PhantomData;

use sea_query::{Expr, Order, SelectStatement};
use sqlx::FromRow;

use crate::database::{DatabaseError, Row};
use crate::problem::InvalidParameter;
use crate::uow::ReadUow;

/// The parameters that a list takes.
const PARAMETERS: &[&str] = &["limit", "offset", "sort"];
const DEFAULT_LIMIT: u64 = 25;
const MAX_LIMIT: u64 = 500;
/// Beyond it, skipping rows costs more than it is worth.
const MAX_OFFSET: u64 = 10_000;

/// A field of a list.
#[derive(PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name in the API.
    pub name: &'static str,
    /// The column to sort by.
    pub column: &'static str,
}

/// What can be asked of a list.
pub trait ListView {
    /// The fields it can be sorted by. The first one ascending is the order when none is asked for.
    const SORTABLE: &'static [Field];
    /// The column that tells rows apart where all else is equal, so that pages neither overlap nor leave gaps.
    const TIE_BREAKER: &'static str;
}

/// Which part of the list `V`, in which order.
#[derive(Clone, Debug)]
pub struct Criteria<V> {
    limit: u64,
    offset: u64,
    sort: Vec<(&'static Field, Order)>,
    view: PhantomData<fn() -> V>,
}

/// A part of a list, and how many there are in all.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many match in all.
    pub total: u64,
    /// How many were asked for at most.
    pub limit: u64,
    /// How many were skipped.
    pub offset: u64,
}

impl<V: ListView> Criteria<V> {
    /// Reads them from the pairs of a query string.
    pub fn parse(pairs: &[(String, String)]) -> Result<Self, InvalidParameter> {
        if let Some((unknown, _)) = pairs.iter().find(|(name, _)| !PARAMETERS.contains(&name.as_str())) {
            let message = format!("is unknown here; known are {}", PARAMETERS.join(", "));
            return Err(InvalidParameter::new(unknown, "unknown_parameter", message));
        }
        let value = |name: &str| -> Result<Option<&str>, InvalidParameter> {
            let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
            match (values.next(), values.next()) {
                (value, None) => Ok(value),
                _ => Err(InvalidParameter::new(name, "repeated", "must be given once")),
            }
        };
        Ok(Self {
            limit: integer("limit", value("limit")?, 1, MAX_LIMIT, DEFAULT_LIMIT)?,
            offset: integer("offset", value("offset")?, 0, MAX_OFFSET, 0)?,
            sort: value("sort")?.map_or_else(|| Ok(default_sort::<V>()), parse_sort::<V>)?,
            view: PhantomData,
        })
    }

    /// The rows of `select` that are asked for, with the count of all, in one statement: the two agree.
    pub async fn fetch<R: Row>(
        &self,
        select: SelectStatement,
        uow: &mut ReadUow,
    ) -> Result<Slice<R>, DatabaseError> {
        let count = select.clone().clear_selects().expr(Expr::cust("COUNT(*)")).take();
        let mut page = select;
        page.expr_as(Expr::SubQuery(None, Box::new(count.clone().into())), "total");
        for (field, order) in &self.sort {
            page.order_by(field.column, order.clone());
        }
        page.order_by(V::TIE_BREAKER, Order::Asc).limit(self.limit).offset(self.offset);
        let rows: Vec<Counted<R>> = uow.fetch_all(&page).await?;
        let total = match rows.first() {
            Some(row) => row.total,
            // Past the end no row is there to carry the count.
            None if self.offset > 0 => {
                let count = Expr::SubQuery(None, Box::new(count.into()));
                let select = sea_query::Query::select().expr_as(count, "total").take();
                uow.fetch_optional::<Total>(&select).await?.map_or(0, |row| row.total)
            }
            None => 0,
        };
        Ok(Slice {
            items: rows.into_iter().map(|row| row.row).collect(),
            total: u64::try_from(total).unwrap_or(0),
            limit: self.limit,
            offset: self.offset,
        })
    }
}

#[derive(FromRow)]
struct Counted<T> {
    #[sqlx(flatten)]
    row: T,
    total: i64,
}

#[derive(FromRow)]
struct Total {
    total: i64,
}

impl<T> Slice<T> {
    /// The same part of the list, of other items.
    pub fn map<U>(self, into: impl FnMut(T) -> U) -> Slice<U> {
        let Self { items, total, limit, offset } = self;
        Slice { items: items.into_iter().map(into).collect(), total, limit, offset }
    }

    /// The offset of the page before, if there is one.
    pub fn prev_offset(&self) -> Option<u64> {
        (self.offset > 0).then(|| self.offset.saturating_sub(self.limit))
    }

    /// The offset of the page after, if there is one that can be asked for.
    pub fn next_offset(&self) -> Option<u64> {
        let next = self.offset + self.limit;
        (next < self.total && next <= MAX_OFFSET).then_some(next)
    }
}

fn integer(
    name: &str,
    value: Option<&str>,
    min: u64,
    max: u64,
    default: u64,
) -> Result<u64, InvalidParameter> {
    let Some(value) = value else { return Ok(default) };
    let number = value.parse::<u64>().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| {
        let found = crate::fields::shortened(value);
        let message = format!("must be a whole number from {min} to {max}, not '{found}'");
        InvalidParameter::new(name, "out_of_range", message)
    })
}

fn default_sort<V: ListView>() -> Vec<(&'static Field, Order)> {
    V::SORTABLE.first().map(|field| (field, Order::Asc)).into_iter().collect()
}

/// `[{"name":"asc"}]`: one object for each field, the most significant first.
fn parse_sort<V: ListView>(text: &str) -> Result<Vec<(&'static Field, Order)>, InvalidParameter> {
    let invalid = |message: String| InvalidParameter::new("sort", "invalid_format", message);
    let shape = || invalid(r#"must be like [{"name":"asc"}]"#.to_owned());
    let keys: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(text).map_err(|_| shape())?;
    let mut sort: Vec<(&'static Field, Order)> = Vec::new();
    for key in &keys {
        let mut entries = key.iter();
        let (Some((name, direction)), None) = (entries.next(), entries.next()) else {
            return Err(shape());
        };
        let found = crate::fields::shortened(name);
        let field = V::SORTABLE.iter().find(|field| field.name == name).ok_or_else(|| {
            let known = V::SORTABLE.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
            invalid(format!("names the field '{found}'; it can be by {known}"))
        })?;
        if sort.iter().any(|(other, _)| *other == field) {
            return Err(invalid(format!("names the field '{found}' twice")));
        }
        let order = match direction.as_str() {
            Some("asc") => Order::Asc,
            Some("desc") => Order::Desc,
            _ => {
                return Err(invalid(format!(
                    "gives '{found}' a direction that is neither \"asc\" nor \"desc\""
                )));
            }
        };
        sort.push((field, order));
    }
    Ok(sort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Racks;

    impl ListView for Racks {
        const SORTABLE: &'static [Field] = &[Field { name: "name", column: "name_key" }];
        const TIE_BREAKER: &'static str = "id";
    }

    fn parse(pairs: &[(&str, &str)]) -> Result<Criteria<Racks>, String> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Criteria::parse(&pairs).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_25_from_the_start_by_the_first_field() {
        let criteria = parse(&[]).unwrap();
        assert_eq!((criteria.limit, criteria.offset, criteria.sort[0].0.name), (25, 0, "name"));
    }

    #[test]
    fn what_is_asked_for_is_taken() {
        let criteria =
            parse(&[("limit", "500"), ("offset", "10000"), ("sort", r#"[{"name":"desc"}]"#)]).unwrap();
        assert_eq!((criteria.limit, criteria.offset), (500, 10_000));
        assert_eq!(criteria.sort[0].1, Order::Desc);
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        for (name, value) in [
            ("limit", "0"),
            ("limit", "501"),
            ("limit", "-1"),
            ("limit", "ten"),
            ("offset", "10001"),
            ("sort", "name"),
            ("sort", r#"{"name":"asc"}"#),
            ("sort", r#"[{"name":"up"}]"#),
            ("sort", r#"[{"name":"asc","id":"asc"}]"#),
            ("sort", r#"[{"colour":"asc"}]"#),
            ("sort", r#"[{"name":"asc"},{"name":"desc"}]"#),
            ("page", "2"),
        ] {
            let message = parse(&[(name, value)]).unwrap_err();
            assert!(message.starts_with(name), "{name}={value}: {message}");
        }
        assert!(parse(&[("limit", "1"), ("limit", "2")]).unwrap_err().starts_with("limit"));
    }

    #[test]
    fn neighbouring_pages_are_named_where_they_exist() {
        let slice = |offset, total| Slice::<()> { items: vec![], total, limit: 10, offset };
        assert_eq!((slice(0, 5).prev_offset(), slice(0, 5).next_offset()), (None, None));
        assert_eq!((slice(5, 30).prev_offset(), slice(5, 30).next_offset()), (Some(0), Some(15)));
        assert_eq!(slice(20, 30).next_offset(), None);
        assert_eq!(slice(10_000, 20_000).next_offset(), None);
    }
}
