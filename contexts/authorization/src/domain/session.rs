//! A session: from a log-in to its end.

use std::time::Duration;

use serde::Serialize;
use servertree_kernel::domain::{Aggregate, IpAddress, Outcome, Recorder, Revision, Timestamp, Uuid};
use utoipa::ToSchema;

use super::{SessionId, UserId, Username};

/// A session: the aggregate.
#[derive(Clone, Debug)]
pub struct Session {
    state: SessionState,
    recorder: Recorder<SessionEvent>,
}

/// All there is to know about a session.
#[derive(Clone, Debug)]
pub struct SessionState {
    pub id: SessionId,
    pub user: UserId,
    pub username: Username,
    pub address: Option<IpAddress>,
    pub user_agent: Option<String>,
    pub opened_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
    pub closed_at: Option<Timestamp>,
}

/// Why a session was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// Its user logged out.
    LoggedOut,
    /// Its user ended it from another one.
    Ended,
    /// The password was changed.
    PasswordChanged,
    /// The user was inactivated.
    UserInactivated,
    /// There were too many: the oldest had to go.
    Superseded,
}

/// What happens to a session, as only this context knows it; [`crate::events`] makes the public events of it.
#[derive(Clone, Debug)]
pub enum SessionEvent {
    Opened { user: UserId, username: Username, address: Option<IpAddress> },
    Closed { user: UserId, username: Username, reason: CloseReason },
}

impl Session {
    /// How long a session lasts, whatever is done to renew it.
    pub const LIFE: Duration = Duration::from_hours(12);

    /// Somebody logged in.
    pub fn open(
        id: SessionId,
        (user, username): (UserId, Username),
        address: Option<IpAddress>,
        user_agent: Option<String>,
        now: Timestamp,
    ) -> Self {
        let mut recorder = Recorder::new();
        recorder.record(SessionEvent::Opened { user, username: username.clone(), address });
        let state = SessionState {
            id,
            user,
            username,
            address,
            user_agent,
            opened_at: now,
            expires_at: now.after(Self::LIFE),
            closed_at: None,
        };
        Self { state, recorder }
    }

    /// A session as it is stored at `revision`.
    pub fn stored(state: SessionState, revision: Revision) -> Self {
        Self { state, recorder: Recorder::stored_at(revision) }
    }

    /// It ends, unless it has ended.
    pub fn close(&mut self, reason: CloseReason, now: Timestamp) -> Outcome {
        if !self.is_live(now) {
            return Outcome::AlreadySo;
        }
        self.state.closed_at = Some(now);
        let (user, username) = (self.state.user, self.state.username.clone());
        self.recorder.record(SessionEvent::Closed { user, username, reason });
        Outcome::Changed
    }

    /// Whether it goes on.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.state.closed_at.is_none() && now < self.state.expires_at
    }

    /// What it is now.
    pub fn state(&self) -> &SessionState {
        &self.state
    }

    /// Its revision, with what was decided since it was read.
    pub fn revision(&self) -> Revision {
        self.recorder.revision()
    }
}

impl Aggregate for Session {
    type Event = SessionEvent;
    const CONTEXT: &'static str = "authorization";

    fn identity(&self) -> Uuid {
        self.state.id.into()
    }

    fn recorder(&mut self) -> &mut Recorder<SessionEvent> {
        &mut self.recorder
    }
}
