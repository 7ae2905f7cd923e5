//! The public events of this context: a contract with whoever listens. Fields are added, never changed in meaning.

use serde::Serialize;
use servertree_kernel::domain::Changes;
use servertree_kernel::event::{EventType, PublicEvent, Publication};
use utoipa::ToSchema;

use crate::domain::{
    ApplicationId, ConnectionType, CredentialId, CredentialSpecification, CredentialUsername, Directories,
    RevealReason, ServerEvent, ServerName, Specification, Status,
};

/// All of them.
pub static ALL: &[EventType] = &[
    EventType::of::<ServerRegistered>(),
    EventType::of::<ServerModified>(),
    EventType::of::<ServerStatusChanged>(),
    EventType::of::<ServerDiscarded>(),
    EventType::of::<ServerRestored>(),
    EventType::of::<CredentialAdded>(),
    EventType::of::<CredentialChanged>(),
    EventType::of::<CredentialRemoved>(),
    EventType::of::<CredentialRevealed>(),
    EventType::of::<ApplicationInstalled>(),
    EventType::of::<ApplicationUninstalled>(),
];

/// A server entered the inventory.
#[derive(Serialize, ToSchema)]
struct ServerRegistered {
    #[serde(flatten)]
    specification: Specification,
    status: Status,
}

/// Something about a server changed: each field with its value before and after.
#[derive(Serialize, ToSchema)]
struct ServerModified {
    changes: Changes,
}

/// Somebody said how a server is doing: `running`, `stopped`, `error` or `unknown`.
#[derive(Serialize, ToSchema)]
struct ServerStatusChanged {
    old: Status,
    new: Status,
}

/// A server left the inventory; its name is free.
#[derive(Serialize, ToSchema)]
struct ServerDiscarded {
    name: ServerName,
}

/// A discarded server came back into the inventory.
#[derive(Serialize, ToSchema)]
struct ServerRestored {
    name: ServerName,
}

/// A server can be reached in one more way.
#[derive(Serialize, ToSchema)]
struct CredentialAdded {
    credential_id: CredentialId,
    #[serde(flatten)]
    specification: CredentialSpecification,
    has_password: bool,
}

/// A credential was changed: the fields that differ, with old and new value, and whether its password is another one.
#[derive(Serialize, ToSchema)]
struct CredentialChanged {
    credential_id: CredentialId,
    changes: Changes,
    password_changed: bool,
}

/// A credential was removed, and its password with it.
#[derive(Serialize, ToSchema)]
struct CredentialRemoved {
    credential_id: CredentialId,
    connection_type: ConnectionType,
    username: CredentialUsername,
}

/// Somebody (`actor`) got to see the password of a credential.
#[derive(Serialize, ToSchema)]
struct CredentialRevealed {
    credential_id: CredentialId,
    connection_type: ConnectionType,
    username: CredentialUsername,
    reason: RevealReason,
}

/// An application was installed on a server. What it is called is for the events of applications to tell.
#[derive(Serialize, ToSchema)]
struct ApplicationInstalled {
    application_id: ApplicationId,
    #[serde(flatten)]
    directories: Directories,
}

/// An application is not on a server any more; where it was.
#[derive(Serialize, ToSchema)]
struct ApplicationUninstalled {
    application_id: ApplicationId,
    #[serde(flatten)]
    directories: Directories,
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

impl PublicEvent for ApplicationInstalled {
    const TYPE: &'static str = "server.application.installed";
}

impl PublicEvent for ApplicationUninstalled {
    const TYPE: &'static str = "server.application.uninstalled";
}

impl From<ServerEvent> for Publication {
    fn from(event: ServerEvent) -> Self {
        match event {
            ServerEvent::Registered { specification, status } => {
                Self::of(&ServerRegistered { specification, status })
            }
            ServerEvent::Modified { changes } | ServerEvent::InstallationChanged { changes, .. } => {
                Self::of(&ServerModified { changes })
            }
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
            ServerEvent::ApplicationInstalled { installation } => Self::of(&ApplicationInstalled {
                application_id: installation.application.id,
                directories: installation.directories,
            }),
            ServerEvent::ApplicationUninstalled { installation } => Self::of(&ApplicationUninstalled {
                application_id: installation.application.id,
                directories: installation.directories,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::testkit::assert_documented;

    use super::*;
    use crate::domain::samples::{application, credential, directories, specification};
    use crate::domain::{Application, Credential, CredentialId, Installation, Password};

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
        let nginx = ApplicationId::from(uuid::uuid!("019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b12"));
        let installation = Installation {
            application: Application { id: nginx, ..application("nginx") },
            directories: directories("nginx"),
        };
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
            ServerEvent::ApplicationInstalled { installation: installation.clone() },
            ServerEvent::ApplicationUninstalled { installation },
        ];
        let publications: Vec<Publication> = events.into_iter().map(Into::into).collect();
        assert_documented(include_str!("../../../docs/EVENTS.md"), ALL, &publications);
    }
}
