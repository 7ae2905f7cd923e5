//! Requests that take effect once, however often they are sent: the `Idempotency-Key` header.
//!
//! The first one claims its key and stores its answer in the transaction of what it does; those that follow within a day get
//! that answer. Of a request that failed nothing is kept, so it can be sent again. Duplicates that come while the first one
//! is under way wait for it: in this process by taking turns, and else by the unique index of the claim.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sea_query::{Expr, ExprTrait, Iden, LockBehavior, LockType, Order, Query};
use serde_json::Value;
use sqlx::FromRow;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::database::DatabaseError;
use crate::domain::Timestamp;
use crate::fields::FieldError;
use crate::message::Message;
use crate::problem::{
    Failure, IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED, Internal, Problem, ProblemType,
};
use crate::secrets::{Secrets, SecretsError};
use crate::uow::{ReadUow, WriteUow};

/// How long an answer is kept.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a duplicate waits for the first one to end.
const WAIT: Duration = Duration::from_secs(5);

/// Expired answers that one claim deletes: more than it adds, so that they do not pile up.
const FORGOTTEN_AT_ONCE: u64 = 50;

const UNIQUE_SCOPE: &str = "ux_idempotency_keys_scope";

/// A request that is to take effect once. (No `Debug`: its payload may hold a password.)
pub struct OnceRequest {
    /// The key that its sender gave it.
    pub key: String,
    /// Its method and path: the same key elsewhere is another request.
    pub target: String,
    /// What it says, in a form that is the same for the same payload.
    pub payload: Vec<u8>,
}

/// What was answered, or is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The body, as JSON. It holds no secret: it is stored as it is.
    pub body: Vec<u8>,
    /// Whether it was given before.
    pub replayed: bool,
}

impl Answer {
    /// Its body.
    pub(crate) fn json(&self) -> Result<Value, Internal> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Internal(format!("a stored answer is no JSON: {error}")))
    }

    /// The same without the fields that `seen` does not have, and then without its `ETag`, which was of the whole.
    pub(crate) fn limited_to(self, seen: &Value) -> Result<Self, Failure> {
        let mut body = self.json()?;
        let Some(fields) = body.as_object_mut() else { return Ok(self) };
        let all = fields.len();
        fields.retain(|name, _| seen.get(name).is_some());
        if fields.len() == all {
            return Ok(self);
        }
        Ok(Self { etag: None, body: body.to_string().into_bytes(), ..self })
    }
}

/// A claim on a key.
pub(crate) struct Claim {
    scope: [u8; 32],
    payload: [u8; 32],
    expires_at: Timestamp,
    now: Timestamp,
}

/// Who is under way with which key, in this process.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<ByScope>>);

type ByScope = HashMap<[u8; 32], Weak<Turn<()>>>;

/// Why a request with a key is refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefused {
    /// The key stands for another request.
    #[error(
        "the Idempotency-Key was used with another payload; take another key, or send what was sent with it"
    )]
    Reused([FieldError; 1]),
    /// The first one did not end in time.
    #[error("a request with this Idempotency-Key is still under way; send it again later")]
    InProgress,
}

impl Problem for KeyRefused {
    fn problem(&self) -> &'static ProblemType {
        match self {
            Self::Reused(_) => &IDEMPOTENCY_KEY_REUSED,
            Self::InProgress => &IDEMPOTENCY_IN_PROGRESS,
        }
    }

    fn fields(&self) -> &[FieldError] {
        match self {
            Self::Reused(fields) => fields,
            Self::InProgress => &[],
        }
    }
}

#[derive(Iden, Clone, Copy)]
enum IdempotencyKeys {
    Table,
    Scope,
    Payload,
    Status,
    Location,
    Etag,
    Body,
    ExpiresAt,
}

#[derive(FromRow)]
struct Stored {
    payload: Vec<u8>,
    status: Option<i64>,
    location: Option<String>,
    etag: Option<String>,
    body: Option<Vec<u8>>,
}

impl Turns {
    /// Waits for whoever is under way with the same key.
    pub(crate) async fn take(&self, claim: &Claim) -> Result<OwnedMutexGuard<()>, KeyRefused> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.get(&claim.scope).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let new = Arc::new(Turn::new(()));
                turns.insert(claim.scope, Arc::downgrade(&new));
                new
            })
        };
        tokio::time::timeout(WAIT, turn.lock_owned()).await.map_err(|_| KeyRefused::InProgress)
    }
}

