//! The public events of this context: a contract with whoever listens. Fields are added, never changed in meaning.

use serde::Serialize;
use servertree_kernel::domain::Changes;
use servertree_kernel::event::{EventType, PublicEvent, Publication};
use utoipa::ToSchema;

use crate::domain::{ApplicationEvent, ApplicationName, ApplicationVersion, Specification};

/// All of them.
pub static ALL: &[EventType] = &[
    EventType::of::<ApplicationRegistered>(),
    EventType::of::<ApplicationModified>(),
    EventType::of::<ApplicationDiscarded>(),
    EventType::of::<ApplicationRestored>(),
];

/// An application entered the catalogue.
#[derive(Serialize, ToSchema)]
struct ApplicationRegistered {
    #[serde(flatten)]
    specification: Specification,
}

/// Something about an application changed: each field with its value before and after.
#[derive(Serialize, ToSchema)]
struct ApplicationModified {
    changes: Changes,
}

/// An application left the catalogue; its name and version are free.
#[derive(Serialize, ToSchema)]
struct ApplicationDiscarded {
    name: ApplicationName,
    version: ApplicationVersion,
}

/// A discarded application came back into the catalogue.
#[derive(Serialize, ToSchema)]
struct ApplicationRestored {
    name: ApplicationName,
    version: ApplicationVersion,
}

impl PublicEvent for ApplicationRegistered {
    const TYPE: &'static str = "application.registered";
}

impl PublicEvent for ApplicationModified {
    const TYPE: &'static str = "application.modified";
}

impl PublicEvent for ApplicationDiscarded {
    const TYPE: &'static str = "application.discarded";
}

impl PublicEvent for ApplicationRestored {
    const TYPE: &'static str = "application.restored";
}

impl From<ApplicationEvent> for Publication {
    fn from(event: ApplicationEvent) -> Self {
        match event {
            ApplicationEvent::Registered { specification } => {
                Self::of(&ApplicationRegistered { specification })
            }
            ApplicationEvent::Modified { changes } => Self::of(&ApplicationModified { changes }),
            ApplicationEvent::Discarded { name, version } => {
                Self::of(&ApplicationDiscarded { name, version })
            }
            ApplicationEvent::Restored { name, version } => Self::of(&ApplicationRestored { name, version }),
        }
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::testkit::assert_documented;

    use super::*;
    use crate::domain::samples::specification;

    /// The page is the contract: a change of an event that the page does not have fails here.
    #[test]
    fn the_page_of_events_shows_each_as_it_is() {
        let nginx = || specification("nginx", "1.27");
        let (old, new) = (specification("nginx", "1.26"), nginx());
        let (name, version) = (nginx().name, nginx().version);
        let events = [
            ApplicationEvent::Registered { specification: nginx() },
            ApplicationEvent::Modified {
                changes: Changes::default().compare("version", &old.version, &new.version),
            },
            ApplicationEvent::Discarded { name: name.clone(), version: version.clone() },
            ApplicationEvent::Restored { name, version },
        ];
        let publications: Vec<Publication> = events.into_iter().map(Into::into).collect();
        assert_documented(include_str!("../../../docs/EVENTS.md"), ALL, &publications);
    }
}
