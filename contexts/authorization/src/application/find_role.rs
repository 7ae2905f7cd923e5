//! Find one role; and what a role looks like from outside.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use servertree_kernel::criteria::{Criteria, Field, ListView, Slice};
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

use crate::domain::{BuiltIn, Grants, Role, RoleId, RoleName};
use crate::error::Error;

/// Find the role with this id.
pub struct FindRole {
    pub id: RoleId,
}

impl Query for FindRole {
    type Output = RoleView;
    const NAME: &'static str = "authorization.find_role";
    const NEEDS: Permission = Permission::new("read", "role");
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindRole>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn RoleViews>,
}

#[async_trait]
impl QueryHandler<FindRole> for Handler {
    async fn handle(
        &self,
        query: FindRole,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<RoleView, Failure> {
        let found = self.views.find(query.id, uow).await?.ok_or(Error::NotFound)?;
        message.access.permit(|| &found, Error::NotFound)?;
        Ok(found)
    }
}

/// Where views of roles come from.
#[async_trait]
pub trait RoleViews: Port {
    /// The role with this id.
    async fn find(&self, id: RoleId, uow: &mut ReadUow) -> Result<Option<RoleView>, DatabaseError>;

    /// A part of the list of roles.
    async fn list(
        &self,
        criteria: &Criteria<RoleView>,
        access: &Access,
        uow: &mut ReadUow,
    ) -> Result<Slice<RoleView>, Failure>;
}

/// A role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Role)]
pub struct RoleView {
    pub id: RoleId,
    /// Unique among roles.
    #[schema(value_type = RoleName)]
    pub name: String,
    /// Built-in roles do not change.
    pub built_in: bool,
    /// What it gives.
    pub grants: Grants,
    /// How many changes led to what it is now.
    #[schema(value_type = u64, example = 3, minimum = 1)]
    pub revision: Revision,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub modified_at: Timestamp,
}

impl Representation for RoleView {
    fn revision(&self) -> Revision {
        self.revision
    }
}

impl From<&Role> for RoleView {
    fn from(role: &Role) -> Self {
        let state = role.state();
        Self {
            id: state.id,
            name: state.specification.name.to_string(),
            built_in: BuiltIn::find(state.id).is_some(),
            grants: state.specification.grants.clone(),
            revision: role.revision(),
            created_at: state.created_at,
            modified_at: state.modified_at,
        }
    }
}

/// What permissions on roles are about.
pub const OBJECT: ObjectType = ObjectType {
    name: "role",
    actions: &["read", "create", "update", "remove"],
    fields: RoleView::FIELDS,
    audience: Audience::Administration,
};

const ID: Field = Field::id("id", "id");
const NAME: Field = Field::name("name", "name", "name").sortable();

impl ListView for RoleView {
    const FIELDS: &'static [Field] = &[
        ID,
        NAME,
        Field::boolean("built_in", "built_in"),
        Field::integer("revision", "revision").sortable(),
        Field::time("created_at", "created_at").sortable(),
        Field::time("modified_at", "modified_at").sortable(),
    ];
    const DEFAULT_SORT: &'static Field = &NAME;
    const ID: &'static Field = &ID;
    const SEARCH_COLUMN: &'static str = "name";
    const SHOWN: &'static [&'static str] =
        &["id", "name", "built_in", "grants", "revision", "created_at", "modified_at"];
}
