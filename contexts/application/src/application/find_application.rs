//! Find one application; and what an application looks like from outside.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use servertree_kernel::cache::{Cache, Key};
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

use crate::domain::{Application, ApplicationId, ApplicationName, ApplicationVersion, Architect};
use crate::error::Error;

/// Find the application with this id, discarded or not.
pub struct FindApplication {
    pub id: ApplicationId,
}

impl Query for FindApplication {
    type Output = ApplicationView;
    const NAME: &'static str = "application.find_application";
    const NEEDS: Permission = Permission::new("read", "application");
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindApplication>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn ApplicationViews>,
    #[shaku(inject)]
    cache: Arc<dyn Cache>,
}

/// How long an application is kept in the cache; it is forgotten with each event of it.
const KEEP: Duration = Duration::from_mins(1);

#[async_trait]
impl QueryHandler<FindApplication> for Handler {
    async fn handle(
        &self,
        query: FindApplication,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<ApplicationView, Failure> {
        let key = Key::new(format!("application.find_application:{}", query.id)).tagged(query.id.to_string());
        let load = async {
            uow.latest();
            Ok(self.views.find(query.id, uow).await?)
        };
        let found: Option<ApplicationView> = self.cache.get_or_load_json(key, KEEP, load).await?;
        let found = found.ok_or(Error::NotFound(query.id))?;
        message.access.permit(|| &found, Error::NotFound(query.id))?;
        Ok(found)
    }
}

/// Where views of applications come from.
#[async_trait]
pub trait ApplicationViews: Port {
    /// The application with this id.
    async fn find(
        &self,
        id: ApplicationId,
        uow: &mut ReadUow,
    ) -> Result<Option<ApplicationView>, DatabaseError>;

    /// A part of the list of applications, as far as the caller may see them.
    async fn list(
        &self,
        criteria: &Criteria<ApplicationView>,
        access: &Access,
        uow: &mut ReadUow,
    ) -> Result<Slice<ApplicationView>, Failure>;
}

/// An application.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Application)]
pub struct ApplicationView {
    pub id: ApplicationId,
    /// Unique, with the version, among the applications that are not discarded, without regard to case.
    #[schema(value_type = ApplicationName)]
    pub name: String,
    /// Which version of it.
    #[schema(value_type = ApplicationVersion)]
    pub version: String,
    /// Who answers for it.
    #[schema(value_type = Architect)]
    pub architect: String,
    /// Whether it was discarded: kept, but out of the catalogue.
    pub discarded: bool,
    /// How many changes led to what it is now.
    #[schema(value_type = u64, example = 3, minimum = 1)]
    pub revision: Revision,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub modified_at: Timestamp,
}

impl Representation for ApplicationView {
    fn revision(&self) -> Revision {
        self.revision
    }
}

/// What permissions on applications are about.
pub const OBJECT: ObjectType = ObjectType {
    name: "application",
    actions: &["read", "create", "update", "discard", "restore"],
    fields: ApplicationView::FIELDS,
    audience: Audience::Inventory,
};

const ID: Field = Field::id("id", "id");
const NAME: Field = Field::name("name", "name", "name_key").sortable();

impl ListView for ApplicationView {
    const FIELDS: &'static [Field] = &[
        ID,
        NAME,
        Field::text("version", "version", "version_key").sortable(),
        Field::text("architect", "architect", "architect_key").sortable(),
        Field::boolean("discarded", "discarded"),
        Field::integer("revision", "revision").sortable(),
        Field::time("created_at", "created_at").sortable(),
        Field::time("modified_at", "modified_at").sortable(),
    ];
    const DEFAULT_SORT: &'static Field = &NAME;
    const ID: &'static Field = &ID;
    const SEARCH_COLUMN: &'static str = "search_key";
    const SHOWN: &'static [&'static str] =
        &["id", "name", "version", "architect", "discarded", "revision", "created_at", "modified_at"];
}

impl From<&Application> for ApplicationView {
    fn from(application: &Application) -> Self {
        let state = application.state();
        let specification = &state.specification;
        Self {
            id: state.id,
            name: specification.name.to_string(),
            version: specification.version.to_string(),
            architect: specification.architect.to_string(),
            discarded: state.discarded,
            revision: application.revision(),
            created_at: state.created_at,
            modified_at: state.modified_at,
        }
    }
}
