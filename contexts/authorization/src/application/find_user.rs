//! Find one user; and what a user looks like from outside.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use servertree_kernel::criteria::{Criteria, Field, ListView, Part, Slice};
use servertree_kernel::database::DatabaseError;
use servertree_kernel::domain::{Port, Revision, Timestamp};
use servertree_kernel::http::Representation;
use servertree_kernel::message::Message;
use servertree_kernel::permission::{Access, Audience, ObjectType, Permission};
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;
use utoipa::ToSchema;

use crate::domain::{RoleName, User, UserId, Username};
use crate::error::Error;

/// Find the user with this id.
pub struct FindUser {
    pub id: UserId,
}

impl Query for FindUser {
    type Output = UserView;
    const NAME: &'static str = "authorization.find_user";
    const NEEDS: Permission = Permission::new("read", "user");
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindUser>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn UserViews>,
}

#[async_trait]
impl QueryHandler<FindUser> for Handler {
    async fn handle(
        &self,
        query: FindUser,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<UserView, Failure> {
        let found = self.views.find(query.id, uow).await?.ok_or(Error::NotFound)?;
        message.access.permit(|| &found, Error::NotFound)?;
        Ok(found)
    }
}

/// Where views of users come from.
#[async_trait]
pub trait UserViews: Port {
    /// The user with this id.
    async fn find(&self, id: UserId, uow: &mut ReadUow) -> Result<Option<UserView>, DatabaseError>;

    /// A part of the list of users.
    async fn list(
        &self,
        criteria: &Criteria<UserView>,
        access: &Access,
        uow: &mut ReadUow,
    ) -> Result<Slice<UserView>, Failure>;
}

/// A user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    pub id: UserId,
    /// The name to log in with. It never changes.
    #[schema(value_type = Username)]
    pub username: String,
    /// The names of their roles.
    #[schema(value_type = Vec<RoleName>)]
    pub roles: Vec<String>,
    /// Whether they can log in.
    pub active: bool,
    /// How many changes led to what they are now.
    #[schema(value_type = u64, example = 3, minimum = 1)]
    pub revision: Revision,
    /// When they signed up, or were created.
    pub created_at: Timestamp,
    /// When they were changed last.
    pub modified_at: Timestamp,
}

impl Representation for UserView {
    fn revision(&self) -> Revision {
        self.revision
    }
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        let state = user.state();
        Self {
            id: state.id,
            username: state.username.to_string(),
            roles: state.roles.iter().map(|role| role.name.to_string()).collect(),
            active: state.active,
            revision: user.revision(),
            created_at: state.created_at,
            modified_at: state.modified_at,
        }
    }
}

/// What permissions on users are about.
pub const OBJECT: ObjectType = ObjectType {
    name: "user",
    actions: &[
        "read",
        "create",
        "inactivate",
        "reactivate",
        "set_password",
        "set_roles",
        "grant_admin",
        "revoke_admin",
    ],
    fields: UserView::FIELDS,
    audience: Audience::Administration,
};

const ID: Field = Field::id("id", "id");
const USERNAME: Field = Field::name("username", "username", "username").sortable();
const ROLES: Part =
    Part { name: "roles", table: "authorization_user_role_names", owner: "user_id", id: "id", joined: None };

impl ListView for UserView {
    const FIELDS: &'static [Field] = &[
        ID,
        USERNAME,
        Field::any_of(&ROLES),
        Field::name("roles.name", "name", "name").of(&ROLES),
        Field::boolean("active", "active"),
        Field::integer("revision", "revision").sortable(),
        Field::time("created_at", "created_at").sortable(),
        Field::time("modified_at", "modified_at").sortable(),
    ];
    const DEFAULT_SORT: &'static Field = &USERNAME;
    const ID: &'static Field = &ID;
    const SEARCH_COLUMN: &'static str = "username";
    const SHOWN: &'static [&'static str] =
        &["id", "username", "roles", "active", "revision", "created_at", "modified_at"];
}
