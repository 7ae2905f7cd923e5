//! Rotation: all secrets wrapped again with another master key, batch by batch, while others read and write.
//!
//! Interrupted anywhere, it goes on where it was: what is on the old key is known by its column. Nobody seals with the old
//! key meanwhile, since whoever seals asks the database which one is active, in the transaction of the secret.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sea_query::{Alias, CaseStatement, Expr, ExprTrait, LockType, Order, Query, SelectStatement};
use sqlx::FromRow;
use uuid::Uuid;

use super::envelope::{self, Place, RewrapError};
use super::key::{Key, KeyId, Purpose};
use super::key_error::KeyError;
use super::key_store::{self, ActiveKey};
use super::keyring::Keyring;
use super::{SecretColumn, SecretsError};
use crate::database::{Database, DatabaseError, Transaction};
use crate::domain::Timestamp;
use crate::locks::Lock;

/// Secrets wrapped in one transaction: enough to make it worth its while, few enough for writers not to wait for long.
const BATCH: u64 = 200;

/// Between two transactions.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

/// A rotation under way.
pub struct Rotation {
    database: Database,
    keyring: Keyring,
    columns: Vec<SecretColumn>,
    active: Key,
    /// The keys met so far.
    old: HashMap<String, Option<Key>>,
    progress: Progress,
}

/// How far a rotation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Secrets wrapped again.
    pub done: u64,
    /// Secrets that were to be wrapped again, when it began.
    pub of: u64,
    /// Secrets that could not be opened.
    pub damaged: u64,
}

/// What a rotation came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rotated {
    /// How far it got.
    pub progress: Progress,
    /// The keys that this database no longer needs.
    pub retired: Vec<String>,
}

#[derive(FromRow)]
struct SealedRow {
    id: Uuid,
    key: String,
    sealed: Vec<u8>,
}

#[derive(FromRow)]
struct Count {
    count: i64,
}

impl Rotation {
    /// Makes the next key active, or goes on with a rotation that broke off.
    pub async fn begin(
        database: &Database,
        keyring: &Keyring,
        columns: Vec<SecretColumn>,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let active = keyring.activate_next(database, now).await?;
        let mut rotation = Self {
            database: database.clone(),
            keyring: keyring.clone(),
            columns,
            active,
            old: HashMap::new(),
            progress: Progress::default(),
        };
        for column in rotation.columns.clone() {
            rotation.progress.of += rotation.left(column).await?;
        }
        Ok(rotation)
    }

    /// The key that all secrets are to be wrapped with.
    pub fn active(&self) -> &KeyId {
        self.active.id()
    }

    /// Wraps all secrets again, and tells after each batch how far it is. The old keys retire only if none is left on them.
    pub async fn run(mut self, mut tell: impl FnMut(Progress)) -> Result<Rotated, KeyError> {
        tell(self.progress);
        for column in self.columns.clone() {
            self.wrap_all(column, &mut tell).await?;
        }
        // In one transaction: nobody seals between the look and the change.
        let mut transaction = self.database.begin().await?;
        self.require_active(&mut transaction).await?;
        let mut left = false;
        for column in &self.columns {
            left |= !self.batch(&mut transaction, *column, Uuid::nil(), 1).await?.is_empty();
        }
        let retired = if left { Vec::new() } else { Keyring::retire(&mut transaction).await? };
        transaction.commit().await?;
        Ok(Rotated { progress: self.progress, retired })
    }

    /// Batch by batch, until there is none left.
    async fn wrap_all(
        &mut self,
        column: SecretColumn,
        tell: &mut impl FnMut(Progress),
    ) -> Result<(), KeyError> {
        let mut after = Uuid::nil();
        loop {
            let since = Instant::now();
            let Some(last) = self.wrap_batch(column, after).await? else { return Ok(()) };
            after = last;
            tell(self.progress);
            // Writers in other processes look for the lock only now and then: half of the time it is theirs.
            tokio::time::sleep(since.elapsed().max(SHORTEST_PAUSE)).await;
        }
    }

    /// Goes on only while the key is still the active one: another rotation may have ended this one and begun the next. Of
    /// several that go on with the same one, each finds what the others have left.
    async fn require_active(&self, transaction: &mut Transaction) -> Result<(), KeyError> {
        Lock::Keys.take(transaction).await?;
        let active: Option<ActiveKey> =
            transaction.fetch_optional(&key_store::active(Purpose::Master)).await?;
        if active.is_some_and(|active| active.is(&self.active)) { Ok(()) } else { Err(KeyError::Overtaken) }
    }

