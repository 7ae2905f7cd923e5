//! Migrations: each context brings its own, with a history of its own, so that contexts can be upgraded, and
//! leave, independently. sqlx's migrator does the work; see migrations/README.md for the rules.

mod error;
mod run;

use std::borrow::Cow;

use include_dir::Dir;
use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType};

pub use error::MigrationError;
pub(super) use run::on_sqlite;

use super::Engine;

/// What the table with the history of an owner begins with.
pub(super) const HISTORY: &str = "schema_migrations_";

/// The migrations of a context: a folder with one folder per engine, `<engine>/NNNN_name.sql`.
#[derive(Clone, Copy)]
pub struct Migrations {
    /// Whose they are: the name of the context, or `kernel`.
    pub owner: &'static str,
    /// The folder, compiled in.
    pub folder: &'static Dir<'static>,
}

/// A migration that was carried out just now, or is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Whose it is.
    pub owner: &'static str,
    /// Its number.
    pub version: i64,
    /// Its name.
    pub name: String,
}

impl Applied {
    fn new(owner: &'static str, migration: &Migration) -> Self {
        Self { owner, version: migration.version, name: migration.description.to_string() }
    }
}

impl Migrations {
    /// Those for an engine. An owner without any tables has none at all; one that has some for another engine only is
    /// not ready for this one.
    fn files(&self, engine: Engine) -> Result<Vec<Migration>, MigrationError> {
        let engine = engine.folder();
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
