//! Installations, written as the events of their server tell.

use sea_query::{Expr, ExprTrait, Query};
use servertree_kernel::criteria::fold;
use servertree_kernel::domain::WriteUow;

use super::installation_row::ServerInstallations;
use crate::domain::{ApplicationId, Directories, Installation, ServerEvent, ServerId};
use crate::error::Error;

/// Where an application is.
const DIRECTORIES: [ServerInstallations; 4] = [
    ServerInstallations::InstallDir,
    ServerInstallations::InstallDirKey,
    ServerInstallations::LogDir,
    ServerInstallations::LogDirKey,
];

/// Does to the rows what the events say happened to the applications on a server; those that are new, and those that went, in one
/// statement each.
pub(super) async fn apply(server: ServerId, events: &[ServerEvent], uow: &mut WriteUow) -> Result<(), Error> {
    let (mut installed, mut uninstalled) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            ServerEvent::ApplicationInstalled { installation } => installed.push(installation),
            ServerEvent::InstallationChanged { installation, .. } => {
                change(server, installation, uow).await?
            }
            ServerEvent::ApplicationUninstalled { installation } => {
                uninstalled.push(installation.application.id)
            }
            _ => {}
        }
    }
    remove(server, &uninstalled, uow).await?;
    add(server, &installed, uow).await
}

async fn add(server: ServerId, installations: &[&Installation], uow: &mut WriteUow) -> Result<(), Error> {
    if installations.is_empty() {
        return Ok(());
    }
    let identity = [ServerInstallations::ServerId, ServerInstallations::ApplicationId];
    let mut insert = Query::insert()
        .into_table(ServerInstallations::Table)
        .columns(identity.into_iter().chain(DIRECTORIES))
        .take();
    for installation in installations {
        let identity: [Expr; 2] = [server.into(), installation.application.id.into()];
        insert.values_panic(identity.into_iter().chain(directories(&installation.directories)));
    }
    uow.execute(&insert).await?;
    Ok(())
}

async fn change(server: ServerId, installation: &Installation, uow: &mut WriteUow) -> Result<(), Error> {
    let update = Query::update()
        .table(ServerInstallations::Table)
        .values(DIRECTORIES.into_iter().zip(directories(&installation.directories)))
        .and_where(Expr::col(ServerInstallations::ServerId).eq(server))
        .and_where(Expr::col(ServerInstallations::ApplicationId).eq(installation.application.id))
        .take();
    uow.execute(&update).await?;
    Ok(())
}

async fn remove(server: ServerId, applications: &[ApplicationId], uow: &mut WriteUow) -> Result<(), Error> {
    if applications.is_empty() {
        return Ok(());
    }
    let delete = Query::delete()
        .from_table(ServerInstallations::Table)
        .and_where(Expr::col(ServerInstallations::ServerId).eq(server))
        .and_where(Expr::col(ServerInstallations::ApplicationId).is_in(applications.iter().copied()))
        .take();
    uow.execute(&delete).await?;
    Ok(())
}

/// The values of [`DIRECTORIES`].
fn directories(directories: &Directories) -> [Expr; DIRECTORIES.len()] {
    let (install_dir, log_dir) = (directories.install_dir.as_str(), directories.log_dir.as_str());
    [install_dir.into(), fold(install_dir).into(), log_dir.into(), fold(log_dir).into()]
}