    /// One transaction. Answers the last row that it looked at, none at the end.
    async fn wrap_batch(&mut self, column: SecretColumn, after: Uuid) -> Result<Option<Uuid>, KeyError> {
        let mut transaction = self.database.begin().await?;
        self.require_active(&mut transaction).await?;
        let rows = self.batch(&mut transaction, column, after, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
        let mut wrapped = Vec::with_capacity(rows.len());
        for row in rows {
            match self.rewrap(column, &row).await? {
                Some(sealed) => wrapped.push((row.id, sealed)),
                None => self.progress.damaged += 1,
            }
        }
        self.progress.done += wrapped.len() as u64;
        self.store(&mut transaction, column, wrapped).await?;
        transaction.commit().await?;
        Ok(Some(last))
    }

    /// None, and a line in the log, for one that does not open.
    async fn rewrap(&mut self, column: SecretColumn, row: &SealedRow) -> Result<Option<Vec<u8>>, KeyError> {
        if !self.old.contains_key(&row.key) {
            let key = match KeyId::parse(&row.key) {
                Ok(id) => self.keyring.key(&id).await.ok(),
                Err(_) => None,
            };
            self.old.insert(row.key.clone(), key);
        }
        let Some(Some(old)) = self.old.get(&row.key) else {
            tracing::error!(table = column.table, row = %row.id, key = row.key, "a secret is on a key that is not at hand");
            return Ok(None);
        };
        match envelope::rewrap(old, &self.active, Place { column, row: row.id }, &row.sealed) {
            Ok(sealed) => Ok(Some(sealed)),
            Err(RewrapError::Damaged) => {
                tracing::error!(table = column.table, row = %row.id, key = row.key, "a secret cannot be decrypted");
                Ok(None)
            }
            Err(RewrapError::Seal(SecretsError::Random(error))) => Err(KeyError::Random(error)),
            Err(RewrapError::Seal(_)) => Ok(None),
        }
    }

    /// The next secrets that are not on the active key, locked where the engine locks rows.
    async fn batch(
        &self,
        transaction: &mut Transaction,
        column: SecretColumn,
        after: Uuid,
        limit: u64,
    ) -> Result<Vec<SealedRow>, DatabaseError> {
        let select = self
            .outdated(column)
            .column("id")
            .expr_as(Expr::col(key_column(column)), "key")
            .expr_as(Expr::col(sealed_column(column)), "sealed")
            .and_where(Expr::col("id").gt(after))
            .order_by("id", Order::Asc)
            .limit(limit)
            .lock(LockType::Update)
            .take();
        transaction.fetch_all(&select).await
    }

    /// One statement for all of a batch.
    async fn store(
        &self,
        transaction: &mut Transaction,
        column: SecretColumn,
        wrapped: Vec<(Uuid, Vec<u8>)>,
    ) -> Result<(), DatabaseError> {
        if wrapped.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = wrapped.iter().map(|(id, _)| *id).collect();
        let by_id = wrapped.into_iter().fold(CaseStatement::new(), |cases, (id, sealed)| {
            cases.case(Expr::col("id").eq(id), Expr::val(sealed))
        });
        let update = Query::update()
            .table(column.table)
            .value(key_column(column), self.active.id().as_str())
            .value(sealed_column(column), by_id)
            .and_where(Expr::col("id").is_in(ids))
            .take();
        transaction.execute(&update).await.map(drop)
    }

    async fn left(&self, column: SecretColumn) -> Result<u64, DatabaseError> {
        let count = self.outdated(column).expr_as(Expr::cust("COUNT(*)"), "count").take();
        let count = self.database.fetch_optional::<Count>(&count).await?;
        Ok(count.map_or(0, |row| row.count.unsigned_abs()))
    }

    fn outdated(&self, column: SecretColumn) -> SelectStatement {
        let on_another = Expr::col(key_column(column)).ne(self.active.id().as_str());
        Query::select().from(column.table).and_where(on_another).take()
    }
}

fn key_column(column: SecretColumn) -> Alias {
    Alias::new(format!("{}_key", column.field))
}

fn sealed_column(column: SecretColumn) -> Alias {
    Alias::new(format!("{}_sealed", column.field))
}
