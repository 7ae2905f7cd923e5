//! Find one server; and what a server looks like from outside.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use servertree_kernel::cache::{Cache, Key};
use servertree_kernel::criteria::{
    Condition, Criteria, Field, Filter, Joined, ListView, Operand, Part, Slice,
};
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

use super::find_credential::{self, CredentialView};
use super::follow_applications::KNOWN_APPLICATIONS;
use super::installation_view::InstallationView;
use crate::domain::{
    ApplicationId, CpuCores, Environment, HddMib, OperatingSystem, RamMib, Server, ServerId, ServerName,
    Status,
};
use crate::error::Error;

/// Find the server with this id, discarded or not.
pub struct FindServer {
    pub id: ServerId,
}

impl Query for FindServer {
    type Output = ServerView;
    const NAME: &'static str = "server.find_server";
    const NEEDS: Permission = Permission::new("read", "server");
    const ALSO: &'static [Permission] = &[find_credential::READ];
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindServer>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn ServerViews>,
    #[shaku(inject)]
    cache: Arc<dyn Cache>,
}

/// How long a server is kept in the cache; it is forgotten with each event of it, and when an application changes.
const KEEP: Duration = Duration::from_mins(1);

#[async_trait]
impl QueryHandler<FindServer> for Handler {
    async fn handle(
        &self,
        query: FindServer,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<ServerView, Failure> {
        let key = Key::new(format!("server.find_server:{}", query.id))
            .tagged(query.id.to_string())
            .tagged(KNOWN_APPLICATIONS);
        let load = async {
            uow.latest();
            Ok(self.views.find(query.id, uow).await?)
        };
        let found: Option<ServerView> = self.cache.get_or_load_json(key, KEEP, load).await?;
        let found = found.ok_or(Error::NotFound(query.id))?;
        message.access.permit(|| &found, Error::NotFound(query.id))?;
        Ok(found.seen_with(&message.access))
    }
}

/// Where views of servers come from.
#[async_trait]
pub trait ServerViews: Port {
    /// The server with this id.
    async fn find(&self, id: ServerId, uow: &mut ReadUow) -> Result<Option<ServerView>, DatabaseError>;

    /// A part of the list of those servers that are `among` these, as far as the caller may see them.
    async fn list(
        &self,
        criteria: &Criteria<ServerView>,
        among: Filter,
        access: &Access,
        uow: &mut ReadUow,
    ) -> Result<Slice<ServerView>, Failure>;

    /// Whether there ever was an application with this id.
    async fn knows_application(&self, id: ApplicationId, uow: &mut ReadUow) -> Result<bool, DatabaseError>;
}

/// A server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Server)]
pub struct ServerView {
    pub id: ServerId,
    /// Unique among the servers that are not discarded, without regard to case.
    #[schema(value_type = ServerName)]
    pub name: String,
    /// How many processor cores.
    #[schema(value_type = CpuCores)]
    pub cpu_cores: u64,
    /// How much memory, in MiB.
    #[schema(value_type = RamMib)]
    pub ram_mib: u64,
    /// How much disk space, in MiB.
    #[schema(value_type = HddMib)]
    pub hdd_mib: u64,
    /// What it is for.
    #[schema(value_type = Environment)]
    pub environment: String,
    /// What runs it.
    #[schema(value_type = OperatingSystem)]
    pub operating_system: OperatingSystemView,
    /// How it is doing; a new one is stopped.
    #[schema(value_type = Status)]
    pub status: String,
    /// How it is reached, the oldest first. Not there for those who may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<CredentialView>, required = false)]
    pub credentials: Option<Vec<CredentialView>>,
    /// What is installed on it, by name and version.
    pub applications: Vec<InstallationView>,
    /// Whether it was discarded: kept, but out of the inventory.
    pub discarded: bool,
    /// How many changes led to what it is now.
    #[schema(value_type = u64, example = 3, minimum = 1)]
    pub revision: Revision,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub modified_at: Timestamp,
}

/// What runs a server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OperatingSystemView {
    pub name: String,
    pub version: String,
    pub architecture: String,
}

impl ServerView {
    /// What of it the caller may see.
    pub fn seen_with(mut self, access: &Access) -> Self {
        if !access.covers(find_credential::READ, || &self) {
            self.credentials = None;
        }
        self
    }

    /// Those on which this application is installed.
    pub fn with_application(id: ApplicationId) -> Filter {
        let conditions = vec![(&APPLICATION_ID, Condition::Equal(Operand::Id(id.into())))];
        Filter::Part { part: &APPLICATIONS, conditions, none: false }
    }
}

#[cfg(test)]
impl ServerView {
    /// Its credentials, which a test gets to see.
    pub fn shown_credentials(&self) -> &[CredentialView] {
        self.credentials.as_deref().expect("credentials that are shown")
    }
}

