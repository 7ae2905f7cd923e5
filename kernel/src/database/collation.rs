//! How texts are compared: byte by byte, whatever the engine is set to, so that what is unique, equal or greater on one engine
//! is so on all. The program makes of texts what it wants compared otherwise, such as names in lower case.

use super::engine::Use;
use super::{Backend, Database, MigrationError};

/// On MariaDB.
pub(super) const OF_MARIADB: &str = "utf8mb4_nopad_bin";
/// On MySQL, which calls the same otherwise.
pub(super) const OF_MYSQL: &str = "utf8mb4_0900_bin";
/// On PostgreSQL.
const OF_POSTGRES: &str = "C";

/// The texts in unique indexes of ours.
const IN_MYSQL: &str = "SELECT DISTINCT CONCAT(columns.table_name, '.', columns.column_name), columns.collation_name \
    FROM information_schema.columns AS columns \
    JOIN information_schema.statistics AS indexes ON indexes.table_schema = columns.table_schema \
        AND indexes.table_name = columns.table_name AND indexes.column_name = columns.column_name \
    WHERE columns.table_schema = DATABASE() AND columns.collation_name IS NOT NULL \
        AND indexes.non_unique = 0 AND indexes.index_name LIKE 'ux|_%' ESCAPE '|'";

const IN_POSTGRES: &str = "SELECT tables.relname::text || '.' || columns.attname::text, collations.collname::text \
    FROM pg_index \
    JOIN pg_class AS indexes ON indexes.oid = pg_index.indexrelid \
    JOIN pg_class AS tables ON tables.oid = pg_index.indrelid \
    JOIN pg_attribute AS columns ON columns.attrelid = tables.oid AND columns.attnum = ANY (pg_index.indkey) \
    JOIN pg_collation AS collations ON collations.oid = columns.attcollation \
    WHERE tables.relnamespace = current_schema()::regnamespace \
        AND pg_index.indisunique AND indexes.relname LIKE 'ux|_%' ESCAPE '|'";

impl Database {
    /// Whether texts that are to be unique are compared as they should: somebody may have changed that, or made the tables.
    pub(super) async fn check_collations(&self) -> Result<(), MigrationError> {
        let (columns, allowed): (Vec<(String, String)>, &[&'static str]) = match &self.0.backend {
            Backend::Sqlite(_) => return Ok(()),
            Backend::MySql(pools) => {
                let mut lent = pools.of(Use::Read).acquire().await?;
                (sqlx::query_as(IN_MYSQL).fetch_all(lent.get()?).await?, &[OF_MARIADB, OF_MYSQL])
            }
            Backend::Postgres(pools) => {
                let mut lent = pools.of(Use::Read).acquire().await?;
                (sqlx::query_as(IN_POSTGRES).fetch_all(lent.get()?).await?, &[OF_POSTGRES])
            }
        };
        let wrong = columns.into_iter().find(|(_, collation)| !allowed.contains(&collation.as_str()));
        wrong.map_or(Ok(()), |(column, collation)| {
            Err(MigrationError::Collation { column, collation, expected: allowed[0] })
        })
    }
}
