//! How a server is reached: a credential, and what can be said about one.

use deserr::{Deserr, ValuePointerRef};
use serde::Serialize;
use servertree_kernel::domain::{Invalid, IpAddress, Secret};
use servertree_kernel::fields::{FieldErrors, Ignored, Replaceable};
use servertree_kernel::{id, number, text};
use utoipa::ToSchema;

use super::values::{is_readable, is_slug};

id!(
    /// Identifies a credential.
    CredentialId
);

text! {
    /// How one connects: `ssh`, `rdp`, `https`, … A lower-case slug.
    pub struct ConnectionType {
        length: 1..=64,
        allows: is_slug,
        rule: "a lower-case slug: letters a to z, digits, and single '-' between them",
        pattern: "^[a-z0-9]+(-[a-z0-9]+)*$",
        example: "ssh",
    }
}

text! {
    /// Who one logs in as.
    pub struct CredentialUsername {
        length: 1..=255,
        allows: is_readable,
        rule: "a text that is not blank and has no control characters",
        pattern: "^[^\\u0000-\\u001F\\u007F-\\u009F]*[^\\u0000-\\u001F\\u007F-\\u009F\\s][^\\u0000-\\u001F\\u007F-\\u009F]*$",
        example: "root",
    }
}

number! {
    /// A TCP or UDP port.
    pub struct Port(u16) { range: 1..=65_535, example: 22 }
}

text! {
    /// Why a password is revealed.
    pub struct RevealReason {
        length: 1..=500,
        allows: is_readable,
        rule: "a text that is not blank and has no control characters",
        pattern: "^[^\\u0000-\\u001F\\u007F-\\u009F]*[^\\u0000-\\u001F\\u007F-\\u009F\\s][^\\u0000-\\u001F\\u007F-\\u009F]*$",
        example: "disk full, ticket 4711",
    }
}

/// A credential of a server.
#[derive(Clone, Debug)]
pub struct Credential {
    pub id: CredentialId,
    pub specification: CredentialSpecification,
    pub password: Password,
}

/// All there is to know about a credential but its password.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct CredentialSpecification {
    /// How one connects.
    pub connection_type: ConnectionType,
    /// Who one logs in as.
    pub username: CredentialUsername,
    /// Where the server is in its own network.
    #[schema(required)]
    pub local_ip: Option<IpAddress>,
    /// The port there.
    #[schema(required)]
    pub local_port: Option<Port>,
    /// Where the server is seen from outside.
    #[schema(required)]
    pub public_ip: Option<IpAddress>,
    /// The port there.
    #[schema(required)]
    pub public_port: Option<Port>,
}

/// The password of a credential, as the aggregate knows it: what is stored is sealed, and not read to decide anything.
#[derive(Clone, Debug)]
pub enum Password {
    /// There is none.
    None,
    /// The one that is stored.
    Stored,
    /// This one, which is not stored yet.
    New(Secret),
}

impl Password {
    pub fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }
}

/// What is to become of a password.
#[derive(Clone, Debug, Default)]
pub enum PasswordDraft {
    /// Nothing was said: it stays.
    #[default]
    Keep,
    /// Null: it is removed.
    Remove,
    /// A text: it is the new one.
    Set(Secret),
}

/// What people say about a credential.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields, validate = check_ports -> FieldErrors)]
#[schema(as = CredentialDraft, example = json!({"connection_type": "ssh", "username": "root", "password": "…",
    "local_ip": "198.18.0.5", "local_port": 22}))]
pub struct CredentialDraft {
    /// Which of the credentials of the server it is; none for a new one.
    #[deserr(default)]
    pub id: Option<CredentialId>,
    /// How one connects.
    pub connection_type: ConnectionType,
    /// Who one logs in as.
    pub username: CredentialUsername,
    /// Accepted and ignored, as GET shows it.
    #[deserr(default)]
    #[schema(value_type = Option<bool>, read_only)]
    #[expect(dead_code, reason = "it is accepted and ignored")]
    has_password: Ignored,
    /// Not there: the password stays as it is. Null: it is removed.
    #[deserr(default)]
    #[schema(value_type = Option<Secret>, write_only)]
    pub password: PasswordDraft,
    /// Where the server is in its own network.
    #[deserr(default)]
    pub local_ip: Option<IpAddress>,
    /// The port there.
    #[deserr(default)]
    pub local_port: Option<Port>,
    /// Where the server is seen from outside.
    #[deserr(default)]
    pub public_ip: Option<IpAddress>,
    /// The port there.
    #[deserr(default)]
    pub public_port: Option<Port>,
}

impl CredentialDraft {
    /// What it says but the password, and that.
    pub fn split(self) -> (CredentialSpecification, PasswordDraft) {
        let specification = CredentialSpecification {
            connection_type: self.connection_type,
            username: self.username,
            local_ip: self.local_ip,
            local_port: self.local_port,
            public_ip: self.public_ip,
            public_port: self.public_port,
        };
        (specification, self.password)
    }
}

impl Replaceable for CredentialDraft {
    const FILLED_IN: &'static [&'static str] = &["id", "has_password"];
}

/// A port without its address leads nowhere.
fn check_ports(
    draft: CredentialDraft,
    location: ValuePointerRef<'_>,
) -> Result<CredentialDraft, FieldErrors> {
    let ports = [
        ("local_port", draft.local_port, "local_ip", draft.local_ip),
        ("public_port", draft.public_port, "public_ip", draft.public_ip),
    ];
    let faults = ports.into_iter().filter(|(_, port, _, ip)| port.is_some() && ip.is_none()).map(
        |(field, _, address, _)| {
            let message = format!("needs {address}: without it, it leads nowhere");
            FieldErrors::at(location.push_key(field), Invalid { code: "incomplete", message })
        },
    );
    FieldErrors::none_of(faults)?;
    Ok(draft)
}

impl Deserr<FieldErrors> for PasswordDraft {
    fn deserialize_from_value<V: deserr::IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        match value {
            deserr::Value::Null => Ok(Self::Remove),
            value => Secret::deserialize_from_value(value, location).map(Self::Set),
        }
    }
}