impl Representation for ServerView {
    fn revision(&self) -> Revision {
        self.revision
    }
}

/// What permissions on servers are about.
pub const OBJECT: ObjectType = ObjectType {
    name: "server",
    actions: &["read", "create", "update", "discard", "restore"],
    fields: ServerView::FIELDS,
    audience: Audience::Inventory,
};

const ID: Field = Field::id("id", "id");
const NAME: Field = Field::name("name", "name", "name_key").sortable();

const CREDENTIALS: Part =
    Part { name: "credentials", table: "server_credentials", owner: "server_id", id: "id", joined: None };

const APPLICATIONS: Part = Part {
    name: "applications",
    table: "server_installations",
    owner: "server_id",
    id: "id",
    joined: Some(Joined { table: "server_applications", by: "application_id" }),
};

const APPLICATION_ID: Field = Field::id("applications.application_id", "application_id").of(&APPLICATIONS);
const APPLICATION_NAME: Field = Field::name("applications.name", "name", "name_key").of_joined(&APPLICATIONS);

impl ListView for ServerView {
    const FIELDS: &'static [Field] = &[
        ID,
        NAME,
        Field::integer("cpu_cores", "cpu_cores").sortable(),
        Field::integer("ram_mib", "ram_mib").sortable(),
        Field::integer("hdd_mib", "hdd_mib").sortable(),
        Field::text("environment", "environment", "environment").sortable(),
        Field::text("operating_system.name", "os_name", "os_name_key").sortable(),
        Field::text("operating_system.version", "os_version", "os_version_key").sortable(),
        Field::text("operating_system.architecture", "os_architecture", "os_architecture_key").sortable(),
        Field::one_of("status", "status", Status::NAMES).sortable(),
        Field::boolean("discarded", "discarded"),
        Field::integer("revision", "revision").sortable(),
        Field::time("created_at", "created_at").sortable(),
        Field::time("modified_at", "modified_at").sortable(),
        Field::any_of(&CREDENTIALS),
        Field::id("credentials.id", "id").of(&CREDENTIALS),
        Field::text("credentials.connection_type", "connection_type", "connection_type").of(&CREDENTIALS),
        Field::text("credentials.username", "username", "username_key").of(&CREDENTIALS),
        Field::address("credentials.local_ip", "local_ip", "local_ip_key").of(&CREDENTIALS),
        Field::integer("credentials.local_port", "local_port").of(&CREDENTIALS),
        Field::address("credentials.public_ip", "public_ip", "public_ip_key").of(&CREDENTIALS),
        Field::integer("credentials.public_port", "public_port").of(&CREDENTIALS),
        Field::any_of(&APPLICATIONS),
        APPLICATION_ID,
        APPLICATION_NAME,
        Field::text("applications.version", "version", "version_key").of_joined(&APPLICATIONS),
        Field::boolean("applications.application_discarded", "discarded").of_joined(&APPLICATIONS),
        Field::text("applications.install_dir", "install_dir", "install_dir_key").of(&APPLICATIONS),
        Field::text("applications.log_dir", "log_dir", "log_dir_key").of(&APPLICATIONS),
    ];
    const DEFAULT_SORT: &'static Field = &NAME;
    const ID: &'static Field = &ID;
    const SEARCH_COLUMN: &'static str = "search_key";
    const SEARCHED_PARTS: &'static [&'static Field] = &[&APPLICATION_NAME];
    const SHOWN: &'static [&'static str] = &[
        "id",
        "name",
        "cpu_cores",
        "ram_mib",
        "hdd_mib",
        "environment",
        "operating_system",
        "status",
        "credentials",
        "applications",
        "discarded",
        "revision",
        "created_at",
        "modified_at",
    ];
}

impl From<&Server> for ServerView {
    fn from(server: &Server) -> Self {
        let state = server.state();
        let specification = &state.specification;
        let system = &specification.operating_system;
        Self {
            id: state.id,
            name: specification.name.to_string(),
            cpu_cores: specification.cpu_cores.get().into(),
            ram_mib: specification.ram_mib.get(),
            hdd_mib: specification.hdd_mib.get(),
            environment: specification.environment.to_string(),
            operating_system: OperatingSystemView {
                name: system.name.to_string(),
                version: system.version.to_string(),
                architecture: system.architecture.to_string(),
            },
            status: state.status.as_str().to_owned(),
            credentials: Some(state.credentials.iter().map(Into::into).collect()),
            applications: InstallationView::sorted(state.installations.iter().map(Into::into).collect()),
            discarded: state.discarded,
            revision: server.revision(),
            created_at: state.created_at,
            modified_at: state.modified_at,
        }
    }
}
