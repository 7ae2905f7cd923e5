//! A token for programs.

use std::time::Duration;

use deserr::Deserr;
use servertree_kernel::domain::{Aggregate, Invalid, Recorder, Timestamp, Uuid};
use servertree_kernel::fields::FieldErrors;
use utoipa::ToSchema;

use super::{TokenHash, TokenId, TokenName, UserId, Username};

/// A token: the aggregate.
#[derive(Clone, Debug)]
pub struct Token {
    state: TokenState,
    recorder: Recorder<TokenEvent>,
}

/// All there is to know about a token.
#[derive(Clone, Debug)]
pub struct TokenState {
    pub id: TokenId,
    pub user: UserId,
    pub username: Username,
    pub name: TokenName,
    pub hash: TokenHash,
    pub read_only: bool,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What people say about a token.
#[derive(Clone, PartialEq, Eq, Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
#[schema(example = json!({"name": "backup job", "read_only": true, "expires_at": "2027-01-31T10:00:00Z"}))]
pub struct TokenDraft {
    /// What it is for.
    pub name: TokenName,
    /// Whether it is good for looking only.
    #[deserr(default)]
    #[schema(default = false)]
    pub read_only: bool,
    /// Until when it is good: up to a year from now; 90 days, if it is not said.
    #[deserr(default)]
    pub expires_at: Option<Timestamp>,
}

/// What happens to a token, as only this context knows it; [`crate::events`] makes the public events of it.
#[derive(Clone, Debug)]
pub enum TokenEvent {
    Created { user: UserId, username: Username, name: TokenName, read_only: bool, expires_at: Timestamp },
    Removed { user: UserId, username: Username, name: TokenName },
}

impl Token {
    /// How long a token is good, if nobody says.
    const USUAL_LIFE: Duration = Duration::from_hours(90 * 24);
    /// How long a token is good at most.
    const LONGEST_LIFE: Duration = Duration::from_hours(366 * 24);

    /// A new token.
    pub fn create(
        id: TokenId,
        (user, username): (UserId, Username),
        draft: TokenDraft,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Self, Invalid> {
        let TokenDraft { name, read_only, expires_at } = draft;
        let expires_at = expires_at.unwrap_or_else(|| now.after(Self::USUAL_LIFE));
        let latest = now.after(Self::LONGEST_LIFE);
        if expires_at <= now || latest < expires_at {
            let message = format!("must be a time from now on, and until {latest}");
            return Err(Invalid { code: "out_of_range", message });
        }
        let mut recorder = Recorder::new();
        let (username_, name_) = (username.clone(), name.clone());
        recorder.record(TokenEvent::Created {
            user,
            username: username_,
            name: name_,
            read_only,
            expires_at,
        });
        let state = TokenState { id, user, username, name, hash, read_only, created_at: now, expires_at };
        Ok(Self { state, recorder })
    }

    /// A token as it is stored. Nothing about it changes before it is removed.
    pub fn stored(state: TokenState) -> Self {
        Self { state, recorder: Recorder::stored_at(1) }
    }

    /// It is good for nothing any more.
    pub fn remove(&mut self) {
        let TokenState { user, username, name, .. } = self.state.clone();
        self.recorder.record(TokenEvent::Removed { user, username, name });
    }

    /// What it is.
    pub fn state(&self) -> &TokenState {
        &self.state
    }
}

impl Aggregate for Token {
    type Event = TokenEvent;
    const CONTEXT: &'static str = "authorization";

    fn identity(&self) -> Uuid {
        self.state.id.into()
    }

    fn recorder(&mut self) -> &mut Recorder<TokenEvent> {
        &mut self.recorder
    }
}
