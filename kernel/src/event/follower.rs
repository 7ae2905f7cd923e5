//! The follower: tells the listeners of this process of all events, in the order in which they were dispatched. That order, unlike
//! that of their ids, has no gaps that fill later.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sea_query::{Expr, ExprTrait, Order, Query};
use sqlx::FromRow;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::listener::Listening;
use super::log::EventRow;
use super::pump::Step;
use super::stale::Stale;
use super::tables::EventLog;
use crate::database::{Database, DatabaseError};
use crate::domain::Timestamp;
use crate::problem::{Failure, Internal};

/// Events looked up at a time.
const BATCH: u64 = 200;

/// Listeners that were not told for as long might know better what they do not remember.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the follower works with.
pub(super) struct Follower {
    listeners: Arc<[Listening]>,
    database: Database,
    patience: Duration,
    state: Mutex<State>,
}

struct State {
    /// The last that they were told of; none: they are told from now on.
    last: Option<(Timestamp, Uuid)>,
    /// When they were told last, or there was nothing to tell.
    told: Instant,
    stale: Stale,
}

#[derive(FromRow)]
struct Dispatched {
    dispatched_at: Timestamp,
    #[sqlx(flatten)]
    event: EventRow,
}

impl Follower {
    pub(super) fn new(listeners: Arc<[Listening]>, stale: Stale, database: Database) -> Self {
        let state = Mutex::new(State { last: None, told: Instant::now(), stale });
        Self { listeners, database, patience: PATIENCE, state }
    }

    /// One whose listeners wait for as long as it takes.
    #[cfg(test)]
    pub(super) fn patient(self) -> Self {
        Self { patience: Duration::MAX, ..self }
    }

    /// The place in the log of the event that was dispatched last.
    async fn end(&self) -> Result<(Timestamp, Uuid), DatabaseError> {
        let last = Query::select()
            .columns([EventLog::DispatchedAt, EventLog::Id])
            .from(EventLog::Table)
            .and_where(Expr::col(EventLog::DispatchedAt).is_not_null())
            .order_by(EventLog::DispatchedAt, Order::Desc)
            .order_by(EventLog::Id, Order::Desc)
            .limit(1)
            .take();
        let last: Option<(Timestamp, Uuid)> = self.database.fetch_optional(&last).await?;
        Ok(last.unwrap_or((Timestamp::from_micros(0), Uuid::nil())))
    }

    async fn after(&self, (at, id): (Timestamp, Uuid)) -> Result<Vec<Dispatched>, DatabaseError> {
        let place = |column| Expr::col((EventLog::Table, column));
        let later = EventRow::select()
            .column((EventLog::Table, EventLog::DispatchedAt))
            .and_where(place(EventLog::DispatchedAt).gte(at))
            .and_where(place(EventLog::DispatchedAt).gt(at).or(place(EventLog::Id).gt(id)))
            .order_by((EventLog::Table, EventLog::DispatchedAt), Order::Asc)
            .order_by((EventLog::Table, EventLog::Id), Order::Asc)
            .limit(BATCH)
            .take();
        self.database.fetch_all(&later).await
    }

    /// Tells of all that was dispatched since; answers of how many.
    async fn tell(&self, state: &mut State) -> Result<usize, Failure> {
        let Some(last) = state.last else {
            let end = self.end().await?;
            // What was remembered before may have changed before.
            self.forget_all(state).await?;
            state.last = Some(end);
            state.told = Instant::now();
            return Ok(0);
        };
        let rows = self.after(last).await?;
        for row in &rows {
            state.stale.note(&row.event);
            self.tell_of(&row.event).await;
            state.last = Some((row.dispatched_at, row.event.id));
        }
        state.stale.forget(&self.database).await?;
        state.told = Instant::now();
        Ok(rows.len())
    }

    /// One that cannot be read may tell of anything.
    async fn tell_of(&self, row: &EventRow) {
        match row.envelope() {
            Ok(event) => {
                let hears =
                    |of: &&Listening| of.events.is_empty() || of.events.contains(&event.event_type.as_str());
                for listening in self.listeners.iter().filter(hears) {
                    let hearing =
                        AssertUnwindSafe(listening.listener.hear(event.clone())).catch_unwind().await;
                    if let Err(error) =
                        hearing.unwrap_or_else(|_| Err(Internal("it panicked".to_owned()).into()))
                    {
                        not_heard(listening, row, &error.to_string()).await;
                    }
                }
            }
            Err(fault) => {
                for listening in self.listeners.iter() {
                    not_heard(listening, row, &fault.0).await;
                }
            }
        }
    }

    /// Nobody relies on what they remember.
    async fn forget_all(&self, state: &State) -> Result<(), Failure> {
        for listening in self.listeners.iter() {
            listening.listener.miss().await;
        }
        state.stale.forget_all().await
    }
}

async fn not_heard(listening: &Listening, event: &EventRow, error: &str) {
    tracing::warn!(listener = listening.name, event = %event.id, error, "an event was not heard");
    listening.listener.miss().await;
}

impl Step for Follower {
    fn name(&self) -> &'static str {
        "follower"
    }

    /// Has the cache forget what became stale, and tells of what was dispatched since. Should it take too long to find out, nobody
    /// relies on what they remember.
    async fn step(&self, _: &CancellationToken) -> Result<usize, Failure> {
        let mut state = self.state.lock().await;
        let told = self.tell(&mut state).await;
        if told.is_err() && state.told.elapsed() > self.patience {
            self.forget_all(&state).await?;
        }
        told
    }
}
