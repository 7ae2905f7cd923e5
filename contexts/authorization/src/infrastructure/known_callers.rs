//! Who a token stands for: looked up once, and remembered until that changes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};
use servertree_kernel::authentication::TokenVerifier;
use servertree_kernel::clock::Clock;
use servertree_kernel::domain::{Timestamp, Uuid};
use servertree_kernel::message::{Account, Caller, Proof};
use servertree_kernel::problem::Failure;
use servertree_kernel::secrets::Secrets;
use servertree_kernel::uow::Reads;
use sha2::{Digest, Sha256};
use shaku::Component;
use sqlx::FromRow;

use super::memory::{Known, Recollection};
use super::tables::{AuthorizationSessions, AuthorizationTokens, AuthorizationUsers};
use crate::application::access_tokens::{AccessTokens, Claims};
use crate::application::create_token::{TOKEN_PREFIX, TOKEN_USAGE};
use crate::application::note_token_uses::TokenUses;

/// Verifies access tokens and tokens for programs.
#[derive(Component)]
#[shaku(interface = TokenVerifier)]
pub struct KnownCallers {
    #[shaku(inject)]
    memory: Arc<dyn Recollection>,
    #[shaku(inject)]
    access_tokens: Arc<dyn AccessTokens>,
    #[shaku(inject)]
    secrets: Arc<dyn Secrets>,
    #[shaku(inject)]
    reads: Arc<dyn Reads>,
    #[shaku(inject)]
    uses: Arc<dyn TokenUses>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
}

/// A session or a token, with its user.
#[derive(FromRow)]
struct ProofRow {
    id: Uuid,
    user_id: Uuid,
    username: String,
    active: bool,
    expires_at: Timestamp,
    ends_or_reads: bool,
}

#[async_trait]
impl TokenVerifier for KnownCallers {
    async fn verify(&self, token: &str) -> Result<Option<Caller>, Failure> {
        let now = self.clock.now();
        let is_for_programs = token.starts_with(TOKEN_PREFIX);
        // The tokens themselves are not kept, not even in memory.
        let digest = match is_for_programs {
            true => self.secrets.keyed_hash(TOKEN_USAGE, token.as_bytes())?,
            false => Sha256::digest(token).into(),
        };
        let known = match self.memory.caller(&digest) {
            Some(known) => Some(known),
            None => {
                let lookup = self.memory.begin();
                let found = match is_for_programs {
                    true => self.find_token(&digest).await?,
                    false => self.find_session(token, now).await?,
                };
                if let Some(known) = &found {
                    self.memory.remember_caller(lookup, digest, known.clone());
                }
                found
            }
        };
        let Some(Known { caller, .. }) = known.filter(|known| now < known.until) else { return Ok(None) };
        if let Some(Account { proof: Proof::Token(id), .. }) = caller.account() {
            self.uses.note(id.into(), now);
        }
        Ok(Some(caller))
    }
}

impl KnownCallers {
    async fn find_session(&self, token: &str, now: Timestamp) -> Result<Option<Known>, Failure> {
        let Some(Claims { session, expires_at }) = self.access_tokens.verify(token, now).await? else {
            return Ok(None);
        };
        let row: Option<ProofRow> = self.reads.begin().fetch_optional(&session_of(session.into())).await?;
        // A closed session is none, whatever the token says.
        let row = row.filter(|row| row.active && !row.ends_or_reads);
        Ok(row.map(|row| {
            let until = Ord::min(expires_at, row.expires_at);
            // What lasts as long as its session is not renewed. (A token counts in seconds.)
            let lasts = row.expires_at.before(Duration::from_secs(1)) <= expires_at;
            Known { caller: row.caller(Proof::Session(row.id), (!lasts).then_some(until)), until }
        }))
    }

    async fn find_token(&self, hash: &[u8; 32]) -> Result<Option<Known>, Failure> {
        let row: Option<ProofRow> = self.reads.begin().fetch_optional(&token_of(hash)).await?;
        Ok(row.filter(|row| row.active).map(|row| {
            let caller = row.caller(Proof::Token(row.id), None);
            let caller = if row.ends_or_reads { caller.read_only() } else { caller };
            Known { caller, until: row.expires_at }
        }))
    }
}

impl ProofRow {
    fn caller(&self, proof: Proof, until: Option<Timestamp>) -> Caller {
        let account = Account { user: self.user_id, proof, until };
        Caller::with_account(self.username.as_str().into(), account)
    }
}

fn session_of(id: Uuid) -> SelectStatement {
    use AuthorizationSessions::{ClosedAt, ExpiresAt, Id, Table, UserId};
    let is_closed = Expr::col((Table, ClosedAt)).is_not_null();
    with_user(Expr::col((Table, UserId)), is_closed)
        .columns([(Table, Id), (Table, UserId), (Table, ExpiresAt)])
        .from(Table)
        .and_where(Expr::col((Table, Id)).eq(id))
        .take()
}

fn token_of(hash: &[u8; 32]) -> SelectStatement {
    use AuthorizationTokens::{ExpiresAt, Hash, Id, ReadOnly, Table, UserId};
    with_user(Expr::col((Table, UserId)), Expr::col((Table, ReadOnly)))
        .columns([(Table, Id), (Table, UserId), (Table, ExpiresAt)])
        .from(Table)
        .and_where(Expr::col((Table, Hash)).eq(hash.to_vec()))
        .take()
}

fn with_user(user_id: Expr, ends_or_reads: Expr) -> SelectStatement {
    use AuthorizationUsers::{Active, Id, Table, Username};
    Query::select()
        .columns([(Table, Username), (Table, Active)])
        .expr_as(ends_or_reads, "ends_or_reads")
        .inner_join(Table, Expr::col((Table, Id)).eq(user_id))
        .take()
}
