//! What people say about a server.

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use servertree_kernel::fields::{FieldErrors, Replaceable};
use utoipa::ToSchema;

use super::application::ApplicationId;
use super::credential::CredentialDraft;
use super::installation::InstallationDraft;
use super::values::{CpuCores, Environment, HddMib, OperatingSystem, RamMib, ServerName, Specification};

/// All that people say about a server.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
#[schema(as = ServerDraft)]
pub struct ServerDraft {
    /// Unique among the servers that are not discarded, without regard to case.
    pub name: ServerName,
    /// How many processor cores.
    pub cpu_cores: CpuCores,
    /// How much memory, in MiB.
    pub ram_mib: RamMib,
    /// How much disk space, in MiB.
    pub hdd_mib: HddMib,
    /// What it is for.
    pub environment: Environment,
    /// What runs it.
    pub operating_system: OperatingSystem,
    /// How it is reached, 100 at most. One with the `id` of a credential of this server is that one; without an `id` it is
    /// new; those that are not named are removed. Not there: all stay as they are, since not everybody gets to see them.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<CredentialDraft>>, nullable = false, max_items = 100)]
    pub credentials: CredentialDrafts,
    /// What is installed on it, 100 applications at most, each once. One that is named and not installed yet must not be
    /// discarded; those that are not named are uninstalled. Not there: all stay as they are.
    #[deserr(default)]
    #[schema(value_type = Option<Vec<InstallationDraft>>, nullable = false, max_items = 100)]
    pub applications: InstallationDrafts,
}

/// What people say about the credentials of a server.
#[derive(Clone, Debug, Default)]
pub enum CredentialDrafts {
    /// Nothing.
    #[default]
    Keep,
    /// All there are to be.
    Replace(Vec<CredentialDraft>),
}

/// What people say about the applications on a server.
#[derive(Clone, Debug, Default)]
pub enum InstallationDrafts {
    /// Nothing.
    #[default]
    Keep,
    /// All there are to be.
    Replace(Vec<InstallationDraft>),
}

impl InstallationDrafts {
    /// The applications that it names.
    pub fn ids(&self) -> impl Iterator<Item = ApplicationId> {
        let drafts = match self {
            Self::Keep => &[][..],
            Self::Replace(drafts) => drafts,
        };
        drafts.iter().map(|draft| draft.application_id)
    }
}

impl Deserr<FieldErrors> for InstallationDrafts {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        Vec::deserialize_from_value(value, location).map(Self::Replace)
    }
}

impl Deserr<FieldErrors> for CredentialDrafts {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        Vec::deserialize_from_value(value, location).map(Self::Replace)
    }
}

impl ServerDraft {
    /// Whether it says anything of its credentials.
    pub fn names_credentials(&self) -> bool {
        matches!(self.credentials, CredentialDrafts::Replace(_))
    }

    /// What it says of the server itself, of its credentials, and of the applications on it.
    pub fn split(self) -> (Specification, CredentialDrafts, InstallationDrafts) {
        let specification = Specification {
            name: self.name,
            cpu_cores: self.cpu_cores,
            ram_mib: self.ram_mib,
            hdd_mib: self.hdd_mib,
            environment: self.environment,
            operating_system: self.operating_system,
        };
        (specification, self.credentials, self.applications)
    }
}

impl Replaceable for ServerDraft {
    const FILLED_IN: &'static [&'static str] =
        &["id", "status", "discarded", "revision", "created_at", "modified_at"];
}
