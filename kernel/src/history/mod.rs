//! Histories: who changed what about an object, when, from which value to which. They are read from the event log, which is kept
//! for ever: nothing is written for them.

mod changes;
mod entry;
mod parameters;

pub use changes::Change;
pub use entry::HistoryEntry;
pub use parameters::HistoryParameters;

use sea_query::{Expr, ExprTrait, Iden, SelectStatement};
use uuid::Uuid;

use crate::criteria::{Criteria, Filter, Slice};
use crate::event::EventRow;
use crate::problem::Failure;
use crate::uow::ReadUow;

/// The history of one object. Whether the caller may know of that is for whoever asks.
pub struct History {
    subject: Uuid,
    hidden: Vec<&'static str>,
}

impl History {
    /// All that happened to this object.
    pub fn of(subject: impl Into<Uuid>) -> Self {
        Self { subject: subject.into(), hidden: Vec::new() }
    }

    /// Without a part, by its type of object: `server.credential`. Nothing is told of what happened to it.
    pub fn without(mut self, part: &'static str) -> Self {
        self.hidden.push(part);
        self
    }

    /// The entries that are asked for, in one statement, by the index of the log over its subjects.
    pub async fn page(
        &self,
        criteria: &Criteria<HistoryEntry>,
        uow: &mut ReadUow,
    ) -> Result<Slice<HistoryEntry>, Failure> {
        let mut slice = criteria.fetch::<EventRow>(self.select(), &Filter::everything(), uow).await?;
        for part in &self.hidden {
            let (_, name) = part.split_once('.').unwrap_or(("", part));
            let is_shown = |change: &Change| !change.is_of(&changes::field_of(name));
            slice.items.iter_mut().for_each(|entry| entry.changes.retain(is_shown));
        }
        Ok(slice)
    }

    fn select(&self) -> SelectStatement {
        let mut select = EventRow::select().and_where(Expr::col(EventLog::Subject).eq(self.subject)).take();
        for part in &self.hidden {
            select.and_where(Expr::col(EventLog::Type).not_like(format!("{part}.%")));
        }
        select
    }
}

#[derive(Iden, Clone, Copy)]
enum EventLog {
    Subject,
    Type,
}
