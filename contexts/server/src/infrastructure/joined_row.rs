//! Servers with their parts: the rows of one statement, and what they make.

use sea_query::{Expr, ExprTrait, JoinType, Query, SelectStatement, UnionType};
use sqlx::FromRow;

use super::credential_row::CredentialRow;
use super::installation_row::InstallationRow;
use super::server_row::{ServerRow, Servers};
use crate::application::find_credential::CredentialView;
use crate::application::find_server::ServerView;
use crate::application::installation_view::InstallationView;
use crate::domain::{Credentials, Installations, Server, ServerId};
use crate::error::Error;

/// A server with one of its credentials, or with one of the applications on it, or with neither.
#[derive(FromRow)]
pub(super) struct JoinedRow {
    #[sqlx(flatten)]
    server: ServerRow,
    #[sqlx(flatten)]
    parts: PartsRow,
}

/// Which server at which revision, with one of its parts or none.
#[derive(FromRow)]
pub(super) struct PartRow {
    pub(super) id: ServerId,
    pub(super) revision: i64,
    #[sqlx(flatten)]
    pub(super) parts: PartsRow,
}

/// A part of a server, if it is one.
#[derive(FromRow)]
pub(super) struct PartsRow {
    #[sqlx(flatten)]
    credential: CredentialRow,
    #[sqlx(flatten)]
    installation: InstallationRow,
}

/// The parts of one server, as they are shown.
#[derive(Default)]
pub(super) struct PartViews {
    credentials: Vec<CredentialView>,
    installations: Vec<InstallationView>,
}

impl JoinedRow {
    /// One server with all of its parts, in one statement: what it shows was so at one moment.
    pub(super) fn select(id: ServerId) -> SelectStatement {
        let is_it = Expr::col((Servers::Table, Servers::Id)).eq(id);
        with_parts(ServerRow::select().and_where(is_it).take())
    }

    /// The aggregate that these rows make; none if there are none.
    pub(super) fn into_server(rows: Vec<Self>) -> Result<Option<Server>, Error> {
        let mut server = None;
        let (mut credentials, mut installations) = (Vec::new(), Vec::new());
        for JoinedRow { server: row, parts } in rows {
            credentials.extend(parts.credential.into_credential(row.id)?);
            installations.extend(parts.installation.into_installation(row.id)?);
            server = Some(row);
        }
        credentials.sort_unstable_by_key(|credential| credential.id);
        let parts = (Credentials::stored(credentials), Installations::stored(installations));
        server.map(|server| server.into_server(parts.0, parts.1)).transpose()
    }

    /// The view that these rows make; none if there are none.
    pub(super) fn into_view(rows: Vec<Self>) -> Option<ServerView> {
        let mut rows = rows.into_iter();
        let first = rows.next()?;
        let mut parts = PartViews::default();
        std::iter::once(first.parts).chain(rows.map(|row| row.parts)).for_each(|row| parts.add(row));
        let mut view = ServerView::from(first.server);
        parts.show(&mut view, true);
        Some(view)
    }
}

impl PartRow {
    /// The parts of these servers, and the revisions that they are of, in one statement; without credentials, if nobody gets to
    /// see them.
    pub(super) fn select(ids: impl IntoIterator<Item = ServerId>, with_credentials: bool) -> SelectStatement {
        let columns = [Servers::Id, Servers::Revision].map(|column| (Servers::Table, column));
        let are_these = Expr::col((Servers::Table, Servers::Id)).is_in(ids);
        let mut select = Query::select().columns(columns).from(Servers::Table).and_where(are_these).take();
        if with_credentials {
            return with_parts(select);
        }
        CredentialRow::nothing(&mut select);
        InstallationRow::join(&mut select, JoinType::LeftJoin).take()
    }
}

impl PartViews {
    pub(super) fn add(&mut self, row: PartsRow) {
        self.credentials.extend(row.credential.into_view());
        self.installations.extend(row.installation.into_view());
    }

    /// Has the server show them: credentials the oldest first, and only if they were looked for.
    pub(super) fn show(mut self, server: &mut ServerView, with_credentials: bool) {
        self.credentials.sort_unstable_by_key(|credential| credential.id);
        server.credentials = with_credentials.then_some(self.credentials);
        server.applications = InstallationView::sorted(self.installations);
    }
}

/// Adds the parts of each server: a row for each credential, or one without, and a row for each application on it. Joined in one
/// select, each credential would come with each application.
fn with_parts(mut servers: SelectStatement) -> SelectStatement {
    let mut with_applications = servers.clone();
    CredentialRow::nothing(&mut with_applications);
    InstallationRow::join(&mut with_applications, JoinType::InnerJoin);
    CredentialRow::join(&mut servers);
    InstallationRow::nothing(&mut servers).union(UnionType::All, with_applications).take()
}
