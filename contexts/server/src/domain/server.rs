//! A server: the aggregate.

use servertree_kernel::domain::{Aggregate, Changes, Outcome, Recorder, Revision, Timestamp, Uuid};

use super::{ServerId, ServerName, Specification, Status};
use crate::error::Error;

/// A server of the inventory.
#[derive(Clone, Debug)]
pub struct Server {
    state: ServerState,
    recorder: Recorder<ServerEvent>,
}

/// All there is to know about a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerState {
    pub id: ServerId,
    pub specification: Specification,
    pub status: Status,
    /// Discarded servers are kept, but are out of the inventory.
    pub discarded: bool,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
}

/// What happens to a server, as only this context knows it; [`crate::events`] makes the public events of it.
#[derive(Clone, PartialEq, Debug)]
pub enum ServerEvent {
    Registered { specification: Specification, status: Status },
    Modified { changes: Changes },
    StatusChanged { old: Status, new: Status },
    Discarded { name: ServerName },
    Restored { name: ServerName },
}

impl Server {
    /// A new server enters the inventory, stopped.
    pub fn register(id: ServerId, specification: Specification, now: Timestamp) -> Self {
        let status = Status::default();
        let mut recorder = Recorder::new();
        recorder.record(ServerEvent::Registered { specification: specification.clone(), status });
        let state =
            ServerState { id, specification, status, discarded: false, created_at: now, modified_at: now };
        Self { state, recorder }
    }

    /// A server as it is stored at `revision`.
    pub fn stored(state: ServerState, revision: Revision) -> Self {
        Self { state, recorder: Recorder::stored_at(revision) }
    }

    /// Everything about the server may change, but not that of a discarded one.
    pub fn modify(&mut self, specification: Specification, now: Timestamp) -> Result<Outcome, Error> {
        if self.state.discarded {
            return Err(Error::Discarded(self.state.id));
        }
        let changes = changes(&self.state.specification, &specification);
        if changes.is_empty() {
            return Ok(Outcome::AlreadySo);
        }
        self.state.specification = specification;
        Ok(self.record(ServerEvent::Modified { changes }, now))
    }

    /// Somebody says how the server is doing, but not a discarded one.
    pub fn change_status(&mut self, status: Status, now: Timestamp) -> Result<Outcome, Error> {
        if self.state.discarded {
            return Err(Error::Discarded(self.state.id));
        }
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

    /// What it is now, and nothing else of it.
    pub fn into_state(self) -> ServerState {
        self.state
    }

    /// Its revision, with what was decided since it was read.
    pub fn revision(&self) -> Revision {
        self.recorder.revision()
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

    fn specification(cpu_cores: u32) -> Specification {
        let cpu_cores = CpuCores::parse(cpu_cores).unwrap();
        Specification { cpu_cores, ..samples::specification("web-1") }
    }

    /// A server as it was stored, at revision 3.
    fn given(discarded: bool) -> Server {
        let id = Uuid::nil().into();
        let state = ServerState { discarded, ..Server::register(id, specification(4), THEN).state };
        Server::stored(state, 3)
    }

    #[test]
    fn a_new_server_is_stopped_at_revision_1() {
        let server = Server::register(Uuid::nil().into(), specification(4), NOW);
        assert_eq!((server.revision(), server.state().status), (1, Status::Stopped));
        let registered = ServerEvent::Registered { specification: specification(4), status: Status::Stopped };
        assert_eq!(server.recorder.events(), [registered]);
    }

    #[test]
    fn modifying_records_what_differs() {
        let mut server = given(false);
        assert_eq!(server.modify(specification(8), NOW).unwrap(), Outcome::Changed);
        assert_eq!((server.revision(), server.state().modified_at), (4, NOW));
        let changes = Changes::default().compare("cpu_cores", &4, &8);
        assert_eq!(server.recorder.events(), [ServerEvent::Modified { changes }]);
    }

    #[test]
    fn modifying_to_the_same_changes_nothing() {
        let mut server = given(false);
        assert_eq!(server.modify(specification(4), NOW).unwrap(), Outcome::AlreadySo);
        assert_eq!((server.revision(), server.state().modified_at), (3, THEN));
    }

    #[test]
    fn a_change_of_status_is_recorded_once() {
        let mut server = given(false);
        assert_eq!(server.change_status(Status::Error, NOW).unwrap(), Outcome::Changed);
        assert_eq!(server.change_status(Status::Error, NOW).unwrap(), Outcome::AlreadySo);
        let changed = ServerEvent::StatusChanged { old: Status::Stopped, new: Status::Error };
        assert_eq!(server.recorder.events(), [changed]);
        assert!(matches!(given(true).change_status(Status::Error, NOW), Err(Error::Discarded(_))));
    }

    #[test]
    fn a_discarded_server_cannot_be_modified() {
        assert!(matches!(given(true).modify(specification(8), NOW), Err(Error::Discarded(_))));
        assert!(matches!(given(true).modify(specification(4), NOW), Err(Error::Discarded(_))));
    }

    #[test]
    fn discarding_and_restoring_happen_once() {
        let mut server = given(false);
        assert_eq!(server.restore(NOW), Outcome::AlreadySo);
        assert_eq!(server.discard(NOW), Outcome::Changed);
        assert_eq!(server.discard(NOW), Outcome::AlreadySo);
        assert_eq!(server.restore(NOW), Outcome::Changed);
        let name = || specification(4).name;
        let expected = [ServerEvent::Discarded { name: name() }, ServerEvent::Restored { name: name() }];
        assert_eq!(server.recorder.events(), expected);
        assert_eq!(server.revision(), 4);
    }
}