impl Claim {
    /// Hashed with a key: what people send does not stand in the table, nor can it be guessed from it.
    pub(crate) fn new(
        request: &OnceRequest,
        message: &Message,
        secrets: &dyn Secrets,
    ) -> Result<Self, SecretsError> {
        let OnceRequest { key, target, payload } = request;
        let scope = format!("{}\0{target}\0{key}", message.caller.subject());
        Ok(Self {
            scope: secrets.keyed_hash("idempotency scope", scope.as_bytes())?,
            payload: secrets.keyed_hash("idempotency payload", payload)?,
            expires_at: message.now.after(KEPT_FOR),
            now: message.now,
        })
    }

    /// The answer that was given before, if this request was.
    pub(crate) async fn answered(&self, uow: &mut ReadUow) -> Result<Option<Answer>, Failure> {
        let select = Query::select()
            .columns([
                IdempotencyKeys::Payload,
                IdempotencyKeys::Status,
                IdempotencyKeys::Location,
                IdempotencyKeys::Etag,
                IdempotencyKeys::Body,
            ])
            .from(IdempotencyKeys::Table)
            .and_where(Expr::col(IdempotencyKeys::Scope).eq(self.scope.to_vec()))
            .and_where(Expr::col(IdempotencyKeys::ExpiresAt).gt(self.now))
            .take();
        let Some(stored) = uow.fetch_optional::<Stored>(&select).await? else { return Ok(None) };
        if stored.payload != self.payload {
            let message = "was used with another payload".to_owned();
            let field = FieldError { field: "Idempotency-Key".to_owned(), code: "reused", message };
            return Err(KeyRefused::Reused([field]).into());
        }
        let (Some(status), Some(body)) =
            (stored.status.and_then(|status| u16::try_from(status).ok()), stored.body)
        else {
            return Err(Internal("a key of idempotency was stored without an answer".to_owned()).into());
        };
        Ok(Some(Answer { status, location: stored.location, etag: stored.etag, body, replayed: true }))
    }

    /// Claims the key, and forgets some of what is older than a day. Answers false if somebody else has it by now.
    /// Whoever has it and has not ended is waited for, by engines on which writers run side by side.
    pub(crate) async fn claim(&self, uow: &mut WriteUow) -> Result<bool, Failure> {
        self.forget_expired(uow).await?;
        let insert = Query::insert()
            .into_table(IdempotencyKeys::Table)
            .columns([IdempotencyKeys::Scope, IdempotencyKeys::Payload, IdempotencyKeys::ExpiresAt])
            .values_panic([self.scope.to_vec().into(), self.payload.to_vec().into(), self.expires_at.into()])
            .take();
        match uow.execute(&insert).await {
            Ok(_) => Ok(true),
            Err(error) if error.violates(UNIQUE_SCOPE) => Ok(false),
            Err(DatabaseError::Contended(_)) => Err(KeyRefused::InProgress.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// What stood under this key, and a few others each time: nobody has to wait while all that ever expired is deleted.
    /// What somebody else is at is left to them.
    async fn forget_expired(&self, uow: &mut WriteUow) -> Result<(), DatabaseError> {
        let expired = |scopes: Expr| {
            Query::select()
                .column(IdempotencyKeys::Scope)
                .from(IdempotencyKeys::Table)
                .and_where(Expr::col(IdempotencyKeys::ExpiresAt).lte(self.now))
                .and_where(scopes)
                .order_by(IdempotencyKeys::ExpiresAt, Order::Asc)
                .limit(FORGOTTEN_AT_ONCE)
                .take()
        };
        let own = Expr::col(IdempotencyKeys::Scope).eq(self.scope.to_vec());
        let own_expired = expired(own.clone()).lock(LockType::Update).take();
        let others = expired(own.not()).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).take();
        let mut scopes: Vec<(Vec<u8>,)> = uow.fetch_all(&own_expired).await?;
        scopes.extend(uow.fetch_all::<(Vec<u8>,)>(&others).await?);
        if scopes.is_empty() {
            return Ok(());
        }
        let delete = Query::delete()
            .from_table(IdempotencyKeys::Table)
            .and_where(Expr::col(IdempotencyKeys::Scope).is_in(scopes.into_iter().map(|(scope,)| scope)))
            .take();
        uow.execute(&delete).await.map(drop)
    }

    /// Stores the answer with the claim.
    pub(crate) async fn store(&self, answer: &Answer, uow: &mut WriteUow) -> Result<(), DatabaseError> {
        let update = Query::update()
            .table(IdempotencyKeys::Table)
            .value(IdempotencyKeys::Status, answer.status)
            .value(IdempotencyKeys::Location, answer.location.clone())
            .value(IdempotencyKeys::Etag, answer.etag.clone())
            .value(IdempotencyKeys::Body, answer.body.clone())
            .and_where(Expr::col(IdempotencyKeys::Scope).eq(self.scope.to_vec()))
            .take();
        uow.execute(&update).await.map(drop)
    }
}
