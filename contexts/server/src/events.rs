//! The public events of this context: a contract with whoever listens. Fields are added, never changed in meaning.

use serde::Serialize;
use servertree_kernel::domain::Changes;
use servertree_kernel::event::{PublicEvent, Publication};

use crate::domain::{ServerEvent, ServerName, Specification, Status};

/// The names of all of them.
pub static ALL: &[&str] = &[
    ServerRegistered::TYPE,
    ServerModified::TYPE,
    ServerStatusChanged::TYPE,
    ServerDiscarded::TYPE,
    ServerRestored::TYPE,
];

#[derive(Serialize)]
struct ServerRegistered {
    #[serde(flatten)]
    specification: Specification,
    status: Status,
}

#[derive(Serialize)]
struct ServerModified {
    changes: Changes,
}

#[derive(Serialize)]
struct ServerStatusChanged {
    old: Status,
    new: Status,
}

#[derive(Serialize)]
struct ServerDiscarded {
    name: ServerName,
}

#[derive(Serialize)]
struct ServerRestored {
    name: ServerName,
}

impl PublicEvent for ServerRegistered {
    const TYPE: &'static str = "server.registered";
}

impl PublicEvent for ServerModified {
    const TYPE: &'static str = "server.modified";
}

impl PublicEvent for ServerStatusChanged {
    const TYPE: &'static str = "server.status.changed";
}

impl PublicEvent for ServerDiscarded {
    const TYPE: &'static str = "server.discarded";
}

impl PublicEvent for ServerRestored {
    const TYPE: &'static str = "server.restored";
}

impl From<ServerEvent> for Publication {
    fn from(event: ServerEvent) -> Self {
        match event {
            ServerEvent::Registered { specification, status } => {
                Self::of(&ServerRegistered { specification, status })
            }
            ServerEvent::Modified { changes } => Self::of(&ServerModified { changes }),
            ServerEvent::StatusChanged { old, new } => Self::of(&ServerStatusChanged { old, new }),
            ServerEvent::Discarded { name } => Self::of(&ServerDiscarded { name }),
            ServerEvent::Restored { name } => Self::of(&ServerRestored { name }),
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
        let name = || specification("web-1").name;
        let events = [
            ServerEvent::Registered { specification: specification("web-1"), status: Status::Stopped },
            ServerEvent::Modified { changes: Changes::default().compare("cpu_cores", &4, &8) },
            ServerEvent::StatusChanged { old: Status::Stopped, new: Status::Running },
            ServerEvent::Discarded { name: name() },
            ServerEvent::Restored { name: name() },
        ];
        let publications: Vec<Publication> = events.into_iter().map(Into::into).collect();
        assert_documented(include_str!("../../../docs/EVENTS.md"), ALL, &publications);
    }
}
