//! Where each engine tells what tables it has. The three say the same, in the same columns and the same order.

use super::Kind;
use crate::database::connection::Connection;

/// What to ask an engine for.
pub(super) struct Catalog {
    /// Table, column, declared type, whether it may be null, is generated, is counted by a counter of its own.
    pub(super) columns: &'static str,
    /// Table, index, whether it is unique, column.
    pub(super) indexes: &'static str,
    /// Table, column, table that it refers to, column there.
    pub(super) references: &'static str,
}

pub(super) fn of(connection: &Connection) -> Catalog {
    match connection {
        Connection::Sqlite(_) => SQLITE,
        Connection::MySql(_) => MYSQL,
        Connection::Postgres(_) => POSTGRES,
    }
}

/// What a type as its engine declares it holds; none: migrations have no such type.
pub(super) fn kind(declared: &str) -> Option<Kind> {
    let declared = declared.to_ascii_lowercase();
    let name = declared.split('(').next().unwrap_or_default();
    Some(match name {
        "tinyint" | "boolean" => Kind::Boolean,
        "integer" | "bigint" => Kind::Integer,
        "varchar" | "text" | "mediumtext" | "longtext" => Kind::Text,
        "binary" if declared == "binary(16)" => Kind::Id,
        "uuid" => Kind::Id,
        "blob" | "varbinary" | "mediumblob" | "longblob" | "bytea" => Kind::Bytes,
        _ => return None,
    })
}

/// Where a whole number is the primary key, it is the number of the row, never null, and without an index. AUTOINCREMENT looks at
/// what was inserted.
const SQLITE: Catalog = Catalog {
    columns: "SELECT tables.name, columns.name, columns.type, columns.\"notnull\" = 0 AND columns.pk = 0, \
            columns.hidden IN (2, 3), FALSE \
        FROM sqlite_master AS tables JOIN pragma_table_xinfo(tables.name) AS columns \
        WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY tables.name, columns.cid",
    indexes: "SELECT table_name, index_name, is_unique, column_name FROM ( \
            SELECT tables.name AS table_name, 'PRIMARY' AS index_name, TRUE AS is_unique, columns.name AS column_name, \
                columns.pk AS place \
            FROM sqlite_master AS tables JOIN pragma_table_xinfo(tables.name) AS columns \
            WHERE tables.type = 'table' AND columns.pk > 0 \
            UNION ALL \
            SELECT tables.name, indexes.name, indexes.\"unique\", columns.name, columns.seqno \
            FROM sqlite_master AS tables JOIN pragma_index_list(tables.name) AS indexes \
                JOIN pragma_index_info(indexes.name) AS columns \
            WHERE tables.type = 'table' AND indexes.origin <> 'pk') \
        ORDER BY table_name, index_name, place",
    references: "SELECT tables.name, columns.\"from\", columns.\"table\", columns.\"to\" \
        FROM sqlite_master AS tables JOIN pragma_foreign_key_list(tables.name) AS columns \
        WHERE tables.type = 'table' ORDER BY tables.name, columns.\"from\"",
};

/// AUTO_INCREMENT looks at what was inserted.
const MYSQL: Catalog = Catalog {
    columns: "SELECT CAST(columns.table_name AS CHAR), CAST(columns.column_name AS CHAR), \
            CAST(columns.column_type AS CHAR), columns.is_nullable = 'YES', \
            COALESCE(columns.generation_expression, '') <> '', FALSE \
        FROM information_schema.columns AS columns \
        JOIN information_schema.tables AS tables \
            ON tables.table_schema = columns.table_schema AND tables.table_name = columns.table_name \
        WHERE columns.table_schema = DATABASE() AND tables.table_type = 'BASE TABLE' \
        ORDER BY columns.table_name, columns.ordinal_position",
    indexes: "SELECT CAST(table_name AS CHAR), CAST(index_name AS CHAR), non_unique = 0, CAST(column_name AS CHAR) \
        FROM information_schema.statistics WHERE table_schema = DATABASE() \
        ORDER BY table_name, index_name, seq_in_index",
    references: "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(referenced_table_name AS CHAR), \
            CAST(referenced_column_name AS CHAR) \
        FROM information_schema.key_column_usage \
        WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL ORDER BY table_name, column_name",
};

const POSTGRES: Catalog = Catalog {
    columns: "SELECT tables.relname::text, columns.attname::text, format_type(columns.atttypid, NULL), \
            NOT columns.attnotnull, columns.attgenerated <> '', columns.attidentity <> '' \
        FROM pg_class AS tables JOIN pg_attribute AS columns ON columns.attrelid = tables.oid \
        WHERE tables.relnamespace = current_schema()::regnamespace AND tables.relkind = 'r' \
            AND columns.attnum > 0 AND NOT columns.attisdropped \
        ORDER BY tables.relname, columns.attnum",
    indexes: "SELECT tables.relname::text, CASE WHEN keys.indisprimary THEN 'PRIMARY' ELSE indexes.relname::text END, \
            keys.indisunique, columns.attname::text \
        FROM pg_index AS keys \
        JOIN pg_class AS indexes ON indexes.oid = keys.indexrelid \
        JOIN pg_class AS tables ON tables.oid = keys.indrelid \
        CROSS JOIN unnest(keys.indkey) WITH ORDINALITY AS places (number, place) \
        JOIN pg_attribute AS columns ON columns.attrelid = tables.oid AND columns.attnum = places.number \
        WHERE tables.relnamespace = current_schema()::regnamespace AND tables.relkind = 'r' \
        ORDER BY tables.relname, indexes.relname, places.place",
    references: "SELECT tables.relname::text, columns.attname::text, parents.relname::text, theirs.attname::text \
        FROM pg_constraint AS keys \
        JOIN pg_class AS tables ON tables.oid = keys.conrelid \
        JOIN pg_class AS parents ON parents.oid = keys.confrelid \
        CROSS JOIN unnest(keys.conkey, keys.confkey) AS places (number, referenced) \
        JOIN pg_attribute AS columns ON columns.attrelid = tables.oid AND columns.attnum = places.number \
        JOIN pg_attribute AS theirs ON theirs.attrelid = parents.oid AND theirs.attnum = places.referenced \
        WHERE keys.contype = 'f' AND tables.relnamespace = current_schema()::regnamespace \
        ORDER BY tables.relname, columns.attname",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_migrations_are_known() {
        for (declared, expected) in [
            ("INTEGER", Some(Kind::Integer)),
            ("bigint(20)", Some(Kind::Integer)),
            ("tinyint(1)", Some(Kind::Boolean)),
            ("binary(16)", Some(Kind::Id)),
            ("binary(32)", None),
            ("varchar(255)", Some(Kind::Text)),
            ("bytea", Some(Kind::Bytes)),
            ("double precision", None),
        ] {
            assert_eq!(kind(declared), expected, "{declared}");
        }
    }
}
