//! Tables, read in the order of their keys.

use futures_util::TryStreamExt;
use sea_query::{Cond, Expr, ExprTrait, Order, Query, SelectStatement, Value as Bound};
use sqlx::AssertSqlSafe;

use super::CopyError;
use super::value::Value;
use crate::database::DatabaseError;
use crate::database::connection::{Connection, with};
use crate::database::schema::{Column, Kind, Table};

/// How many rows are read at once, at most.
const ROWS: u64 = 500;
/// And how many bytes, about: a row more than that is read.
const BYTES: usize = 4 << 20;

/// The values of the columns that are given, in their order.
pub(super) type Row = Vec<Value>;

/// Reads a table, batch by batch.
pub(super) struct Reader<'t> {
    table: &'t Table,
    /// The key of the last row that was read.
    after: Option<Row>,
}

impl<'t> Reader<'t> {
    /// From behind the row of this key on.
    pub(super) fn after(table: &'t Table, key: Option<Row>) -> Self {
        Self { table, after: key }
    }

    /// The next rows; none: that was all.
    pub(super) async fn next(&mut self, connection: &mut Connection) -> Result<Vec<Row>, CopyError> {
        let mut select = ordered(self.table, Order::Asc);
        select.columns(self.table.given().map(|column| column.name.clone())).limit(ROWS);
        if let Some(after) = &self.after {
            select.cond_where(greater(self.table, after.clone())?);
        }
        let kinds: Vec<Kind> = self.table.given().map(|column| column.kind).collect();
        let rows = fetch(connection, &select, &kinds).await.map_err(|error| self.unreadable(error))?;
        self.after = rows.last().map(|last| key_of(self.table, last));
        Ok(rows)
    }

    fn unreadable(&self, error: DatabaseError) -> CopyError {
        let table = self.table.name.clone();
        let shown = |key: &Row| format!("of the {ROWS} behind {}", shown(self.table, key));
        let after = self.after.as_ref().map_or_else(|| format!("of the first {ROWS}"), shown);
        match error {
            source @ DatabaseError::Other(_) => CopyError::Unreadable { table, after, source },
            error => error.into(),
        }
    }
}

/// The greatest key in a table.
pub(super) async fn last_key(connection: &mut Connection, table: &Table) -> Result<Option<Row>, CopyError> {
    let select = ordered(table, Order::Desc).columns(keys(table).map(|key| key.name.clone())).limit(1).take();
    let kinds: Vec<Kind> = keys(table).map(|key| key.kind).collect();
    Ok(fetch(connection, &select, &kinds).await?.pop())
}

/// The values of a row that tell it apart.
pub(super) fn key_of(table: &Table, row: &Row) -> Row {
    let value = |key: &Column| {
        let at = table.given().position(|column| column.name == key.name);
        at.and_then(|at| row.get(at)).cloned().unwrap_or(Value::Null)
    };
    keys(table).map(value).collect()
}

/// The same, for people.
pub(super) fn shown_key(table: &Table, row: &Row) -> String {
    shown(table, &key_of(table, row))
}

fn shown(table: &Table, key: &Row) -> String {
    let pairs = keys(table).zip(key).map(|(column, value)| format!("{} {value}", column.name));
    pairs.collect::<Vec<_>>().join(", ")
}

fn keys(table: &Table) -> impl Iterator<Item = &Column> {
    let names = table.key().unwrap_or_default().iter();
    names.filter_map(|name| table.columns.iter().find(|column| column.name == *name))
}

fn ordered(table: &Table, order: Order) -> SelectStatement {
    let mut select = Query::select();
    select.from(table.name.clone());
    for key in keys(table) {
        select.order_by(key.name.clone(), order.clone());
    }
    select
}

/// Rows behind this key: `a >= 1 AND (a > 1 OR (a = 1 AND b > 2))`. Engines find the place of that in the index by its first part;
/// of `(a, b) > (1, 2)` MySQL makes a search through all.
fn greater(table: &Table, key: Row) -> Result<Cond, CopyError> {
    let columns: Vec<&Column> = keys(table).collect();
    let mut bounds: Vec<Bound> = Vec::new();
    for (column, value) in columns.iter().zip(key) {
        let misfit = |fault| CopyError::Different {
            table: table.name.clone(),
            difference: format!("a value of {} {fault}", column.name),
        };
        bounds.push(value.bound(column.kind).map_err(misfit)?);
    }
    let column = |at: usize| Expr::col(columns[at].name.clone());
    let mut greater: Option<Cond> = None;
    for (at, bound) in bounds.iter().enumerate().rev() {
        let mut this = Cond::any().add(column(at).gt(bound.clone()));
        if let Some(rest) = greater.take() {
            this = this.add(Cond::all().add(column(at).eq(bound.clone())).add(rest));
        }
        greater = Some(this);
    }
    let first = bounds.into_iter().next().map(|bound| column(0).gte(bound));
    Ok(Cond::all().add_option(first).add_option(greater))
}

/// Rows with columns of these kinds, as many as memory is meant for.
async fn fetch(
    connection: &mut Connection,
    select: &SelectStatement,
    kinds: &[Kind],
) -> Result<Vec<Row>, DatabaseError> {
    let (sql, values) = connection.build(select);
    let rows = with!(connection, lent => {
        lent.run(None, async |connection| {
            let mut stream = sqlx::query_with(AssertSqlSafe(sql), values).fetch(connection);
            let (mut rows, mut bytes) = (Vec::new(), 0);
            while bytes < BYTES && let Some(row) = stream.try_next().await? {
                let values = kinds.iter().enumerate().map(|(at, kind)| Value::read(&row, at, *kind));
                let row = values.collect::<Result<Row, sqlx::Error>>()?;
                bytes += row.iter().map(Value::size).sum::<usize>();
                rows.push(row);
            }
            Ok(rows)
        })
        .await
    });
    rows.map_err(Into::into)
}
