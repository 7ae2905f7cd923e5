//! What an application on a server looks like from outside.

use serde::{Deserialize, Serialize};
use servertree_kernel::criteria::fold;
use utoipa::ToSchema;

use crate::domain::{ApplicationId, Directory, Installation};

/// An application that is installed on a server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Installation)]
pub struct InstallationView {
    /// Which application.
    pub application_id: ApplicationId,
    /// What it is called now.
    #[schema(example = "nginx")]
    pub name: String,
    /// Its version.
    #[schema(example = "1.27")]
    pub version: String,
    /// Whether it was discarded: it stays where it is installed, and is installed nowhere else.
    pub application_discarded: bool,
    /// Where it is.
    #[schema(value_type = Directory)]
    pub install_dir: String,
    /// Where it writes its log.
    #[schema(value_type = Directory)]
    pub log_dir: String,
}

impl InstallationView {
    /// In the order in which they are shown: by name without regard to case, then by version.
    pub fn sorted(mut views: Vec<Self>) -> Vec<Self> {
        views.sort_by_cached_key(|view| (fold(&view.name), view.version.clone(), view.application_id));
        views
    }
}

impl From<&Installation> for InstallationView {
    fn from(installation: &Installation) -> Self {
        let (application, directories) = (&installation.application, &installation.directories);
        Self {
            application_id: application.id,
            name: application.name.clone(),
            version: application.version.clone(),
            application_discarded: application.discarded,
            install_dir: directories.install_dir.to_string(),
            log_dir: directories.log_dir.to_string(),
        }
    }
}
