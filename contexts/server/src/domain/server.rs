//! A server: the aggregate.

use servertree_kernel::domain::{Aggregate, Changes, Outcome, Recorder, Revision, Timestamp, Uuid};

use super::{
    Application, ApplicationId, Credential, CredentialDraft, CredentialId, Credentials, Directories,
    Installation, Installations, RevealReason, ServerDraft, ServerId, ServerName, Specification, Status,
};
use crate::error::Error;

/// A server of the inventory.
#[derive(Clone, Debug)]
pub struct Server {
    state: ServerState,
    recorder: Recorder<ServerEvent>,
}

/// All there is to know about a server.
#[derive(Clone, Debug)]
pub struct ServerState {
    pub id: ServerId,
    pub specification: Specification,
    pub status: Status,
    pub credentials: Credentials,
    pub installations: Installations,
    /// Discarded servers are kept, but are out of the inventory.
    pub discarded: bool,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
}

/// What happens to a server, as only this context knows it; [`crate::events`] makes the public events of it.
#[derive(Clone, Debug)]
pub enum ServerEvent {
    Registered { specification: Specification, status: Status },
    Modified { changes: Changes },
    StatusChanged { old: Status, new: Status },
    Discarded { name: ServerName },
    Restored { name: ServerName },
    CredentialAdded { credential: Credential },
    CredentialChanged { credential: Credential, changes: Changes, password_changed: bool },
    CredentialRemoved { credential: Credential },
    CredentialRevealed { credential: Credential, reason: RevealReason },
    ApplicationInstalled { installation: Installation },
    InstallationChanged { installation: Installation, changes: Changes },
    ApplicationUninstalled { installation: Installation },
}

impl Server {
    /// A new server enters the inventory, stopped. `known` are those of the applications to be installed that are known.
    pub fn register(
        id: ServerId,
        draft: ServerDraft,
        known: &[Application],
        next_id: impl FnMut() -> CredentialId,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let (specification, of_credentials, of_applications) = draft.split();
        let status = Status::default();
        let (mut credentials, mut installations) = (Credentials::default(), Installations::default());
        let added = credentials.replace(of_credentials, next_id)?;
        let installed = installations.replace(of_applications, known)?;
        let mut recorder = Recorder::new();
        recorder.record(ServerEvent::Registered { specification: specification.clone(), status });
        added.into_iter().chain(installed).for_each(|event| recorder.record(event));
        let state = ServerState {
            id,
            specification,
            status,
            credentials,
            installations,
            discarded: false,
            created_at: now,
            modified_at: now,
        };
        Ok(Self { state, recorder })
    }

    /// A server as it is stored at `revision`.
    pub fn stored(state: ServerState, revision: Revision) -> Self {
        Self { state, recorder: Recorder::stored_at(revision) }
    }

    /// Of the applications that a draft names, those that are not installed yet.
    pub fn not_installed(&self, draft: &ServerDraft) -> Vec<ApplicationId> {
        draft.applications.ids().filter(|id| !self.state.installations.has(*id)).collect()
    }

    /// Everything about the server may change, but not that of a discarded one. `known` are those of the applications to be
    /// installed that are known.
    pub fn modify(
        &mut self,
        draft: ServerDraft,
        known: &[Application],
        next_id: impl FnMut() -> CredentialId,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        self.require_not_discarded()?;
        let (specification, of_credentials, of_applications) = draft.split();
        let of_credentials = self.state.credentials.replace(of_credentials, next_id)?;
        let of_applications = self.state.installations.replace(of_applications, known)?;
        let changes = changes(&self.state.specification, &specification);
        let mut outcome = Outcome::AlreadySo;
        if !changes.is_empty() {
            self.state.specification = specification;
            outcome = self.record(ServerEvent::Modified { changes }, now);
        }
        for event in of_credentials.into_iter().chain(of_applications) {
            outcome = self.record(event, now);
        }
        Ok(outcome)
    }

    /// One more way to reach the server.
    pub fn add_credential(
        &mut self,
        draft: CredentialDraft,
        id: CredentialId,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        self.require_not_discarded()?;
        let added = self.state.credentials.add(draft, id)?;
        Ok(self.record(added, now))
    }

