//! Servers, written and read one at a time.

use std::sync::Arc;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, LockType, Query};
use servertree_kernel::criteria::fold;
use servertree_kernel::database::DatabaseError;
use servertree_kernel::domain::{Aggregate, Secret, WriteUow};
use servertree_kernel::secrets::Secrets;
use shaku::Component;

use super::joined_row::JoinedRow;
use super::server_row::{CHANGING, SEARCHED, Servers};
use super::{credential_store, installation_store};
use crate::domain::{CredentialId, Server, ServerId, ServerRepository};
use crate::error::Error;

/// The index that keeps names unique among servers that are not discarded.
const UNIQUE_NAME: &str = "ux_servers_live_name";

/// Keeps servers in the table `servers`.
#[derive(Component)]
#[shaku(interface = ServerRepository)]
pub struct SqlServers {
    #[shaku(inject)]
    secrets: Arc<dyn Secrets>,
}

#[async_trait]
impl ServerRepository for SqlServers {
    async fn get(&self, id: ServerId, uow: &mut WriteUow) -> Result<Server, Error> {
        let rows: Vec<JoinedRow> = uow.fetch_all(&JoinedRow::select(id)).await?;
        JoinedRow::into_server(rows)?.ok_or(Error::NotFound(id))
    }

    async fn lock(&self, id: ServerId, uow: &mut WriteUow) -> Result<(), Error> {
        let select = Query::select()
            .column(Servers::Id)
            .from(Servers::Table)
            .and_where(Expr::col(Servers::Id).eq(id))
            .lock(LockType::Update)
            .take();
        Ok(uow.lock(&select).await?)
    }

    async fn save(&self, server: &mut Server, uow: &mut WriteUow) -> Result<(), Error> {
        if !server.recorder().has_changes() {
            return Ok(());
        }
        let stored = server.recorder().stored();
        let saved = if stored == 0 { insert(server, uow).await } else { update(server, stored, uow).await };
        match saved {
            Ok(1) => {
                let id = server.state().id;
                let events = server.recorder().events();
                credential_store::apply(id, events, self.secrets.as_ref(), uow).await?;
                installation_store::apply(id, events, uow).await?;
                Ok(uow.record(server)?)
            }
            Ok(_) => Err(Error::ConcurrentChange(server.state().id)),
            Err(error) if error.violates(UNIQUE_NAME) => {
                Err(Error::NameTaken(server.state().specification.name.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn password(&self, credential: CredentialId, uow: &mut WriteUow) -> Result<Secret, Error> {
        credential_store::password(credential, self.secrets.as_ref(), uow).await
    }
}

async fn insert(server: &Server, uow: &mut WriteUow) -> Result<u64, DatabaseError> {
    let state = server.state();
    let identity: [Expr; 2] = [state.id.into(), state.created_at.into()];
    let insert = Query::insert()
        .into_table(Servers::Table)
        .columns([Servers::Id, Servers::CreatedAt].into_iter().chain(CHANGING).chain(SEARCHED))
        .values_panic(identity.into_iter().chain(changing(server)).chain(searched(server)))
        .take();
    uow.execute(&insert).await
}

/// Changes the row only if it is still at the revision it was read at.
async fn update(server: &Server, stored: u64, uow: &mut WriteUow) -> Result<u64, DatabaseError> {
    let update = Query::update()
        .table(Servers::Table)
        .values(CHANGING.into_iter().zip(changing(server)))
        .values(SEARCHED.into_iter().zip(searched(server)))
        .and_where(Expr::col(Servers::Id).eq(server.state().id))
        .and_where(Expr::col(Servers::Revision).eq(stored.cast_signed()))
        .take();
    uow.execute(&update).await
}

/// The values of [`CHANGING`].
fn changing(server: &Server) -> [Expr; CHANGING.len()] {
    let state = server.state();
    let specification = &state.specification;
    let system = &specification.operating_system;
    [
        specification.name.as_str().into(),
        specification.cpu_cores.get().into(),
        specification.ram_mib.get().cast_signed().into(),
        specification.hdd_mib.get().cast_signed().into(),
        specification.environment.as_str().into(),
        system.name.as_str().into(),
        system.version.as_str().into(),
        system.architecture.as_str().into(),
        state.status.as_str().into(),
        state.discarded.into(),
        server.revision().cast_signed().into(),
        state.modified_at.into(),
    ]
}

/// The values of [`SEARCHED`]. What `q` finds is a line each, so that no word is found across two of them.
fn searched(server: &Server) -> [Expr; SEARCHED.len()] {
    let specification = &server.state().specification;
    let system = &specification.operating_system;
    let name = fold(system.name.as_str());
    let version = fold(system.version.as_str());
    let architecture = fold(system.architecture.as_str());
    let own = [fold(specification.name.as_str()), fold(specification.environment.as_str())];
    let found = [own[0].as_str(), &own[1], &name, &version, &architecture].join("\n");
    [name.into(), version.into(), architecture.into(), found.into()]
}
