//! The public events of this context: a contract with whoever listens. Fields are added, never changed in meaning.

use serde::Serialize;
use servertree_kernel::domain::Changes;
use servertree_kernel::event::{PublicEvent, Publication};

use crate::domain::{
    ConnectionType, CredentialId, CredentialSpecification, RevealReason, ServerEvent, ServerName,
    Specification, Status, Username,
};

/// The names of all of them.
pub static ALL: &[&str] = &[
    ServerRegistered::TYPE,
    ServerModified::TYPE,
    ServerStatusChanged::TYPE,
    ServerDiscarded::TYPE,
    ServerRestored::TYPE,
    CredentialAdded::TYPE,
    CredentialChanged::TYPE,
    CredentialRemoved::TYPE,
    CredentialRevealed::TYPE,
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

#[derive(Serialize)]
struct CredentialAdded {
    credential_id: CredentialId,
    #[serde(flatten)]
    specification: CredentialSpecification,
    has_password: bool,
}

#[derive(Serialize)]
struct CredentialChanged {
    credential_id: CredentialId,
    changes: Changes,
    password_changed: bool,
}

#[derive(Serialize)]
struct CredentialRemoved {
    credential_id: CredentialId,
    connection_type: ConnectionType,
    username: Username,
}

#[derive(Serialize)]
struct CredentialRevealed {
    credential_id: CredentialId,
    connection_type: ConnectionType,
    username: Username,
    reason: RevealReason,
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

impl PublicEvent for CredentialAdded {
    const TYPE: &'static str = "server.credential.added";
}

impl PublicEvent for CredentialChanged {
    const TYPE: &'static str = "server.credential.changed";
}

impl PublicEvent for CredentialRemoved {
    const TYPE: &'static str = "server.credential.removed";
}

impl PublicEvent for CredentialRevealed {
    const TYPE: &'static str = "server.credential.revealed";
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
            ServerEvent::CredentialAdded { credential } => Self::of(&CredentialAdded {
                credential_id: credential.id,
                has_password: credential.password.is_some(),
                specification: credential.specification,
            }),
            ServerEvent::CredentialChanged { credential, changes, password_changed } => {
                Self::of(&CredentialChanged { credential_id: credential.id, changes, password_changed })
            }
            ServerEvent::CredentialRemoved { credential } => Self::of(&CredentialRemoved {
                credential_id: credential.id,
                connection_type: credential.specification.connection_type,
                username: credential.specification.username,
            }),
            ServerEvent::CredentialRevealed { credential, reason } => Self::of(&CredentialRevealed {
                credential_id: credential.id,
                connection_type: credential.specification.connection_type,
                username: credential.specification.username,
                reason,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::testkit::assert_documented;

    use super::*;
    use crate::domain::samples::{credential, specification};
    use crate::domain::{Credential, CredentialId, Password};

    /// The page is the contract: a change of an event that the page does not have fails here.
    #[test]
    fn the_page_of_events_shows_each_as_it_is() {
        let name = || specification("web-1").name;
        let json = serde_json::json!({
            "connection_type": "ssh", "username": "root", "local_ip": "198.18.0.5", "local_port": 22,
        });
        let credential = || Credential {
            id: CredentialId::from(uuid::uuid!("019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11")),
            specification: credential(json.clone()).split().0,
            password: Password::Stored,
        };
        let changes = Changes::default().compare("username", &"admin", &"root");
        let reason = RevealReason::parse("disk full, ticket 4711".to_owned()).unwrap();
        let events = [
            ServerEvent::Registered { specification: specification("web-1"), status: Status::Stopped },
            ServerEvent::Modified { changes: Changes::default().compare("cpu_cores", &4, &8) },
            ServerEvent::StatusChanged { old: Status::Stopped, new: Status::Running },
            ServerEvent::Discarded { name: name() },
            ServerEvent::Restored { name: name() },
            ServerEvent::CredentialAdded { credential: credential() },
            ServerEvent::CredentialChanged { credential: credential(), changes, password_changed: true },
            ServerEvent::CredentialRemoved { credential: credential() },
            ServerEvent::CredentialRevealed { credential: credential(), reason },
        ];
        let publications: Vec<Publication> = events.into_iter().map(Into::into).collect();
        assert_documented(include_str!("../../../docs/EVENTS.md"), ALL, &publications);
    }
}
