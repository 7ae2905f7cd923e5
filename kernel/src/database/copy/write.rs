//! Rows, written into the target.

use sea_query::{Expr, InsertStatement, Query};

use super::CopyError;
use super::read::{Row, shown_key};
use crate::database::schema::{Column, Table};
use crate::database::{Database, Engine};

/// How many values a statement may have: SQLite takes least, 32,766.
const VALUES: usize = 30_000;

/// A batch of rows, in a transaction.
pub(super) async fn batch(database: &Database, table: &Table, rows: Vec<Row>) -> Result<(), CopyError> {
    let columns: Vec<&Column> = table.given().collect();
    let mut transaction = database.begin_maintenance().await?;
    for rows in rows.chunks(VALUES / columns.len().max(1)) {
        let insert = insert(database.engine(), table, &columns, rows)?;
        let shown = |row: Option<&Row>| row.map(|row| shown_key(table, row)).unwrap_or_default();
        let refused = |source| CopyError::Refused {
            table: table.name.clone(),
            rows: format!("from {} to {}", shown(rows.first()), shown(rows.last())),
            source,
        };
        transaction.execute(&insert).await.map_err(refused)?;
    }
    Ok(transaction.commit().await?)
}

fn insert(
    engine: Engine,
    table: &Table,
    columns: &[&Column],
    rows: &[Row],
) -> Result<InsertStatement, CopyError> {
    let mut insert = Query::insert();
    insert.into_table(table.name.clone()).columns(columns.iter().map(|column| column.name.clone()));
    for row in rows {
        let mut values = Vec::with_capacity(columns.len());
        for (column, value) in columns.iter().zip(row) {
            let misfit = |fault| CopyError::Value {
                table: table.name.clone(),
                key: shown_key(table, row),
                column: column.name.clone(),
                fault,
            };
            if engine == Engine::Postgres && value.has_nul() {
                return Err(misfit("has a character of number 0, which PostgreSQL does not have"));
            }
            values.push(Expr::val(value.clone().bound(column.kind).map_err(misfit)?));
        }
        insert.values_panic(values);
    }
    Ok(insert)
}

/// Has counters of the engine go on behind what was copied. Only PostgreSQL has such that do not look at that.
pub(super) async fn advance_counters(database: &Database, table: &Table) -> Result<(), CopyError> {
    for Column { name, .. } in table.columns.iter().filter(|column| column.counted) {
        let counter = format!("setval(pg_get_serial_sequence('{}', '{name}'), MAX(\"{name}\"))", table.name);
        let advance = Query::select().expr(Expr::cust(counter)).from(table.name.clone()).take();
        let mut transaction = database.begin_maintenance().await?;
        transaction.fetch_optional::<(Option<i64>,)>(&advance).await?;
        transaction.commit().await?;
    }
    Ok(())
}
