//! The engines have the same tables: columns, keys, indexes and references, but for what migrations/README.md and comments in
//! migrations name.

use servertree_kernel::database::{Database, Kind, Table};
use servertree_tests::{Engine, Program, TestDatabase, command, only_on};
use tempfile::TempDir;

/// Columns that may be null by what one engine says of them.
const NULLABLE: [&str; 1] = [
    // MariaDB takes no NOT NULL on a generated column.
    "servers.name_key",
];
/// Tables with a unique index in the place of a primary key: MariaDB and MySQL give a primary key no name.
const UNNAMED_KEYS: [&str; 2] = ["event_inbox", "idempotency_keys"];

#[tokio::test]
async fn tables_are_the_same_on_every_engine() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let mut schemas = Vec::new();
    for place in &TestDatabase::on_each(&folder.path().join("test.db")).await {
        let mut migrate = command(Program::Probe, folder.path());
        let migrated = migrate.arg("migrate").env("SERVERTREE_DATABASE__URL", place.url()).output().unwrap();
        assert!(migrated.status.success(), "{migrated:?}");
        let database: Database = place.open().await;
        schemas.push(lines(&database.schema().await.unwrap()));
        database.close().await;
    }
    let expected = &schemas[0];
    assert!(expected.len() > 100, "{expected:#?}");
    for schema in &schemas {
        let only = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|line| !other.contains(line)).cloned().collect()
        };
        let (missing, more) = (only(expected, schema), only(schema, expected));
        assert!(missing.is_empty() && more.is_empty(), "missing: {missing:#?}\nmore: {more:#?}");
        assert_eq!(expected, schema, "the order differs");
    }
}

/// A line for each fact.
fn lines(tables: &[Table]) -> Vec<String> {
    let mut lines = Vec::new();
    for table in tables {
        let name = &table.name;
        for column in &table.columns {
            let path = format!("{name}.{}", column.name);
            let kind = match column.kind {
                // SQLite cannot tell them from what they are kept as.
                Kind::Boolean => Kind::Integer,
                Kind::Id => Kind::Bytes,
                kind => kind,
            };
            let nullable = if NULLABLE.contains(&path.as_str()) {
                "as it is"
            } else if column.nullable {
                "yes"
            } else {
                "no"
            };
            lines.push(format!(
                "column {path}: {kind:?}, nullable: {nullable}, generated: {}",
                column.generated
            ));
        }
        lines.push(format!("key of {name}: {:?}", table.key()));
        for index in &table.indexes {
            let path = format!("{name}.{}", index.name);
            let is_key = Some(index.columns.as_slice()) == table.key() && index.unique;
            if !(UNNAMED_KEYS.contains(&name.as_str()) && is_key) {
                lines.push(format!("index {path}: {:?}, unique: {}", index.columns, index.unique));
            }
        }
        for reference in &table.references {
            lines.push(format!(
                "{name}.{} refers to {}.{}",
                reference.column, reference.table, reference.referenced
            ));
        }
    }
    lines
}
