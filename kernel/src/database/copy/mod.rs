//! A database, copied into another one on whichever engine: all rows of all tables, as they are.
//!
//! The source is read in one snapshot, twice: first to know what is to come out, by a fingerprint of each table, then to copy it.
//! At the end the target is read, and must have the same fingerprints. Rows are copied in the order of their keys, in transactions
//! of a batch each; so what the target has is always a beginning of what the source has, and a copy that was interrupted goes on
//! behind the last key that it finds there. Meanwhile the target has the table [`marker::TABLE`], which keeps services away.

mod error;
mod fingerprint;
pub(super) mod marker;
mod prepare;
mod read;
mod tables;
mod value;
mod write;

use sea_query::{Expr, Query};

pub use error::CopyError;
pub use fingerprint::Fingerprint;

use super::connection::Connection;
use super::engine::Use;
use super::{Database, Migrations};
use read::{Reader, last_key};
use tables::Pair;

/// What a copy is about.
pub struct DatabaseCopy<'d> {
    /// The database to be copied.
    pub from: &'d Database,
    /// The one that it is copied into.
    pub to: &'d Database,
    /// The migrations of all contexts that there are.
    pub migrations: &'d [Migrations],
    /// Whether an unfinished copy in the target is thrown away, and all of it copied anew.
    pub restart: bool,
}

/// How far a copy is.
pub struct Progress<'p> {
    /// What is being done.
    pub step: Step,
    /// The table that it is done to.
    pub table: &'p str,
    /// How many of its rows are done.
    pub rows: u64,
    /// How many it has; none: that is just being counted.
    pub of: Option<u64>,
}

/// What is being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The source is read, to know what is to come out.
    Reading,
    /// Rows are copied.
    Copying,
    /// The target is read, to see whether it came out.
    Verifying,
}

/// A table that was copied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copied {
    /// Its name.
    pub table: String,
    /// What is in it, in the source and in the target.
    pub fingerprint: Fingerprint,
}

impl DatabaseCopy<'_> {
    /// Copies, or goes on with it; answers what there is in the end.
    pub async fn run(&self, mut report: impl FnMut(Progress<'_>)) -> Result<Vec<Copied>, CopyError> {
        let migrations = prepare::same_migrations(self).await?;
        let begin = self.from.engine().begin_snapshot().unwrap_or("BEGIN");
        let mut source = self.from.connection_after(Use::Read, begin).await?;
        let pairs = tables::pairs(&mut source, self.to).await?;
        let mut expected = Vec::new();
        for pair in &pairs {
            expected
                .push(fingerprint::of(&mut source, &pair.source, Step::Reading, None, &mut report).await?);
        }
        prepare::begin_or_go_on(self, &migrations, &pairs, &expected).await?;
        for (pair, expected) in pairs.iter().zip(&expected) {
            self.copy_table(&mut source, pair, expected.rows, &mut report).await?;
        }
        source.run("COMMIT", None).await?;
        source.put_back();

        for (pair, expected) in pairs.iter().zip(&expected) {
            self.verify(pair, *expected, &mut report).await?;
        }
        marker::remove(self.to).await?;
        let copied = |(pair, fingerprint): (Pair, _)| Copied { table: pair.source.name, fingerprint };
        Ok(pairs.into_iter().zip(expected).map(copied).collect())
    }

    async fn copy_table(
        &self,
        source: &mut Connection,
        pair: &Pair,
        of: u64,
        report: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), CopyError> {
        let mut target = self.to.acquire(Use::Write).await?;
        let last = last_key(&mut target, &pair.target).await?;
        target.put_back();
        let mut rows = if last.is_some() { count(self.to, pair).await? } else { 0 };
        let mut reader = Reader::after(&pair.source, last);
        loop {
            report(Progress { step: Step::Copying, table: &pair.source.name, rows, of: Some(of) });
            let batch = reader.next(source).await?;
            if batch.is_empty() {
                break;
            }
            rows += batch.len() as u64;
            write::batch(self.to, &pair.target, batch).await?;
        }
        write::advance_counters(self.to, &pair.target).await
    }

    async fn verify(
        &self,
        pair: &Pair,
        expected: Fingerprint,
        report: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), CopyError> {
        let table = &pair.target;
        let mut target = self.to.acquire(Use::Read).await?;
        let found = fingerprint::of(&mut target, table, Step::Verifying, Some(expected.rows), report).await?;
        target.put_back();
        if found != expected {
            return Err(CopyError::Mismatch { table: table.name.clone(), expected, found });
        }
        // A service that still runs on the source adds to it: its events, if nothing else.
        if count(self.from, pair).await? != expected.rows {
            return Err(CopyError::Changed { table: table.name.clone() });
        }
        Ok(())
    }
}

async fn count(database: &Database, pair: &Pair) -> Result<u64, CopyError> {
    let count = Query::select().expr(Expr::cust("COUNT(*)")).from(pair.source.name.clone()).take();
    let mut connection = database.acquire(Use::Read).await?;
    let count: Option<(i64,)> = connection.fetch_optional(&count, "", None).await?;
    connection.put_back();
    Ok(count.map_or(0, |(count,)| count.unsigned_abs()))
}
