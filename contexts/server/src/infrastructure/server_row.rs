//! A row of the table `servers`, and its way to the aggregate and to the view.

use sea_query::{Iden, Query, SelectStatement};
use servertree_kernel::domain::{Invalid, Timestamp};
use sqlx::FromRow;

use crate::application::find_server::{OperatingSystemView, ServerView};
use crate::domain::{
    CpuCores, Credentials, Environment, HddMib, Installations, OperatingSystem, OperatingSystemText, RamMib,
    Server, ServerId, ServerName, ServerState, Specification, Status,
};
use crate::error::Error;

#[derive(Iden, Clone, Copy)]
pub(super) enum Servers {
    Table,
    Id,
    Name,
    CpuCores,
    RamMib,
    HddMib,
    Environment,
    OsName,
    OsVersion,
    OsArchitecture,
    OsNameKey,
    OsVersionKey,
    OsArchitectureKey,
    SearchKey,
    Status,
    Discarded,
    Revision,
    CreatedAt,
    ModifiedAt,
}

#[derive(FromRow)]
pub(super) struct ServerRow {
    pub(super) id: ServerId,
    name: String,
    cpu_cores: i64,
    ram_mib: i64,
    hdd_mib: i64,
    environment: String,
    os_name: String,
    os_version: String,
    os_architecture: String,
    status: String,
    discarded: bool,
    revision: i64,
    created_at: Timestamp,
    modified_at: Timestamp,
}

/// The columns that change after the server is registered.
pub(super) const CHANGING: [Servers; 12] = [
    Servers::Name,
    Servers::CpuCores,
    Servers::RamMib,
    Servers::HddMib,
    Servers::Environment,
    Servers::OsName,
    Servers::OsVersion,
    Servers::OsArchitecture,
    Servers::Status,
    Servers::Discarded,
    Servers::Revision,
    Servers::ModifiedAt,
];

/// What is written for searching and never read: texts in lower case. The database cannot make them itself: engines
/// disagree on the lower case of anything but ASCII.
pub(super) const SEARCHED: [Servers; 4] =
    [Servers::OsNameKey, Servers::OsVersionKey, Servers::OsArchitectureKey, Servers::SearchKey];

impl ServerRow {
    /// The columns it is read from.
    pub(super) fn select() -> SelectStatement {
        let columns = [Servers::Id, Servers::CreatedAt].into_iter().chain(CHANGING);
        Query::select().columns(columns.map(|column| (Servers::Table, column))).from(Servers::Table).take()
    }

    /// The aggregate. Values are parsed again: whatever got into the table, no rule is broken from here on.
    pub(super) fn into_server(
        self,
        credentials: Credentials,
        installations: Installations,
    ) -> Result<Server, Error> {
        let id = self.id;
        let corrupt = |field| move |fault: Invalid| Error::Corrupt { id, field, fault: fault.to_string() };
        let negative = |field| move |_| Error::Corrupt { id, field, fault: "is out of range".to_owned() };
        let os_text = |field, text| OperatingSystemText::parse(text).map_err(corrupt(field));
        let cpu_cores = u32::try_from(self.cpu_cores).map_err(negative("cpu_cores"))?;
        let ram_mib = u64::try_from(self.ram_mib).map_err(negative("ram_mib"))?;
        let hdd_mib = u64::try_from(self.hdd_mib).map_err(negative("hdd_mib"))?;
        let revision = u64::try_from(self.revision).map_err(negative("revision"))?;
        let specification = Specification {
            name: ServerName::parse(self.name).map_err(corrupt("name"))?,
            cpu_cores: CpuCores::parse(cpu_cores).map_err(corrupt("cpu_cores"))?,
            ram_mib: RamMib::parse(ram_mib).map_err(corrupt("ram_mib"))?,
            hdd_mib: HddMib::parse(hdd_mib).map_err(corrupt("hdd_mib"))?,
            environment: Environment::parse(self.environment).map_err(corrupt("environment"))?,
            operating_system: OperatingSystem {
                name: os_text("os_name", self.os_name)?,
                version: os_text("os_version", self.os_version)?,
                architecture: os_text("os_architecture", self.os_architecture)?,
            },
        };
        let state = ServerState {
            id,
            specification,
            status: Status::parse(&self.status).map_err(corrupt("status"))?,
            credentials,
            installations,
            discarded: self.discarded,
            created_at: self.created_at,
            modified_at: self.modified_at,
        };
        Ok(Server::stored(state, revision))
    }
}

impl From<ServerRow> for ServerView {
    fn from(row: ServerRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            cpu_cores: row.cpu_cores.unsigned_abs(),
            ram_mib: row.ram_mib.unsigned_abs(),
            hdd_mib: row.hdd_mib.unsigned_abs(),
            environment: row.environment,
            operating_system: OperatingSystemView {
                name: row.os_name,
                version: row.os_version,
                architecture: row.os_architecture,
            },
            status: row.status,
            credentials: None,
            applications: Vec::new(),
            discarded: row.discarded,
            revision: row.revision.unsigned_abs(),
            created_at: row.created_at,
            modified_at: row.modified_at,
        }
    }
}
