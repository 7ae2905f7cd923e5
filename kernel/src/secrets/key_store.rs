//! What the database knows of the keys.

use sea_query::{Expr, ExprTrait, Iden, LockType, Order, Query, SelectStatement};
use sqlx::FromRow;

use super::key::{Key, KeyId, Purpose};
use crate::database::{DatabaseError, Transaction};
use crate::domain::Timestamp;

#[derive(Iden, Clone, Copy)]
enum SecretKeys {
    Table,
    Id,
    Purpose,
    State,
    CheckValue,
    CreatedAt,
}

/// Where a key stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// New secrets are sealed, new tokens signed with it.
    Active,
    /// Some secrets still are sealed with it: a rotation is under way. Tokens that it signed still count.
    Retiring,
    /// No secret in this database is sealed with it. No token that it signed counts.
    Retired,
}

impl KeyState {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

/// A key as the database knows it.
#[derive(FromRow)]
pub(super) struct StoredKey {
    id: String,
    purpose: String,
    state: String,
    check_value: Vec<u8>,
    pub(super) created_at: Timestamp,
}

impl StoredKey {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn is_for(&self, purpose: Purpose) -> bool {
        self.purpose == purpose.as_str()
    }

    pub(super) fn is(&self, state: KeyState) -> bool {
        self.state == state.as_str()
    }

    pub(super) fn purpose(&self) -> &str {
        &self.purpose
    }

    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// Whether `key` is the one that this was made of.
    pub(super) fn is_key(&self, key: &Key) -> bool {
        self.id == key.id().as_str()
            && self.is_for(key.purpose())
            && self.check_value == key.check_value().as_slice()
    }
}

/// All keys, oldest first.
pub(super) async fn all(transaction: &mut Transaction) -> Result<Vec<StoredKey>, DatabaseError> {
    transaction.fetch_all(&select()).await
}

/// The same, for whoever only looks.
pub(super) fn select() -> SelectStatement {
    Query::select()
        .columns([
            SecretKeys::Id,
            SecretKeys::Purpose,
            SecretKeys::State,
            SecretKeys::CheckValue,
            SecretKeys::CreatedAt,
        ])
        .from(SecretKeys::Table)
        .order_by(SecretKeys::CreatedAt, Order::Asc)
        .order_by(SecretKeys::Id, Order::Asc)
        .take()
}

pub(super) async fn insert(
    transaction: &mut Transaction,
    key: &Key,
    state: KeyState,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    let insert = Query::insert()
        .into_table(SecretKeys::Table)
        .columns([
            SecretKeys::Id,
            SecretKeys::Purpose,
            SecretKeys::State,
            SecretKeys::CheckValue,
            SecretKeys::CreatedAt,
        ])
        .values_panic([
            key.id().as_str().into(),
            key.purpose().as_str().into(),
            state.as_str().into(),
            key.check_value().to_vec().into(),
            now.into(),
        ])
        .take();
    transaction.execute(&insert).await.map(drop)
}

pub(super) async fn set_state(
    transaction: &mut Transaction,
    id: &str,
    state: KeyState,
) -> Result<(), DatabaseError> {
    let update = Query::update()
        .table(SecretKeys::Table)
        .value(SecretKeys::State, state.as_str())
        .and_where(Expr::col(SecretKeys::Id).eq(id))
        .take();
    transaction.execute(&update).await.map(drop)
}

/// Selects the active key of a purpose. Where writers run side by side, a rotation waits for whoever reads it so.
pub(super) fn active(purpose: Purpose) -> SelectStatement {
    Query::select()
        .columns([SecretKeys::Id, SecretKeys::CheckValue])
        .from(SecretKeys::Table)
        .and_where(Expr::col(SecretKeys::Purpose).eq(purpose.as_str()))
        .and_where(Expr::col(SecretKeys::State).eq(KeyState::Active.as_str()))
        .lock(LockType::Share)
        .take()
}

/// The active key of a purpose.
#[derive(FromRow)]
pub(super) struct ActiveKey {
    id: String,
    check_value: Vec<u8>,
}

impl ActiveKey {
    pub(super) fn id(&self) -> Option<KeyId> {
        KeyId::parse(&self.id).ok()
    }

    /// Whether `key` is the one that this was made of.
    pub(super) fn is(&self, key: &Key) -> bool {
        self.id == key.id().as_str() && self.check_value == key.check_value().as_slice()
    }
}
