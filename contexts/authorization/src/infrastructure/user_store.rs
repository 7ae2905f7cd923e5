//! Users, written and read one at a time.

use std::sync::Arc;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, LockType, Order, Query, SelectStatement};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::domain::{Aggregate, WriteUow};
use shaku::Component;

use super::changes::tell;
use super::tables::{AuthorizationUserRoles, AuthorizationUsers};
use super::user_row::UserRow;
use crate::application::remembered::{Forgotten, Remembered};
use crate::domain::{BuiltIn, RoleRef, User, UserEvent, UserId, Username, Users};
use crate::error::Error;

/// The index that keeps names unique.
const UNIQUE_NAME: &str = "ux_authorization_users_username";

/// Keeps users in the tables `authorization_users` and `authorization_user_roles`.
#[derive(Component)]
#[shaku(interface = Users)]
pub struct SqlUsers {
    #[shaku(inject)]
    remembered: Arc<dyn Remembered>,
}

#[async_trait]
impl Users for SqlUsers {
    async fn get(&self, id: UserId, uow: &mut WriteUow) -> Result<User, Error> {
        let of_id = Expr::col((AuthorizationUsers::Table, AuthorizationUsers::Id)).eq(id);
        one(&UserRow::select(of_id), uow).await?.ok_or(Error::NotFound)
    }

    async fn lock(&self, ids: &[UserId], uow: &mut WriteUow) -> Result<(), Error> {
        let those = Expr::col(AuthorizationUsers::Id).is_in(ids.iter().copied());
        Ok(uow.lock(&locked(those)).await?)
    }

    async fn find(&self, username: &Username, uow: &mut WriteUow) -> Result<Option<User>, Error> {
        let of_name = Expr::col(AuthorizationUsers::Username).eq(username.as_str());
        uow.lock(&locked(of_name.clone())).await?;
        one(&UserRow::select(of_name), uow).await
    }

    async fn has_any(&self, uow: &mut WriteUow) -> Result<bool, Error> {
        let any =
            Query::select().column(AuthorizationUsers::Id).from(AuthorizationUsers::Table).limit(1).take();
        Ok(uow.fetch_optional::<(UserId,)>(&any).await?.is_some())
    }

    async fn active_super_admins(&self, uow: &mut WriteUow) -> Result<usize, Error> {
        let holders = Query::select()
            .column(AuthorizationUserRoles::UserId)
            .from(AuthorizationUserRoles::Table)
            .and_where(Expr::col(AuthorizationUserRoles::RoleId).eq(BuiltIn::SuperAdmin.id()))
            .take();
        let active = Expr::col(AuthorizationUsers::Active)
            .eq(true)
            .and(Expr::col(AuthorizationUsers::Id).in_subquery(holders));
        Ok(uow.fetch_all::<(UserId,)>(&locked(active)).await?.len())
    }

    async fn save(&self, user: &mut User, uow: &mut WriteUow) -> Result<(), Error> {
        if !user.recorder().has_changes() {
            return Ok(());
        }
        let stored = user.recorder().stored();
        let saved = if stored == 0 { insert(user, uow).await } else { update(user, stored, uow).await };
        match saved {
            Ok(1) => {}
            Ok(_) => return Err(Error::ConcurrentChange),
            Err(error) if error.violates(UNIQUE_NAME) => {
                return Err(Error::UsernameTaken(user.state().username.clone()));
            }
            Err(error) => return Err(error.into()),
        }
        let id = user.state().id;
        for event in user.recorder().events() {
            match event {
                UserEvent::SignedUp { roles, .. } | UserEvent::Created { roles, .. } => {
                    grant(id, roles, uow).await?;
                }
                UserEvent::RoleGranted { role, .. } => grant(id, std::slice::from_ref(role), uow).await?,
                UserEvent::RoleRevoked { role, .. } => revoke(id, role, uow).await?,
                _ => {}
            }
        }
        // Nobody remembers anything of a new one.
        if stored > 0 {
            tell(Forgotten::User(id), &self.remembered, uow).await?;
        }
        Ok(uow.record(user)?)
    }
}

/// The ids of users, to be locked: in one order, so that nobody waits for somebody who waits for them.
fn locked(condition: Expr) -> SelectStatement {
    Query::select()
        .column(AuthorizationUsers::Id)
        .from(AuthorizationUsers::Table)
        .and_where(condition)
        .order_by(AuthorizationUsers::Id, Order::Asc)
        .lock(LockType::Update)
        .take()
}

async fn one(select: &SelectStatement, uow: &mut WriteUow) -> Result<Option<User>, Error> {
    UserRow::into_user(uow.fetch_all(select).await?)
}

async fn insert(user: &User, uow: &mut WriteUow) -> Result<u64, DatabaseError> {
    use AuthorizationUsers::{Active, CreatedAt, Id, ModifiedAt, Password, Revision, Table, Username};
    let state = user.state();
    let insert = Query::insert()
        .into_table(Table)
        .columns([Id, Username, CreatedAt, Password, Active, Revision, ModifiedAt])
        .values_panic([
            state.id.into(),
            state.username.as_str().into(),
            state.created_at.into(),
            state.password.as_str().into(),
            state.active.into(),
            user.revision().cast_signed().into(),
            state.modified_at.into(),
        ])
        .take();
    uow.execute(&insert).await
}

/// Changes the row only if it is still at the revision it was read at.
async fn update(user: &User, stored: u64, uow: &mut WriteUow) -> Result<u64, DatabaseError> {
    let state = user.state();
    let update = Query::update()
        .table(AuthorizationUsers::Table)
        .value(AuthorizationUsers::Password, state.password.as_str())
        .value(AuthorizationUsers::Active, state.active)
        .value(AuthorizationUsers::Revision, user.revision().cast_signed())
        .value(AuthorizationUsers::ModifiedAt, state.modified_at)
        .and_where(Expr::col(AuthorizationUsers::Id).eq(state.id))
        .and_where(Expr::col(AuthorizationUsers::Revision).eq(stored.cast_signed()))
        .take();
    uow.execute(&update).await
}

async fn grant(user: UserId, roles: &[RoleRef], uow: &mut WriteUow) -> Result<(), DatabaseError> {
    let mut insert = Query::insert()
        .into_table(AuthorizationUserRoles::Table)
        .columns([AuthorizationUserRoles::UserId, AuthorizationUserRoles::RoleId])
        .take();
    for role in roles {
        insert.values_panic([user.into(), role.id.into()]);
    }
    uow.execute(&insert).await.map(drop)
}

async fn revoke(user: UserId, role: &RoleRef, uow: &mut WriteUow) -> Result<(), DatabaseError> {
    let delete = Query::delete()
        .from_table(AuthorizationUserRoles::Table)
        .and_where(Expr::col(AuthorizationUserRoles::UserId).eq(user))
        .and_where(Expr::col(AuthorizationUserRoles::RoleId).eq(role.id))
        .take();
    uow.execute(&delete).await.map(drop)
}
