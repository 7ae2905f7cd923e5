//! A row of the table `server_installations`, with what is known of its application, and its way to the aggregate and to the
//! view.

use sea_query::{Expr, ExprTrait, Iden, JoinType, SelectStatement};
use servertree_kernel::domain::Invalid;
use sqlx::FromRow;

use super::application_store::ServerApplications;
use super::server_row::Servers;
use crate::application::installation_view::InstallationView;
use crate::domain::{Application, ApplicationId, Directories, Directory, Installation, ServerId};
use crate::error::Error;

#[derive(Iden, Clone, Copy)]
pub(super) enum ServerInstallations {
    Table,
    ServerId,
    ApplicationId,
    InstallDir,
    InstallDirKey,
    LogDir,
    LogDirKey,
}

/// What an installation is read from. All of it is null where there is none.
#[derive(FromRow)]
pub(super) struct InstallationRow {
    application_id: Option<ApplicationId>,
    application_name: Option<String>,
    application_version: Option<String>,
    application_discarded: Option<bool>,
    install_dir: Option<String>,
    log_dir: Option<String>,
}

impl InstallationRow {
    /// Adds the installations of each server, with the columns that they are read from: a row for each; by a left join also
    /// one for a server without any.
    pub(super) fn join(select: &mut SelectStatement, join: JoinType) -> &mut SelectStatement {
        let own = |column| Expr::col((ServerInstallations::Table, column));
        let application = |column| Expr::col((ServerApplications::Table, column));
        let of_server = own(ServerInstallations::ServerId).equals((Servers::Table, Servers::Id));
        let of_installation = application(ServerApplications::ApplicationId)
            .equals((ServerInstallations::Table, ServerInstallations::ApplicationId));
        select
            .join(join, ServerInstallations::Table, of_server)
            .join(join, ServerApplications::Table, of_installation)
            .expr_as(own(ServerInstallations::ApplicationId), "application_id")
            .expr_as(application(ServerApplications::Name), "application_name")
            .expr_as(application(ServerApplications::Version), "application_version")
            .expr_as(application(ServerApplications::Discarded), "application_discarded")
            .expr_as(own(ServerInstallations::InstallDir), "install_dir")
            .expr_as(own(ServerInstallations::LogDir), "log_dir")
    }

    /// Adds its columns to a select that has other rows.
    pub(super) fn nothing(select: &mut SelectStatement) -> &mut SelectStatement {
        let columns = [
            "application_id",
            "application_name",
            "application_version",
            "application_discarded",
            "install_dir",
            "log_dir",
        ];
        columns.into_iter().fold(select, |select, column| select.expr_as(Expr::null(), column))
    }

    /// The view; none where there is no installation.
    pub(super) fn into_view(self) -> Option<InstallationView> {
        Some(InstallationView {
            application_id: self.application_id?,
            name: self.application_name?,
            version: self.application_version?,
            application_discarded: self.application_discarded?,
            install_dir: self.install_dir?,
            log_dir: self.log_dir?,
        })
    }

    /// The part of the aggregate `server`; none where there is no installation. Values are parsed again, as those of the server
    /// are.
    pub(super) fn into_installation(self, server: ServerId) -> Result<Option<Installation>, Error> {
        let Some(view) = self.into_view() else { return Ok(None) };
        let corrupt =
            |field| move |fault: Invalid| Error::Corrupt { id: server, field, fault: fault.to_string() };
        let application = Application {
            id: view.application_id,
            name: view.name,
            version: view.version,
            discarded: view.application_discarded,
        };
        let directories = Directories {
            install_dir: Directory::parse(view.install_dir).map_err(corrupt("install_dir"))?,
            log_dir: Directory::parse(view.log_dir).map_err(corrupt("log_dir"))?,
        };
        Ok(Some(Installation { application, directories }))
    }
}
