//! An application: the aggregate.

use servertree_kernel::domain::{Aggregate, Changes, Outcome, Recorder, Revision, Timestamp, Uuid};

use super::{ApplicationId, ApplicationName, ApplicationVersion, Specification};
use crate::error::Error;

/// An application of the catalogue.
#[derive(Clone, Debug)]
pub struct Application {
    state: ApplicationState,
    recorder: Recorder<ApplicationEvent>,
}

/// All there is to know about an application.
#[derive(Clone, Debug)]
pub struct ApplicationState {
    pub id: ApplicationId,
    pub specification: Specification,
    /// Discarded applications are kept, but are out of the catalogue.
    pub discarded: bool,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
}

/// What happens to an application, as only this context knows it; [`crate::events`] makes the public events of it.
#[derive(Clone, PartialEq, Debug)]
pub enum ApplicationEvent {
    Registered { specification: Specification },
    Modified { changes: Changes },
    Discarded { name: ApplicationName, version: ApplicationVersion },
    Restored { name: ApplicationName, version: ApplicationVersion },
}

impl Application {
    /// A new application enters the catalogue.
    pub fn register(id: ApplicationId, specification: Specification, now: Timestamp) -> Self {
        let mut recorder = Recorder::new();
        recorder.record(ApplicationEvent::Registered { specification: specification.clone() });
        let state =
            ApplicationState { id, specification, discarded: false, created_at: now, modified_at: now };
        Self { state, recorder }
    }

    /// An application as it is stored at `revision`.
    pub fn stored(state: ApplicationState, revision: Revision) -> Self {
        Self { state, recorder: Recorder::stored_at(revision) }
    }

    /// Everything about the application may change, but not that of a discarded one.
    pub fn modify(&mut self, specification: Specification, now: Timestamp) -> Result<Outcome, Error> {
        if self.state.discarded {
            return Err(Error::Discarded(self.state.id));
        }
        let changes = changes(&self.state.specification, &specification);
        if changes.is_empty() {
            return Ok(Outcome::AlreadySo);
        }
        self.state.specification = specification;
        Ok(self.record(ApplicationEvent::Modified { changes }, now))
    }

    /// The application leaves the catalogue. Its name and version become free.
    pub fn discard(&mut self, now: Timestamp) -> Outcome {
        if self.state.discarded {
            return Outcome::AlreadySo;
        }
        self.state.discarded = true;
        let Specification { name, version, .. } = self.state.specification.clone();
        self.record(ApplicationEvent::Discarded { name, version }, now)
    }

    /// The application comes back into the catalogue, under its name and version: whether they are still free is for the
    /// repository.
    pub fn restore(&mut self, now: Timestamp) -> Outcome {
        if !self.state.discarded {
            return Outcome::AlreadySo;
        }
        self.state.discarded = false;
        let Specification { name, version, .. } = self.state.specification.clone();
        self.record(ApplicationEvent::Restored { name, version }, now)
    }

    /// What it is now.
    pub fn state(&self) -> &ApplicationState {
        &self.state
    }

    /// Its revision, with what was decided since it was read.
    pub fn revision(&self) -> Revision {
        self.recorder.revision()
    }

    fn record(&mut self, event: ApplicationEvent, now: Timestamp) -> Outcome {
        self.state.modified_at = now;
        self.recorder.record(event);
        Outcome::Changed
    }
}

impl Aggregate for Application {
    type Event = ApplicationEvent;
    const CONTEXT: &'static str = "application";

    fn identity(&self) -> Uuid {
        self.state.id.into()
    }

    fn recorder(&mut self) -> &mut Recorder<ApplicationEvent> {
        &mut self.recorder
    }
}

fn changes(old: &Specification, new: &Specification) -> Changes {
    Changes::default()
        .compare("name", &old.name, &new.name)
        .compare("version", &old.version, &new.version)
        .compare("architect", &old.architect, &new.architect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::specification;

    const THEN: Timestamp = Timestamp::from_micros(1);
    const NOW: Timestamp = Timestamp::from_micros(2);

    /// An application as it was stored, at revision 3.
    fn given(discarded: bool) -> Application {
        let nginx = Application::register(Uuid::nil().into(), specification("nginx", "1.27"), THEN);
        Application::stored(ApplicationState { discarded, ..nginx.state }, 3)
    }

    #[test]
    fn a_new_application_is_at_revision_1() {
        let nginx = Application::register(Uuid::nil().into(), specification("nginx", "1.27"), NOW);
        assert_eq!((nginx.revision(), nginx.state().discarded, nginx.state().created_at), (1, false, NOW));
        let specification = specification("nginx", "1.27");
        assert_eq!(nginx.recorder.events(), [ApplicationEvent::Registered { specification }]);
    }

    #[test]
    fn modifying_records_what_differs() {
        let mut nginx = given(false);
        assert_eq!(nginx.modify(specification("nginx", "1.28"), NOW).unwrap(), Outcome::Changed);
        assert_eq!((nginx.revision(), nginx.state().modified_at), (4, NOW));
        let changes = Changes::default().compare("version", &"1.27", &"1.28");
        assert_eq!(nginx.recorder.events(), [ApplicationEvent::Modified { changes }]);
    }

    #[test]
    fn modifying_to_the_same_changes_nothing() {
        let mut nginx = given(false);
        assert_eq!(nginx.modify(specification("nginx", "1.27"), NOW).unwrap(), Outcome::AlreadySo);
        assert_eq!((nginx.revision(), nginx.state().modified_at), (3, THEN));
    }

    #[test]
    fn a_discarded_application_cannot_be_modified() {
        for version in ["1.27", "1.28"] {
            let refused = given(true).modify(specification("nginx", version), NOW);
            assert!(matches!(refused, Err(Error::Discarded(_))), "{version}");
        }
    }

    #[test]
    fn discarding_and_restoring_happen_once() {
        let mut nginx = given(false);
        assert_eq!(nginx.restore(NOW), Outcome::AlreadySo);
        assert_eq!(nginx.discard(NOW), Outcome::Changed);
        assert_eq!(nginx.discard(NOW), Outcome::AlreadySo);
        assert_eq!(nginx.restore(NOW), Outcome::Changed);
        let Specification { name, version, .. } = specification("nginx", "1.27");
        let discarded = ApplicationEvent::Discarded { name: name.clone(), version: version.clone() };
        assert_eq!(nginx.recorder.events(), [discarded, ApplicationEvent::Restored { name, version }]);
        assert_eq!(nginx.revision(), 4);
    }
}