    /// A credential is replaced; its password stays unless the draft says otherwise.
    pub fn change_credential(
        &mut self,
        id: CredentialId,
        draft: CredentialDraft,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        self.require_not_discarded()?;
        match self.state.credentials.change(id, draft)? {
            Some(changed) => Ok(self.record(changed, now)),
            None => Ok(Outcome::AlreadySo),
        }
    }

    /// One way less to reach the server.
    pub fn remove_credential(&mut self, id: CredentialId, now: Timestamp) -> Result<Outcome, Error> {
        self.require_not_discarded()?;
        let removed = self.state.credentials.remove(id)?;
        Ok(self.record(removed, now))
    }

    /// Somebody gets to see the password of a credential, also of a discarded server. That changes nothing about the server,
    /// but it is on record.
    pub fn reveal_credential(&mut self, id: CredentialId, reason: RevealReason) -> Result<(), Error> {
        let credential = self.state.credentials.get(id)?.clone();
        if !credential.password.is_some() {
            return Err(Error::NoPassword(id));
        }
        self.recorder.record(ServerEvent::CredentialRevealed { credential, reason });
        Ok(())
    }

    /// An application is installed, or is installed elsewhere from now on. `known` has it, if it is known.
    pub fn install_application(
        &mut self,
        id: ApplicationId,
        directories: Directories,
        known: &[Application],
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        self.require_not_discarded()?;
        match self.state.installations.install(id, directories, known)? {
            Some(event) => Ok(self.record(event, now)),
            None => Ok(Outcome::AlreadySo),
        }
    }

    /// An application is not there any more.
    pub fn uninstall_application(&mut self, id: ApplicationId, now: Timestamp) -> Result<Outcome, Error> {
        self.require_not_discarded()?;
        let uninstalled = self.state.installations.uninstall(id)?;
        Ok(self.record(uninstalled, now))
    }

    /// Somebody says how the server is doing, but not a discarded one.
    pub fn change_status(&mut self, status: Status, now: Timestamp) -> Result<Outcome, Error> {
        self.require_not_discarded()?;
        if self.state.status == status {
            return Ok(Outcome::AlreadySo);
        }
        let old = std::mem::replace(&mut self.state.status, status);
        Ok(self.record(ServerEvent::StatusChanged { old, new: status }, now))
    }

    /// The server leaves the inventory. Its name becomes free.
    pub fn discard(&mut self, now: Timestamp) -> Outcome {
        if self.state.discarded {
            return Outcome::AlreadySo;
        }
        self.state.discarded = true;
        let name = self.state.specification.name.clone();
        self.record(ServerEvent::Discarded { name }, now)
    }

    /// The server comes back into the inventory, under its name: whether that is still free is for the repository.
    pub fn restore(&mut self, now: Timestamp) -> Outcome {
        if !self.state.discarded {
            return Outcome::AlreadySo;
        }
        self.state.discarded = false;
        let name = self.state.specification.name.clone();
        self.record(ServerEvent::Restored { name }, now)
    }

    /// What it is now.
    pub fn state(&self) -> &ServerState {
        &self.state
    }

    /// Its revision, with what was decided since it was read.
    pub fn revision(&self) -> Revision {
        self.recorder.revision()
    }

    fn require_not_discarded(&self) -> Result<(), Error> {
        if self.state.discarded { Err(Error::Discarded(self.state.id)) } else { Ok(()) }
    }

    fn record(&mut self, event: ServerEvent, now: Timestamp) -> Outcome {
        self.state.modified_at = now;
        self.recorder.record(event);
        Outcome::Changed
    }
}

impl Aggregate for Server {
    type Event = ServerEvent;
    const CONTEXT: &'static str = "server";

    fn identity(&self) -> Uuid {
        self.state.id.into()
    }

    fn recorder(&mut self) -> &mut Recorder<ServerEvent> {
        &mut self.recorder
    }
}

