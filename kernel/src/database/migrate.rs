//! Migrations: each context brings its own, with a history of its own, so that contexts can be upgraded, and
//! leave, independently. sqlx's migrator does the work; see migrations/README.md for the rules.

use std::borrow::Cow;

use include_dir::Dir;
use sea_query::{Expr, ExprTrait, LikeExpr, Query};
use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use thiserror::Error;

use super::{Backend, Database, DatabaseError};

/// What the table with the history of an owner begins with.
const HISTORY: &str = "schema_migrations_";

/// The migrations of a context: a folder with one folder per engine, `<engine>/NNNN_name.sql`.
#[derive(Clone, Copy)]
pub struct Migrations {
    /// Whose they are: the name of the context, or `kernel`.
    pub owner: &'static str,
    /// The folder, compiled in.
    pub folder: &'static Dir<'static>,
}

/// A migration that was carried out just now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Whose it is.
    pub owner: &'static str,
    /// Its number.
    pub version: i64,
    /// Its name.
    pub name: String,
}

/// Migrating failed: the message says why, and what to do. Nothing was changed where the engine can roll back.
#[derive(Debug, Error)]
pub enum MigrationError {
    /// The database has migrations that this program does not know.
    #[error(
        "the database has migration {version} of '{owner}', which this version of ServerTree does not know: it was \
         migrated by a later one. Run that one, or restore a backup from before"
    )]
    Newer {
        /// Whose it is.
        owner: &'static str,
        /// Its number.
        version: i64,
    },
    /// A migration that was carried out reads differently now.
    #[error(
        "migration {version} of '{owner}' was carried out in another wording than this program has. Migrations are \
         never edited: run the version of ServerTree that belongs to this database, or add a new migration"
    )]
    Edited {
        /// Whose it is.
        owner: &'static str,
        /// Its number.
        version: i64,
    },
    /// There are migrations, but not for this engine.
    #[error("'{owner}' has no migrations for {engine}: it cannot run on it")]
    NotFor {
        /// Whose are missing.
        owner: &'static str,
        /// The engine in use.
        engine: &'static str,
    },
    /// A file is not named `NNNN_name.sql`.
    #[error("the migration file '{0}' is not named NNNN_name.sql")]
    FileName(String),
    /// The engine refused.
    #[error("migrating '{owner}' failed: {source}. Nothing was changed")]
    Refused {
        /// Whose migrations were under way.
        owner: &'static str,
        /// Why.
        source: MigrateError,
    },
    /// The database cannot be used.
    #[error("migrating failed: {}. If another program holds the database, try again when it is done", crate::problem::chain(.0))]
    Database(#[from] DatabaseError),
}

impl Database {
    /// Brings the database up to date; answers what had to be done.
    ///
    /// On SQLite all of it is one transaction that takes the write lock first: processes that start together
    /// migrate once, and a failure leaves everything as it was.
    pub async fn migrate(&self, all: &[Migrations]) -> Result<Vec<Applied>, MigrationError> {
        match &self.0.backend {
            Backend::Sqlite(pools) => {
                let mut transaction = pools.begin().await?;
                let mut done = Vec::new();
                for migrations in all {
                    done.extend(run(migrations, "sqlite", &mut *transaction).await?);
                }
                transaction.commit().await.map_err(super::sqlite::classify)?;
                Ok(done)
            }
        }
    }
}

impl Database {
    /// Whose migrations were carried out here.
    pub async fn owners(&self) -> Result<Vec<String>, DatabaseError> {
        let tables: Vec<(String,)> = match &self.0.backend {
            Backend::Sqlite(_) => {
                let histories = Query::select()
                    .column("name")
                    .from("sqlite_master")
                    .and_where(
                        Expr::col("name")
                            .like(LikeExpr::new(format!("{}%", HISTORY.replace('_', "!_"))).escape('!')),
                    )
                    .take();
                self.fetch_all(&histories).await?
            }
        };
        let owner = |(table,): (String,)| table.strip_prefix(HISTORY).map(str::to_owned);
        Ok(tables.into_iter().filter_map(owner).collect())
    }
}

async fn run<C: Migrate>(
    migrations: &Migrations,
    engine: &'static str,
    connection: &mut C,
) -> Result<Vec<Applied>, MigrationError> {
    let owner = migrations.owner;
    let refused = |source| match source {
        MigrateError::VersionMissing(version) => MigrationError::Newer { owner, version },
        MigrateError::VersionMismatch(version) => MigrationError::Edited { owner, version },
        source => MigrationError::Refused { owner, source },
    };
    let mut migrator = Migrator::with_migrations(migrations.files(engine)?);
    let history = format!("{HISTORY}{owner}");
    migrator.dangerous_set_table_name(history.clone());
    connection.ensure_migrations_table(&history).await.map_err(refused)?;
    let before = connection.list_applied_migrations(&history).await.map_err(refused)?;
    migrator.run_direct(None, connection, false).await.map_err(refused)?;
    let is_new = |migration: &&Migration| before.iter().all(|applied| applied.version != migration.version);
    Ok(migrator
        .iter()
        .filter(is_new)
        .map(|migration| Applied {
            owner,
            version: migration.version,
            name: migration.description.to_string(),
        })
        .collect())
}

impl Migrations {
    /// Those for an engine. An owner without any tables has none at all; one that has some for another engine only is
    /// not ready for this one.
    fn files(&self, engine: &'static str) -> Result<Vec<Migration>, MigrationError> {
        let is_of_engine =
            |folder: &&Dir<'static>| folder.path().file_name().is_some_and(|name| name == engine);
        match self.folder.dirs().find(is_of_engine) {
            Some(folder) => folder.files().map(parse_file).collect(),
            None if self.folder.dirs().next().is_none() => Ok(Vec::new()),
            None => Err(MigrationError::NotFor { owner: self.owner, engine }),
        }
    }
}

fn parse_file(file: &'static include_dir::File<'static>) -> Result<Migration, MigrationError> {
    let bad_name = || MigrationError::FileName(file.path().display().to_string());
    let stem = file.path().file_stem().and_then(|stem| stem.to_str()).ok_or_else(bad_name)?;
    let (version, name) = stem.split_once('_').ok_or_else(bad_name)?;
    let version = version.parse().map_err(|_| bad_name())?;
    let sql = file.contents_utf8().ok_or_else(bad_name)?;
    let sql = AssertSqlSafe(sql).into_sql_str();
    Ok(Migration::new(version, Cow::Owned(name.to_owned()), MigrationType::Simple, sql, false))
}
