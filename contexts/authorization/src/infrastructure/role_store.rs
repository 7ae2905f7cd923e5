//! Roles, written and read one at a time.

use std::sync::Arc;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, LockType, Order, Query};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::domain::{Aggregate, WriteUow};
use shaku::Component;
use sqlx::FromRow;

use super::changes::tell;
use super::role_row::RoleRow;
use super::tables::{AuthorizationRoles, AuthorizationUserRoles};
use crate::application::remembered::{Forgotten, Remembered};
use crate::domain::{Role, RoleId, RoleName, RoleRef, Roles};
use crate::error::Error;

/// The index that keeps names unique.
const UNIQUE_NAME: &str = "ux_authorization_roles_name";

/// Keeps roles in the table `authorization_roles`.
#[derive(Component)]
#[shaku(interface = Roles)]
pub struct SqlRoles {
    #[shaku(inject)]
    remembered: Arc<dyn Remembered>,
}

#[derive(FromRow)]
struct NamedRow {
    id: RoleId,
    name: String,
}

#[async_trait]
impl Roles for SqlRoles {
    async fn get(&self, id: RoleId, uow: &mut WriteUow) -> Result<Role, Error> {
        let select = RoleRow::select().and_where(Expr::col(AuthorizationRoles::Id).eq(id)).take();
        uow.fetch_optional::<RoleRow>(&select).await?.ok_or(Error::NotFound)?.into_role()
    }

    async fn lock(&self, id: RoleId, uow: &mut WriteUow) -> Result<(), Error> {
        let select = Query::select()
            .column(AuthorizationRoles::Id)
            .from(AuthorizationRoles::Table)
            .and_where(Expr::col(AuthorizationRoles::Id).eq(id))
            .lock(LockType::Update)
            .take();
        Ok(uow.lock(&select).await?)
    }

    async fn named(&self, names: &[RoleName], uow: &mut WriteUow) -> Result<Vec<RoleRef>, Error> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let select = Query::select()
            .columns([AuthorizationRoles::Id, AuthorizationRoles::Name])
            .from(AuthorizationRoles::Table)
            .and_where(Expr::col(AuthorizationRoles::Name).is_in(names.iter().map(RoleName::as_str)))
            .order_by(AuthorizationRoles::Id, Order::Asc)
            .lock(LockType::Share)
            .take();
        let rows: Vec<NamedRow> = uow.fetch_all(&select).await?;
        let found = |name: &RoleName| {
            let row = rows.iter().find(|row| row.name == name.as_str());
            row.map(|row| RoleRef { id: row.id, name: name.clone() }).ok_or_else(|| Error::unknown_role(name))
        };
        names.iter().map(found).collect()
    }

    async fn save(&self, role: &mut Role, uow: &mut WriteUow) -> Result<(), Error> {
        if !role.recorder().has_changes() {
            return Ok(());
        }
        let stored = role.recorder().stored();
        let saved = if stored == 0 { insert(role, uow).await? } else { update(role, stored, uow).await? };
        if saved == 1 { self.saved(role, uow).await } else { Err(Error::ConcurrentChange) }
    }

    async fn remove(&self, role: &mut Role, uow: &mut WriteUow) -> Result<(), Error> {
        let id = role.state().id;
        let holder = Query::select()
            .column(AuthorizationUserRoles::RoleId)
            .from(AuthorizationUserRoles::Table)
            .and_where(Expr::col(AuthorizationUserRoles::RoleId).eq(id))
            .limit(1)
            .take();
        if uow.fetch_optional::<(RoleId,)>(&holder).await?.is_some() {
            return Err(Error::RoleInUse(role.state().specification.name.clone()));
        }
        let delete = Query::delete()
            .from_table(AuthorizationRoles::Table)
            .and_where(Expr::col(AuthorizationRoles::Id).eq(id))
            .and_where(Expr::col(AuthorizationRoles::Revision).eq(role.recorder().stored().cast_signed()))
            .take();
        if uow.execute(&delete).await? == 1 {
            self.saved(role, uow).await
        } else {
            Err(Error::ConcurrentChange)
        }
    }
}

impl SqlRoles {
    async fn saved(&self, role: &mut Role, uow: &mut WriteUow) -> Result<(), Error> {
        tell(Forgotten::Role(role.state().id), &self.remembered, uow).await?;
        Ok(uow.record(role)?)
    }
}

async fn insert(role: &Role, uow: &mut WriteUow) -> Result<u64, Error> {
    use AuthorizationRoles::{BuiltIn, CreatedAt, Grants, Id, ModifiedAt, Name, Revision, Table};
    let state = role.state();
    let insert = Query::insert()
        .into_table(Table)
        .columns([Id, BuiltIn, CreatedAt, Name, Grants, Revision, ModifiedAt])
        .values_panic([
            state.id.into(),
            false.into(),
            state.created_at.into(),
            state.specification.name.as_str().into(),
            grants_of(role)?.into(),
            role.revision().cast_signed().into(),
            state.modified_at.into(),
        ])
        .take();
    uow.execute(&insert).await.map_err(|error| refused(error, role))
}

/// Changes the row only if it is still at the revision it was read at.
async fn update(role: &Role, stored: u64, uow: &mut WriteUow) -> Result<u64, Error> {
    let state = role.state();
    let update = Query::update()
        .table(AuthorizationRoles::Table)
        .value(AuthorizationRoles::Name, state.specification.name.as_str())
        .value(AuthorizationRoles::Grants, grants_of(role)?)
        .value(AuthorizationRoles::Revision, role.revision().cast_signed())
        .value(AuthorizationRoles::ModifiedAt, state.modified_at)
        .and_where(Expr::col(AuthorizationRoles::Id).eq(state.id))
        .and_where(Expr::col(AuthorizationRoles::Revision).eq(stored.cast_signed()))
        .take();
    uow.execute(&update).await.map_err(|error| refused(error, role))
}

fn grants_of(role: &Role) -> Result<String, Error> {
    serde_json::to_string(&role.state().specification.grants)
        .map_err(|error| Error::Corrupt(error.to_string()))
}

fn refused(error: DatabaseError, role: &Role) -> Error {
    if error.violates(UNIQUE_NAME) {
        return Error::RoleNameTaken(role.state().specification.name.clone());
    }
    error.into()
}
