//! Users as they are looked at: SQL straight to view structs.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::domain::Timestamp;
use servertree_kernel::permission::Access;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::ReadUow;
use shaku::Component;
use sqlx::FromRow;

use super::tables::{AuthorizationUserRoleNames, AuthorizationUsers};
use crate::application::find_user::{UserView, UserViews};
use crate::domain::UserId;

/// Reads views from the tables `authorization_users` and `authorization_user_roles`.
#[derive(Component)]
#[shaku(interface = UserViews)]
pub struct SqlUserViews {}

#[derive(FromRow)]
struct UserViewRow {
    id: UserId,
    username: String,
    active: bool,
    revision: i64,
    created_at: Timestamp,
    modified_at: Timestamp,
}

#[derive(FromRow)]
struct RoleNameRow {
    user_id: UserId,
    name: String,
}

impl UserViewRow {
    fn select() -> SelectStatement {
        use AuthorizationUsers::{Active, CreatedAt, Id, ModifiedAt, Revision, Table, Username};
        let columns = [Id, Username, Active, Revision, CreatedAt, ModifiedAt];
        Query::select().columns(columns.map(|column| (Table, column))).from(Table).take()
    }
}

impl From<UserViewRow> for UserView {
    fn from(row: UserViewRow) -> Self {
        Self {
            id: row.id,
            username: row.username,
            roles: Vec::new(),
            active: row.active,
            revision: row.revision.unsigned_abs(),
            created_at: row.created_at,
            modified_at: row.modified_at,
        }
    }
}

#[async_trait]
impl UserViews for SqlUserViews {
    async fn find(&self, id: UserId, uow: &mut ReadUow) -> Result<Option<UserView>, DatabaseError> {
        uow.snapshot();
        let of_id = Expr::col((AuthorizationUsers::Table, AuthorizationUsers::Id)).eq(id);
        let row: Option<UserViewRow> =
            uow.fetch_optional(&UserViewRow::select().and_where(of_id).take()).await?;
        let Some(row) = row else { return Ok(None) };
        let mut users = [UserView::from(row)];
        add_roles(&mut users, uow).await?;
        let [user] = users;
        Ok(Some(user))
    }

    async fn list(
        &self,
        criteria: &Criteria<UserView>,
        access: &Access,
        uow: &mut ReadUow,
    ) -> Result<Slice<UserView>, Failure> {
        uow.snapshot();
        let mut slice = criteria.fetch::<UserViewRow>(UserViewRow::select(), &access.scope(), uow).await?;
        if criteria.shows("roles") && !slice.items.is_empty() {
            add_roles(&mut slice.items, uow).await?;
        }
        Ok(slice)
    }
}

/// One statement, however many users there are.
async fn add_roles(users: &mut [UserView], uow: &mut ReadUow) -> Result<(), DatabaseError> {
    use AuthorizationUserRoleNames::{Id, Name, Table, UserId as OfUser};
    let select = Query::select()
        .columns([OfUser, Name])
        .from(Table)
        .and_where(Expr::col(OfUser).is_in(users.iter().map(|user| user.id)))
        .order_by(Id, Order::Asc)
        .take();
    let mut roles: HashMap<UserId, Vec<String>> = HashMap::new();
    for row in uow.fetch_all::<RoleNameRow>(&select).await? {
        roles.entry(row.user_id).or_default().push(row.name);
    }
    for user in users {
        user.roles = roles.remove(&user.id).unwrap_or_default();
    }
    Ok(())
}
