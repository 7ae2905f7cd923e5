//! The follower: tells the listeners of this process of all events, in the order in which they were dispatched. That order, unlike
//! that of their ids, has no gaps that fill later.

use std::sync::Arc;
use std::time::Duration;

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
use crate::problem::Failure;

/// Events looked up at a time.
const BATCH: u64 = 200;

/// Listeners that were not told for as long might know better what they do not remember.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the follower works with.
pub(super) struct Follower {
    listeners: Arc<[Listening]>,
    stale: Stale,
    database: Database,
    state: Mutex<State>,
}

struct State {
    /// The last that they were told of; none: they are told from now on.
    last: Option<(Timestamp, Uuid)>,
    /// When there was nothing left to tell.
    told: Instant,
}

#[derive(FromRow)]
struct Dispatched {
    dispatched_at: Timestamp,
    #[sqlx(flatten)]
    event: EventRow,
}

impl Follower {
    pub(super) fn new(listeners: Arc<[Listening]>, stale: Stale, database: Database) -> Self {
        Self { listeners, stale, database, state: Mutex::new(State { last: None, told: Instant::now() }) }
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

    async fn tell(&self, row: &EventRow) -> Result<(), Failure> {
        let event = row.envelope()?;
        self.stale.note(&event);
        for listening in self.listeners.iter() {
            if !listening.events.is_empty() && !listening.events.contains(&event.event_type.as_str()) {
                continue;
            }
            if let Err(fault) = listening.listener.hear(event.clone()).await {
                let error = fault.to_string();
                tracing::warn!(listener = listening.name, event = %event.id, error, "an event was not heard");
                listening.listener.miss().await;
            }
        }
        Ok(())
    }
}

impl Step for Follower {
    fn name(&self) -> &'static str {
        "follower"
    }

    /// Has the cache forget what became stale, and tells of what was dispatched since. Should it take too long to find out, nobody relies on what they remember.
    async fn step(&self, _: &CancellationToken) -> Result<usize, Failure> {
        let mut state = self.state.lock().await;
        let Some(last) = state.last else {
            state.last = Some(self.end().await?);
            return Ok(0);
        };
        let rows = match self.after(last).await {
            Ok(rows) => rows,
            Err(error) => {
                if state.told.elapsed() > PATIENCE {
                    self.stale.forget_all().await?;
                    for listening in self.listeners.iter() {
                        listening.listener.miss().await;
                    }
                }
                return Err(error.into());
            }
        };
        for row in &rows {
            self.tell(&row.event).await?;
            state.last = Some((row.dispatched_at, row.event.id));
        }
        self.stale.forget(&self.database).await?;
        state.told = Instant::now();
        Ok(rows.len())
    }
}
