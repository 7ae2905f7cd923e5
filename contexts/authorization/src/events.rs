//! The public events of this context: a contract with whoever listens. Fields are added, never changed in meaning.

use serde::Serialize;
use servertree_kernel::domain::{Changes, IpAddress, Timestamp};
use servertree_kernel::event::{EventType, PublicEvent, Publication};
use utoipa::ToSchema;

use crate::domain::{
    CloseReason, RoleDraft, RoleEvent, RoleName, RoleRef, SessionEvent, TokenEvent, TokenName, UserEvent,
    UserId, Username,
};

/// Declares public events: each a struct with its name and its fields, which are always there. [`ALL`] lists them.
macro_rules! events {
    ($(
        $(#[$meta:meta])*
        $name:ident = $event_type:literal { $($field:ident: $type:ty),* $(,)? }
    )+) => {
        /// All of them.
        pub static ALL: &[EventType] = &[$(EventType::of::<$name>()),+];

        $(
            $(#[$meta])*
            #[derive(Serialize, ToSchema)]
            struct $name { $(#[schema(required)] $field: $type),* }

            impl PublicEvent for $name {
                const TYPE: &'static str = $event_type;
            }
        )+
    };
}

events! {
    /// Somebody gave themselves an account.
    UserSignedUp = "user.signed.up" { username: Username, roles: Vec<RoleName> }
    /// Somebody else gave a user an account: an administrator, the first start, or `servertree admin create`.
    UserCreated = "user.created" { username: Username, roles: Vec<RoleName> }
    /// A user cannot log in any more.
    UserInactivated = "user.inactivated" { username: Username }
    /// A user who was inactive can log in again.
    UserReactivated = "user.reactivated" { username: Username }
    /// A user got a role: one event for each.
    UserRoleGranted = "user.role.granted" { username: Username, role: RoleName }
    /// A role was taken from a user: one event for each.
    UserRoleRevoked = "user.role.revoked" { username: Username, role: RoleName }
    /// A user has another password: who did it is `actor`.
    UserPasswordChanged = "user.password.changed" { username: Username }
    /// A user logged in.
    SessionOpened = "session.opened" { user_id: UserId, username: Username, address: Option<IpAddress> }
    /// A session ended before its time.
    SessionClosed = "session.closed" { user_id: UserId, username: Username, reason: CloseReason }
    /// There is a new role.
    RoleCreated = "role.created" { role: RoleDraft }
    /// A role has another name, or other grants, which hold for its users from now on.
    RoleChanged = "role.changed" { changes: Changes }
    /// There is no such role any more.
    RoleRemoved = "role.removed" { name: RoleName }
    /// A user made a token for a program.
    TokenCreated = "token.created" {
        user_id: UserId, username: Username, name: TokenName, read_only: bool, expires_at: Timestamp,
    }
    /// A token is good for nothing any more.
    TokenRemoved = "token.removed" { user_id: UserId, username: Username, name: TokenName }
}

fn names(roles: Vec<RoleRef>) -> Vec<RoleName> {
    roles.into_iter().map(|role| role.name).collect()
}

impl From<UserEvent> for Publication {
    fn from(event: UserEvent) -> Self {
        match event {
            UserEvent::SignedUp { username, roles } => {
                Self::of(&UserSignedUp { username, roles: names(roles) })
            }
            UserEvent::Created { username, roles } => {
                Self::of(&UserCreated { username, roles: names(roles) })
            }
            UserEvent::Inactivated { username } => Self::of(&UserInactivated { username }),
            UserEvent::Reactivated { username } => Self::of(&UserReactivated { username }),
            UserEvent::RoleGranted { username, role } => {
                Self::of(&UserRoleGranted { username, role: role.name })
            }
            UserEvent::RoleRevoked { username, role } => {
                Self::of(&UserRoleRevoked { username, role: role.name })
            }
            UserEvent::PasswordChanged { username } => Self::of(&UserPasswordChanged { username }),
        }
    }
}

impl From<SessionEvent> for Publication {
    fn from(event: SessionEvent) -> Self {
        match event {
            SessionEvent::Opened { user, username, address } => {
                Self::of(&SessionOpened { user_id: user, username, address })
            }
            SessionEvent::Closed { user, username, reason } => {
                Self::of(&SessionClosed { user_id: user, username, reason })
            }
        }
    }
}

impl From<RoleEvent> for Publication {
    fn from(event: RoleEvent) -> Self {
        match event {
            RoleEvent::Created { role } => Self::of(&RoleCreated { role }),
            RoleEvent::Changed { changes } => Self::of(&RoleChanged { changes }),
            RoleEvent::Removed { name } => Self::of(&RoleRemoved { name }),
        }
    }
}

impl From<TokenEvent> for Publication {
    fn from(event: TokenEvent) -> Self {
        match event {
            TokenEvent::Created { user, username, name, read_only, expires_at } => {
                Self::of(&TokenCreated { user_id: user, username, name, read_only, expires_at })
            }
            TokenEvent::Removed { user, username, name } => {
                Self::of(&TokenRemoved { user_id: user, username, name })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::domain::Uuid;
    use servertree_kernel::testkit::assert_documented;

    use super::*;
    use crate::domain::RoleRef;

    /// The page is the contract: a change of an event that the page does not have fails here.
    #[test]
    fn the_page_of_events_shows_each_as_it_is() {
        let id = || Uuid::parse_str("019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11").unwrap();
        let username = || Username::parse("ada".to_owned()).unwrap();
        let named = |name: &str| RoleRef { id: id().into(), name: RoleName::parse(name.to_owned()).unwrap() };
        let role = || named("viewer");
        let name = || RoleName::parse("staging-operator".to_owned()).unwrap();
        let token = || TokenName::parse("backup job".to_owned()).unwrap();
        let condition = serde_json::json!({"environment": {"in": ["staging", "test"]}});
        let draft: RoleDraft = servertree_kernel::fields::parse(serde_json::json!({
            "name": "staging-operator",
            "grants": [{"action": "update", "object_type": "server", "condition": condition}],
        }))
        .unwrap();
        let changes = Changes::default().compare("name", &"staging-operator", &"test-operator");
        let expires_at = Timestamp::from_micros(1_801_389_600_000_000);
        let users = [
            UserEvent::SignedUp { username: username(), roles: vec![named("user")] },
            UserEvent::Created { username: username(), roles: vec![role()] },
            UserEvent::Inactivated { username: username() },
            UserEvent::Reactivated { username: username() },
            UserEvent::RoleGranted { username: username(), role: named("operator") },
            UserEvent::RoleRevoked { username: username(), role: role() },
            UserEvent::PasswordChanged { username: username() },
        ];
        let address = IpAddress::parse("198.18.0.5").ok();
        let sessions = [
            SessionEvent::Opened { user: id().into(), username: username(), address },
            SessionEvent::Closed { user: id().into(), username: username(), reason: CloseReason::LoggedOut },
        ];
        let roles = [
            RoleEvent::Created { role: draft },
            RoleEvent::Changed { changes },
            RoleEvent::Removed { name: name() },
        ];
        let tokens = [
            TokenEvent::Created {
                user: id().into(),
                username: username(),
                name: token(),
                read_only: true,
                expires_at,
            },
            TokenEvent::Removed { user: id().into(), username: username(), name: token() },
        ];
        let users = users.into_iter().map(Publication::from);
        let sessions = sessions.into_iter().map(Publication::from);
        let roles = roles.into_iter().map(Publication::from);
        let publications: Vec<Publication> =
            users.chain(sessions).chain(roles).chain(tokens.into_iter().map(Publication::from)).collect();
        assert_documented(include_str!("../../../docs/EVENTS.md"), ALL, &publications);
    }
}
