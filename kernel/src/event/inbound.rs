//! Events of other services: taken over into the log here, and from there on delivered like those that happened here.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use metrics::Counter;
use sea_query::{Expr, ExprTrait, Query};
use thiserror::Error;
use uuid::Uuid;

use super::Envelope;
use super::log::take_over;
use super::tables::EventLog;
use crate::clock::Clock;
use crate::database::DatabaseError;
use crate::message::{Caller, Message, RequestId};
use crate::problem::Failure;
use crate::uow::{UnitsOfWork, WriteUow};

/// What is unique about an event, beside its id.
const UNIQUE_PLACE: &str = "ux_event_log_subject_revision_sequence";

/// Takes events of other services.
#[derive(Clone)]
pub struct Inbound {
    pub(crate) units: UnitsOfWork,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) wanted: Arc<BTreeMap<&'static str, BTreeSet<&'static str>>>,
}

/// Why events were not taken over.
#[derive(Debug, Error)]
pub enum NotStored {
    /// One of them says that it led to the same revision of the same object as another event did: it never will be.
    #[error("another event has the same subject, revision and sequence")]
    Contradicts,
    /// This time.
    #[error("{}", .0.chain())]
    Failed(Failure),
}

impl<F: Into<Failure>> From<F> for NotStored {
    fn from(failure: F) -> Self {
        Self::Failed(failure.into())
    }
}

impl Inbound {
    /// The names of the events of other services that contexts here want to hear of, by context.
    pub fn wanted(&self) -> &BTreeMap<&'static str, BTreeSet<&'static str>> {
        &self.wanted
    }

    /// Takes them over, all or none; those that were before are left as they are. They last once this is done.
    pub async fn store(&self, events: &[Envelope]) -> Result<(), NotStored> {
        let mut attempts = self.units.attempts(Counter::noop());
        loop {
            let message = Message::new(Caller::service(), RequestId::of_job("bus"), None, self.clock.now());
            let mut uow = self.units.write(message);
            let stored = self.write(events, &mut uow).await;
            // Somebody else may have taken over the same just now: that is seen when it is looked up again.
            let is_unique = matches!(&stored, Err(DatabaseError::Unique { .. }));
            let contradicts = matches!(&stored, Err(error) if error.violates(UNIQUE_PLACE));
            match uow.end(stored.map_err(Failure::from)).await {
                Ok(()) => return Ok(()),
                Err(_) if is_unique && attempts.another().await => {}
                Err(_) if contradicts => return Err(NotStored::Contradicts),
                Err(broken_off) if attempts.another_after(&broken_off).await => {}
                Err(broken_off) => return Err(Failure::from(broken_off).into()),
            }
        }
    }

    async fn write(&self, events: &[Envelope], uow: &mut WriteUow) -> Result<(), DatabaseError> {
        let known = Query::select()
            .column(EventLog::Id)
            .from(EventLog::Table)
            .and_where(Expr::col(EventLog::Id).is_in(events.iter().map(|event| event.id)))
            .take();
        let known: Vec<(Uuid,)> = uow.fetch_all(&known).await?;
        let mut known: HashSet<Uuid> = known.into_iter().map(|(id,)| id).collect();
        let new: Vec<&Envelope> = events.iter().filter(|event| known.insert(event.id)).collect();
        if !new.is_empty() {
            uow.execute(&take_over(&new, self.clock.now())).await?;
            uow.wake_relay();
        }
        Ok(())
    }
}
