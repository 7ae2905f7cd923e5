//! The mark of an unfinished copy: a table in the target that has what is to come out. It is no migration, as it is there only until
//! the copy is done.

use sea_query::{Query, SelectStatement};

use super::fingerprint::Fingerprint;
use super::tables::Pair;
use crate::database::engine::Use;
use crate::database::transaction::Transaction;
use crate::database::{Database, DatabaseError};

/// Its name.
pub(in crate::database) const TABLE: &str = "database_copy";

const CREATE: &str = "CREATE TABLE IF NOT EXISTS database_copy (table_name VARCHAR(255) NOT NULL PRIMARY KEY, \
    row_count BIGINT NOT NULL, checksum VARCHAR(32) NOT NULL)";

const COLUMNS: [&str; 3] = ["table_name", "row_count", "checksum"];

/// Makes it, without anything in it, where it is not.
pub(super) async fn create(database: &Database) -> Result<(), DatabaseError> {
    database.connection_after(Use::Write, CREATE).await?.put_back();
    Ok(())
}

/// Drops it: the copy is done.
pub(super) async fn remove(database: &Database) -> Result<(), DatabaseError> {
    database.connection_after(Use::Write, "DROP TABLE IF EXISTS database_copy").await?.put_back();
    Ok(())
}

/// What is in it: tables, with their rows and checksums.
pub(super) async fn read(transaction: &mut Transaction) -> Result<Vec<(String, i64, String)>, DatabaseError> {
    let all: SelectStatement = Query::select().columns(COLUMNS).from(TABLE).take();
    transaction.fetch_all(&all).await
}

/// Notes what is to come out.
pub(super) async fn write(
    transaction: &mut Transaction,
    pairs: &[Pair],
    expected: &[Fingerprint],
) -> Result<(), DatabaseError> {
    transaction.execute(&Query::delete().from_table(TABLE).take()).await?;
    let mut insert = Query::insert().into_table(TABLE).columns(COLUMNS).take();
    for (pair, expected) in pairs.iter().zip(expected) {
        let rows = expected.rows.cast_signed();
        insert.values_panic([pair.source.name.clone().into(), rows.into(), expected.to_string().into()]);
    }
    transaction.execute(&insert).await?;
    Ok(())
}

impl Database {
    /// Whether it is an unfinished copy of another one.
    pub(in crate::database) async fn is_unfinished_copy(&self) -> Result<bool, DatabaseError> {
        Ok(self.tables_beginning_with(TABLE).await?.iter().any(|table| table == TABLE))
    }
}
