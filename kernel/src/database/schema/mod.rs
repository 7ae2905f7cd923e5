//! What tables a database has, told in the same words on every engine: columns, keys, indexes, and which table refers to which.

mod catalog;
mod order;

pub(super) use order::parents_first;

use super::connection::Connection;
use super::copy::marker;
use super::engine::Use;
use super::migrate::HISTORY;
use super::{Database, DatabaseError};

/// A table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// Its indexes, by name, the primary key among them.
    pub indexes: Vec<Index>,
    /// What it refers to, by column.
    pub references: Vec<Reference>,
}

/// A column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub kind: Kind,
    /// Whether that may be null.
    pub nullable: bool,
    /// Whether the engine makes it of other columns.
    pub generated: bool,
    /// Whether the engine counts it up by itself, with a counter that does not look at what was inserted.
    pub counted: bool,
}

/// What is in a column, as far as its engine tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// Yes or no. SQLite has 1 and 0.
    Boolean,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
    /// A UUID. SQLite has its bytes.
    Id,
}

/// An index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Index {
    /// Its name; `PRIMARY` for a primary key, whatever the engine calls it.
    pub name: String,
    /// Whether it refuses a second row.
    pub unique: bool,
    /// Its columns, in their order.
    pub columns: Vec<String>,
}

/// A foreign key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// The column that refers.
    pub column: String,
    /// The table that it refers to.
    pub table: String,
    /// The column there.
    pub referenced: String,
}

/// The name of every primary key, here.
const PRIMARY: &str = "PRIMARY";

impl Kind {
    /// What SQLite keeps it as: there it can be told from nothing else.
    #[must_use]
    pub const fn stored(self) -> Self {
        match self {
            Self::Boolean => Self::Integer,
            Self::Id => Self::Bytes,
            other => other,
        }
    }
}

impl Table {
    /// The columns that tell its rows apart: those of its primary key, else of a unique index in the place of one.
    pub fn key(&self) -> Option<&[String]> {
        let is_given = |name: &String| {
            self.columns.iter().any(|column| column.name == *name && !column.nullable && !column.generated)
        };
        let primary = self.indexes.iter().find(|index| index.name == PRIMARY);
        let in_its_place =
            || self.indexes.iter().find(|index| index.unique && index.columns.iter().all(is_given));
        primary.or_else(in_its_place).map(|index| index.columns.as_slice())
    }

    /// The columns that the engine does not make itself.
    pub fn given(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.generated)
    }
}

impl Database {
    /// The tables of this database, by name: all of them but the histories of migrations and the mark of an unfinished
    /// copy.
    pub async fn schema(&self) -> Result<Vec<Table>, DatabaseError> {
        let mut connection = self.acquire(Use::Read).await?;
        let tables = read(&mut connection).await?;
        connection.put_back();
        Ok(tables)
    }
}

/// The tables that a connection leads to, by name.
pub(super) async fn read(connection: &mut Connection) -> Result<Vec<Table>, DatabaseError> {
    let catalog = catalog::of(connection);
    let columns: Vec<(String, String, String, bool, bool, bool)> = connection.ask(catalog.columns).await?;
    let indexes: Vec<(String, String, bool, String)> = connection.ask(catalog.indexes).await?;
    let references: Vec<(String, String, String, String)> = connection.ask(catalog.references).await?;

    let mut tables: Vec<Table> = Vec::new();
    for (table, name, declared, nullable, generated, counted) in columns {
        if table.starts_with(HISTORY) || table == marker::TABLE {
            continue;
        }
        let kind = catalog::kind(&declared).ok_or_else(|| {
            let unknown = format!("the column {table}.{name} is a {declared}, which is no type of ours");
            DatabaseError::Other(sqlx::Error::Configuration(unknown.into()))
        })?;
        let column = Column { name, kind, nullable, generated, counted };
        match tables.last_mut().filter(|last| last.name == table) {
            Some(last) => last.columns.push(column),
            None => {
                tables.push(Table { name: table, columns: vec![column], indexes: vec![], references: vec![] })
            }
        }
    }
    for (table, name, unique, column) in indexes {
        let Some(table) = tables.iter_mut().find(|known| known.name == table) else { continue };
        match table.indexes.iter_mut().find(|index| index.name == name) {
            Some(index) => index.columns.push(column),
            None => table.indexes.push(Index { name, unique, columns: vec![column] }),
        }
    }
    for (table, column, parent, referenced) in references {
        let Some(table) = tables.iter_mut().find(|known| known.name == table) else { continue };
        table.references.push(Reference { column, table: parent, referenced });
    }
    Ok(sorted(tables))
}

/// In an order that does not depend on how the engine compares names.
fn sorted(mut tables: Vec<Table>) -> Vec<Table> {
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    for table in &mut tables {
        table.indexes.sort_by(|one, other| one.name.cmp(&other.name));
        table.references.sort_by(|one, other| one.column.cmp(&other.column));
    }
    tables
}
