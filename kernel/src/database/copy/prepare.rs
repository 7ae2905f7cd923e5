//! Before anything is copied: whether the two databases belong together, and whether the target is free.

use sea_query::{Expr, ExprTrait, Order, Query};

use super::fingerprint::{self, Fingerprint};
use super::tables::Pair;
use super::{CopyError, DatabaseCopy, Step, marker};
use crate::database::connection::Connection;
use crate::database::engine::Use;
use crate::database::migrate::{self, HISTORY};
use crate::database::{Database, DatabaseError, Migrations, schema, sqlite};

/// Migrates the target like the source: by the migrations of those who have tables there.
pub(super) async fn same_migrations(copy: &DatabaseCopy<'_>) -> Result<Vec<Migrations>, CopyError> {
    let DatabaseCopy { from, to, migrations: all, .. } = copy;
    if from.is_unfinished_copy().await? {
        return Err(CopyError::UnfinishedSource);
    }
    let owners = from.owners().await?;
    if owners.is_empty() {
        return Err(CopyError::Nothing);
    }
    if let Some(owner) = owners.iter().find(|owner| all.iter().all(|known| known.owner != **owner)) {
        return Err(CopyError::UnknownOwner { owner: owner.clone() });
    }
    let migrations: Vec<Migrations> =
        all.iter().filter(|known| owners.iter().any(|owner| owner == known.owner)).copied().collect();
    if let Some(lacking) = from.pending(&migrations).await?.first() {
        return Err(CopyError::Older { owner: lacking.owner.to_owned(), version: lacking.version });
    }
    to.migrate_unguarded(&migrations).await?;
    // Those of contexts that the target alone has, too.
    for owner in to.owners().await? {
        if !owners.contains(&owner) || versions(from, &owner).await? != versions(to, &owner).await? {
            return Err(CopyError::Histories { owner });
        }
    }
    Ok(migrations)
}

async fn versions(database: &Database, owner: &str) -> Result<Vec<(i64,)>, CopyError> {
    let mut versions = Query::select();
    versions.column("version").from(format!("{HISTORY}{owner}")).and_where(Expr::col("success").eq(true));
    Ok(database.fetch_all(versions.order_by("version", Order::Asc)).await?)
}

/// Goes on with a copy that has the same to come out; else begins one, in a target that is free.
pub(super) async fn begin_or_go_on(
    copy: &DatabaseCopy<'_>,
    migrations: &[Migrations],
    pairs: &[Pair],
    expected: &[Fingerprint],
) -> Result<(), CopyError> {
    let to = copy.to;
    let is_marked = to.is_unfinished_copy().await?;
    if !is_marked {
        require_as_migrated(to, migrations, pairs).await?;
    }
    marker::create(to).await?;
    let mut transaction = to.begin_maintenance().await?;
    let noted = marker::read(&mut transaction).await?;
    if noted.is_empty() && is_marked {
        // It was made, and nothing done after that.
        require_as_migrated(to, migrations, pairs).await?;
    } else if !noted.is_empty() && !copy.restart {
        return same_as(&noted, pairs, expected);
    }
    for pair in pairs.iter().rev() {
        transaction.execute(&Query::delete().from_table(pair.target.name.clone()).take()).await?;
    }
    marker::write(&mut transaction, pairs, expected).await?;
    Ok(transaction.commit().await?)
}

fn same_as(
    noted: &[(String, i64, String)],
    pairs: &[Pair],
    expected: &[Fingerprint],
) -> Result<(), CopyError> {
    for (pair, expected) in pairs.iter().zip(expected) {
        let is_same = |(table, rows, checksum): &(String, i64, String)| {
            *table == pair.source.name
                && *rows == expected.rows.cast_signed()
                && *checksum == expected.to_string()
        };
        if !noted.iter().any(is_same) {
            return Err(CopyError::OtherCopy { table: pair.source.name.clone() });
        }
    }
    Ok(())
}

/// Whether the target has what migrations put in, and nothing else: the same as a new database, which is made for that in memory.
async fn require_as_migrated(
    to: &Database,
    migrations: &[Migrations],
    pairs: &[Pair],
) -> Result<(), CopyError> {
    let mut fresh = migrated_in_memory(migrations).await?;
    let tables = schema::read(&mut fresh).await?;
    for Pair { target, .. } in pairs {
        let Some(table) = tables.iter().find(|table| table.name == target.name) else { continue };
        let made = fingerprint::of(&mut fresh, table, Step::Reading, None, &mut |_| ()).await?;
        let mut connection = to.acquire(Use::Read).await?;
        let found = fingerprint::of(&mut connection, target, Step::Reading, None, &mut |_| ()).await?;
        connection.put_back();
        if made != found {
            return Err(CopyError::NotEmpty { table: target.name.clone() });
        }
    }
    Ok(())
}

async fn migrated_in_memory(migrations: &[Migrations]) -> Result<Connection, CopyError> {
    let pool = sqlite::in_memory().await.map_err(DatabaseError::from)?;
    let mut lent = pool.acquire().await.map_err(DatabaseError::from)?;
    migrate::on_sqlite(lent.get().map_err(DatabaseError::from)?, migrations).await?;
    Ok(Connection::Sqlite(lent))
}
