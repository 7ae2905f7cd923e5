//! The applications on one server: what may become of them, told as events.

use servertree_kernel::domain::Changes;
use servertree_kernel::fields::{FieldError, InvalidFields};

use super::application::{Application, ApplicationId};
use super::draft::InstallationDrafts;
use super::installation::{Directories, Installation, InstallationDraft};
use super::server::ServerEvent;
use crate::error::Error;

/// Applications on one server at most.
const MAX_INSTALLATIONS: usize = 100;

const REPEATED: &str = "repeated";

/// The applications on one server, each of them once.
#[derive(Clone, Debug, Default)]
pub struct Installations(Vec<Installation>);

impl Installations {
    /// As they are stored.
    pub fn stored(installations: Vec<Installation>) -> Self {
        Self(installations)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Installation> {
        self.0.iter()
    }

    /// Whether this application is installed.
    pub fn has(&self, id: ApplicationId) -> bool {
        self.0.iter().any(|installation| installation.application.id == id)
    }

    /// Replaces them, if anything is said of them: those that are not named go, those that are named and here change, the others
    /// are new. `known` are those of the others that are known.
    pub fn replace(
        &mut self,
        drafts: InstallationDrafts,
        known: &[Application],
    ) -> Result<Vec<ServerEvent>, Error> {
        let InstallationDrafts::Replace(drafts) = drafts else { return Ok(Vec::new()) };
        self.check(&drafts, known)?;
        let is_named = |id| drafts.iter().any(|draft| draft.application_id == id);
        let all = self.0.iter().map(|installation| installation.application.id);
        let gone: Vec<ApplicationId> = all.filter(|id| !is_named(*id)).collect();
        let mut events = Vec::new();
        for id in gone {
            events.push(self.uninstall(id)?);
        }
        for draft in drafts {
            let (id, directories) = draft.split();
            events.extend(self.install(id, directories, known)?);
        }
        Ok(events)
    }

    /// One more, or the same one elsewhere.
    pub fn install(
        &mut self,
        id: ApplicationId,
        directories: Directories,
        known: &[Application],
    ) -> Result<Option<ServerEvent>, Error> {
        if let Some(installation) = self.0.iter_mut().find(|installation| installation.application.id == id) {
            return Ok(installation.change(directories));
        }
        if self.0.len() >= MAX_INSTALLATIONS {
            return Err(too_many());
        }
        let application = installable(id, known, "application_id".to_owned());
        let application = application.map_err(|fault| Error::NotInstallable(InvalidFields(vec![fault])))?;
        let installation = Installation { application: application.clone(), directories };
        self.0.push(installation.clone());
        Ok(Some(ServerEvent::ApplicationInstalled { installation }))
    }

    /// One less.
    pub fn uninstall(&mut self, application: ApplicationId) -> Result<ServerEvent, Error> {
        let position = self.0.iter().position(|installation| installation.application.id == application);
        let position = position.ok_or(Error::NotInstalled(application))?;
        Ok(ServerEvent::ApplicationUninstalled { installation: self.0.remove(position) })
    }

    /// All that can be wrong with drafts as a whole, before any of it is done.
    fn check(&self, drafts: &[InstallationDraft], known: &[Application]) -> Result<(), Error> {
        if drafts.len() > MAX_INSTALLATIONS {
            return Err(too_many());
        }
        let mut faults = Vec::new();
        for (position, draft) in drafts.iter().enumerate() {
            let (id, field) = (draft.application_id, format!("applications.{position}.application_id"));
            if drafts[..position].iter().any(|earlier| earlier.application_id == id) {
                faults.push(FieldError { field, code: REPEATED, message: "is there twice".to_owned() });
            } else if !self.has(id) {
                faults.extend(installable(id, known, field).err());
            }
        }
        if faults.is_empty() {
            Ok(())
        } else if faults.iter().any(|fault| fault.code == REPEATED) {
            Err(Error::Fields(InvalidFields(faults)))
        } else {
            Err(Error::NotInstallable(InvalidFields(faults)))
        }
    }
}

impl Installation {
    fn change(&mut self, directories: Directories) -> Option<ServerEvent> {
        let (old, new) = (&self.directories, &directories);
        let field = |name: &str| format!("applications.{}.{name}", self.application.id);
        let changes = Changes::default()
            .compare(field("install_dir"), &old.install_dir, &new.install_dir)
            .compare(field("log_dir"), &old.log_dir, &new.log_dir);
        if changes.is_empty() {
            return None;
        }
        self.directories = directories;
        Some(ServerEvent::InstallationChanged { installation: self.clone(), changes })
    }
}

/// The application, if it can be installed as far as is known; `field` names it.
fn installable(id: ApplicationId, known: &[Application], field: String) -> Result<&Application, FieldError> {
    let (code, message) = match known.iter().find(|application| application.id == id) {
        Some(application) if !application.discarded => return Ok(application),
        Some(_) => (
            "discarded_application",
            "is discarded: it stays where it is installed, and is installed nowhere else",
        ),
        None => ("unknown_application", "is no application that is known here"),
    };
    Err(FieldError { field, code, message: message.to_owned() })
}

fn too_many() -> Error {
    let message = format!("may be {MAX_INSTALLATIONS} on one server");
    let field = "applications".to_owned();
    Error::Fields(InvalidFields(vec![FieldError { field, code: "too_many", message }]))
}
