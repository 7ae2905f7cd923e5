//! A row of the table `servers`, and its way to the aggregate and to the view.

use sea_query::{Expr, ExprTrait, Iden, Order, Query, SelectStatement};
use servertree_kernel::domain::{Invalid, Timestamp};
use sqlx::FromRow;

use super::credential_row::{CredentialRow, ServerCredentials};
use crate::application::find_server::{OperatingSystemView, ServerView};
use crate::domain::{
    CpuCores, Credentials, Environment, HddMib, OperatingSystem, OperatingSystemText, RamMib, Server,
    ServerId, ServerName, ServerState, Specification, Status,
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
    id: ServerId,
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
    fn into_server(self, credentials: Credentials) -> Result<Server, Error> {
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
            discarded: row.discarded,
            revision: row.revision.unsigned_abs(),
            created_at: row.created_at,
            modified_at: row.modified_at,
        }
    }
}

/// A server, joined with one of its credentials.
#[derive(FromRow)]
pub(super) struct JoinedRow {
    #[sqlx(flatten)]
    server: ServerRow,
    #[sqlx(flatten)]
    credential: CredentialRow,
}

impl JoinedRow {
    /// One server with all of its credentials, in one statement: what it shows was so at one moment.
    pub(super) fn select(id: ServerId) -> SelectStatement {
        join(ServerRow::select()).and_where(Expr::col((Servers::Table, Servers::Id)).eq(id)).take()
    }

    /// The aggregate that these rows make; none if there are none.
    pub(super) fn into_server(rows: Vec<Self>) -> Result<Option<Server>, Error> {
        let mut server = None;
        let mut credentials = Vec::new();
        for row in rows {
            credentials.extend(row.credential.into_credential(row.server.id)?);
            server = Some(row.server);
        }
        server.map(|server| server.into_server(Credentials::stored(credentials))).transpose()
    }

    /// The view that these rows make; none if there are none.
    pub(super) fn into_view(rows: Vec<Self>) -> Option<ServerView> {
        let mut rows = rows.into_iter();
        let first = rows.next()?;
        let mut view = ServerView::from(first.server);
        let credentials = std::iter::once(first.credential).chain(rows.map(|row| row.credential));
        view.credentials = Some(credentials.filter_map(CredentialRow::into_view).collect());
        Some(view)
    }
}

/// Which server at which revision, joined with one of its credentials.
#[derive(FromRow)]
pub(super) struct PartRow {
    pub(super) id: ServerId,
    pub(super) revision: i64,
    #[sqlx(flatten)]
    pub(super) credential: CredentialRow,
}

impl PartRow {
    /// The credentials of these servers, and the revisions that they are of, in one statement.
    pub(super) fn select(ids: impl IntoIterator<Item = ServerId>) -> SelectStatement {
        let columns = [Servers::Id, Servers::Revision].map(|column| (Servers::Table, column));
        let select = Query::select().columns(columns).from(Servers::Table).take();
        join(select).and_where(Expr::col((Servers::Table, Servers::Id)).is_in(ids)).take()
    }
}

/// Adds the credentials of each server: a row for each, or one without.
fn join(mut select: SelectStatement) -> SelectStatement {
    let server_id = Expr::col((Servers::Table, Servers::Id));
    let of_server = Expr::col((ServerCredentials::Table, ServerCredentials::ServerId)).eq(server_id);
    CredentialRow::columns(&mut select)
        .left_join(ServerCredentials::Table, of_server)
        .order_by((ServerCredentials::Table, ServerCredentials::Id), Order::Asc)
        .take()
}