fn changes(old: &Specification, new: &Specification) -> Changes {
    let (old_os, new_os) = (&old.operating_system, &new.operating_system);
    Changes::default()
        .compare("name", &old.name, &new.name)
        .compare("cpu_cores", &old.cpu_cores, &new.cpu_cores)
        .compare("ram_mib", &old.ram_mib, &new.ram_mib)
        .compare("hdd_mib", &old.hdd_mib, &new.hdd_mib)
        .compare("environment", &old.environment, &new.environment)
        .compare("operating_system.name", &old_os.name, &new_os.name)
        .compare("operating_system.version", &old_os.version, &new_os.version)
        .compare("operating_system.architecture", &old_os.architecture, &new_os.architecture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CpuCores, samples};

    const THEN: Timestamp = Timestamp::from_micros(1);
    const NOW: Timestamp = Timestamp::from_micros(2);

    fn draft(cpu_cores: u32) -> ServerDraft {
        let cpu_cores = CpuCores::parse(cpu_cores).unwrap();
        ServerDraft { cpu_cores, ..samples::draft("web-1") }
    }

    fn nobody() -> CredentialId {
        panic!("no credential is new here")
    }

    /// What was recorded. Events hold secrets, which cannot be compared: so their `Debug` is.
    fn assert_recorded(server: &Server, expected: &[ServerEvent]) {
        assert_eq!(format!("{:?}", server.recorder.events()), format!("{expected:?}"));
    }

    /// A server as it was stored, at revision 3.
    fn given(discarded: bool) -> Server {
        let id = Uuid::nil().into();
        let state =
            ServerState { discarded, ..Server::register(id, draft(4), &[], nobody, THEN).unwrap().state };
        Server::stored(state, 3)
    }

    #[test]
    fn a_new_server_is_stopped_at_revision_1() {
        let server = Server::register(Uuid::nil().into(), draft(4), &[], nobody, NOW).unwrap();
        assert_eq!((server.revision(), server.state().status), (1, Status::Stopped));
        let specification = samples::specification("web-1");
        assert_recorded(&server, &[ServerEvent::Registered { specification, status: Status::Stopped }]);
    }

    #[test]
    fn modifying_records_what_differs() {
        let mut server = given(false);
        assert_eq!(server.modify(draft(8), &[], nobody, NOW).unwrap(), Outcome::Changed);
        assert_eq!((server.revision(), server.state().modified_at), (4, NOW));
        let changes = Changes::default().compare("cpu_cores", &4, &8);
        assert_recorded(&server, &[ServerEvent::Modified { changes }]);
    }

    #[test]
    fn modifying_to_the_same_changes_nothing() {
        let mut server = given(false);
        assert_eq!(server.modify(draft(4), &[], nobody, NOW).unwrap(), Outcome::AlreadySo);
        assert_eq!((server.revision(), server.state().modified_at), (3, THEN));
    }

    #[test]
    fn a_change_of_status_is_recorded_once() {
        let mut server = given(false);
        assert_eq!(server.change_status(Status::Error, NOW).unwrap(), Outcome::Changed);
        assert_eq!(server.change_status(Status::Error, NOW).unwrap(), Outcome::AlreadySo);
        let changed = ServerEvent::StatusChanged { old: Status::Stopped, new: Status::Error };
        assert_recorded(&server, &[changed]);
        assert!(matches!(given(true).change_status(Status::Error, NOW), Err(Error::Discarded(_))));
    }

    #[test]
    fn a_discarded_server_cannot_be_modified() {
        assert!(matches!(given(true).modify(draft(8), &[], nobody, NOW), Err(Error::Discarded(_))));
        assert!(matches!(given(true).modify(draft(4), &[], nobody, NOW), Err(Error::Discarded(_))));
    }

    #[test]
    fn discarding_and_restoring_happen_once() {
        let mut server = given(false);
        assert_eq!(server.restore(NOW), Outcome::AlreadySo);
        assert_eq!(server.discard(NOW), Outcome::Changed);
        assert_eq!(server.discard(NOW), Outcome::AlreadySo);
        assert_eq!(server.restore(NOW), Outcome::Changed);
        let name = || samples::specification("web-1").name;
        let expected = [ServerEvent::Discarded { name: name() }, ServerEvent::Restored { name: name() }];
        assert_recorded(&server, &expected);
        assert_eq!(server.revision(), 4);
    }
}
