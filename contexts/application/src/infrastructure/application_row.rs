//! A row of the table `applications`, and its way to the aggregate and to the view.

use sea_query::{Iden, Query, SelectStatement};
use servertree_kernel::domain::{Invalid, Timestamp};
use sqlx::FromRow;

use crate::application::find_application::ApplicationView;
use crate::domain::{
    Application, ApplicationId, ApplicationName, ApplicationState, ApplicationVersion, Architect,
    Specification,
};
use crate::error::Error;

#[derive(Iden, Clone, Copy)]
pub(super) enum Applications {
    Table,
    Id,
    Name,
    Version,
    Architect,
    NameKey,
    VersionKey,
    ArchitectKey,
    SearchKey,
    Discarded,
    Revision,
    CreatedAt,
    ModifiedAt,
}

#[derive(FromRow)]
pub(super) struct ApplicationRow {
    id: ApplicationId,
    name: String,
    version: String,
    architect: String,
    discarded: bool,
    revision: i64,
    created_at: Timestamp,
    modified_at: Timestamp,
}

/// The columns that change after the application is registered.
pub(super) const CHANGING: [Applications; 6] = [
    Applications::Name,
    Applications::Version,
    Applications::Architect,
    Applications::Discarded,
    Applications::Revision,
    Applications::ModifiedAt,
];

/// What is written for searching and never read: texts in lower case. The database cannot make them itself: engines
/// disagree on the lower case of anything but ASCII.
pub(super) const SEARCHED: [Applications; 4] =
    [Applications::NameKey, Applications::VersionKey, Applications::ArchitectKey, Applications::SearchKey];

impl ApplicationRow {
    /// The columns it is read from.
    pub(super) fn select() -> SelectStatement {
        let columns = [Applications::Id, Applications::CreatedAt].into_iter().chain(CHANGING);
        Query::select().columns(columns).from(Applications::Table).take()
    }

    /// The aggregate. Values are parsed again: whatever got into the table, no rule is broken from here on.
    pub(super) fn into_application(self) -> Result<Application, Error> {
        let id = self.id;
        let corrupt = |field| move |fault: Invalid| Error::Corrupt { id, field, fault: fault.to_string() };
        let negative = |field| move |_| Error::Corrupt { id, field, fault: "is out of range".to_owned() };
        let revision = u64::try_from(self.revision).map_err(negative("revision"))?;
        let specification = Specification {
            name: ApplicationName::parse(self.name).map_err(corrupt("name"))?,
            version: ApplicationVersion::parse(self.version).map_err(corrupt("version"))?,
            architect: Architect::parse(self.architect).map_err(corrupt("architect"))?,
        };
        let state = ApplicationState {
            id,
            specification,
            discarded: self.discarded,
            created_at: self.created_at,
            modified_at: self.modified_at,
        };
        Ok(Application::stored(state, revision))
    }
}

impl From<ApplicationRow> for ApplicationView {
    fn from(row: ApplicationRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            version: row.version,
            architect: row.architect,
            discarded: row.discarded,
            revision: row.revision.unsigned_abs(),
            created_at: row.created_at,
            modified_at: row.modified_at,
        }
    }
}
