//! The tables of the source, and which of the target each of them goes into.

use super::CopyError;
use crate::database::Database;
use crate::database::connection::Connection;
use crate::database::schema::{self, Table};

/// A table in both databases.
pub(super) struct Pair {
    pub(super) source: Table,
    pub(super) target: Table,
}

/// All of them, each behind those that it refers to.
pub(super) async fn pairs(source: &mut Connection, to: &Database) -> Result<Vec<Pair>, CopyError> {
    let sources = schema::read(source).await?;
    let targets = to.schema().await?;
    let missing = targets.iter().find(|target| sources.iter().all(|source| source.name != target.name));
    if let Some(Table { name, .. }) = missing {
        return Err(different(name, "the database to copy from does not have it"));
    }
    let mut pairs = Vec::new();
    for source in schema::parents_first(sources) {
        let target = targets.iter().find(|target| target.name == source.name).cloned();
        let target =
            target.ok_or_else(|| different(&source.name, "the database to copy into does not have it"))?;
        compare(&source, &target)?;
        pairs.push(Pair { source, target });
    }
    Ok(pairs)
}

/// Whether rows of the one can be rows of the other.
fn compare(source: &Table, target: &Table) -> Result<(), CopyError> {
    let columns = |table: &Table| -> Vec<_> {
        table.given().map(|column| (column.name.clone(), column.kind.stored())).collect()
    };
    let (given, taken) = (columns(source), columns(target));
    if given != taken {
        let names = |columns: Vec<(String, _)>| {
            columns.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
        };
        return Err(different(
            &source.name,
            &format!("it has the columns {} and {}", names(given), names(taken)),
        ));
    }
    match (source.key(), target.key()) {
        (Some(key), Some(other)) if key == other => Ok(()),
        _ => Err(different(&source.name, "it does not have the same primary key")),
    }
}

fn different(table: &str, difference: &str) -> CopyError {
    CopyError::Different { table: table.to_owned(), difference: difference.to_owned() }
}
